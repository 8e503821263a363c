"""Checked examples ▶ what a model receives, one function a kind of input.

What an encoding needs to know (means, a vocabulary) it learns from the training split alone, and the same encoding is
applied to every split. All of it travels: numbers in the `Input`, a vocabulary in a file beside the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from nas.data.options import DataSection
from nas.data.source import Array, RawInput
from nas.data.statistics import mean_and_std
from nas.data.text import encode, special_tokens, train_tokenizer, unknown_token, vocabulary_size
from nas.data_card import Input, InputKind

Arrays: TypeAlias = dict[str, Array]
"""By split."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An input as it is stored. `files` are the texts of files that belong to it, by the end of their names."""

    input: Input
    arrays: Arrays
    files: dict[str, str] = field(default_factory=dict)


def standardised(raw: RawInput, arrays: Arrays, options: DataSection) -> Encoded:
    """Stored as they are, compact; the mean and deviation of train are applied to every batch."""
    files = {}
    if raw.categories:
        raw, arrays = _known_to_train(raw, arrays)
    if raw.categories or raw.columns:
        files["columns.json"] = json.dumps({"numbers": raw.columns, "categories": raw.values}, indent=2)
    mean, std = mean_and_std(arrays["train"])
    if raw.categories:
        numbers = len(mean) - len(raw.categories)
        mean, std = (*mean[:numbers], *[0.0] * len(raw.categories)), (*std[:numbers], *[1.0] * len(raw.categories))
    shape = arrays["train"].shape[1:]
    assert raw.kind is not None
    return Encoded(Input(raw.kind, shape, mean, std, categories=raw.categories, item=raw.item), arrays, files)


def _known_to_train(raw: RawInput, arrays: Arrays) -> tuple[RawInput, Arrays]:
    """Number the categories of train from 1, in their order; those that it has not got become 0."""
    found = {split: np.array(array) for split, array in arrays.items()}
    first = arrays["train"].shape[1] - len(raw.categories)
    names = list(raw.values) or [str(place) for place in range(len(raw.categories))]
    categories, values = [], {}
    for column, (name, size) in enumerate(zip(names, raw.categories, strict=True), start=first):
        there = np.bincount(arrays["train"][:, column].astype(np.int64), minlength=size)[1:] > 0
        codes = np.concatenate([[0], np.where(there, np.cumsum(there), 0)])
        for array in found.values():
            array[:, column] = codes[array[:, column].astype(np.int64)]
        categories.append(1 + int(there.sum()))
        if raw.values:
            values[name] = tuple(value for value, kept in zip(raw.values[name], there, strict=True) if kept)
    return replace(raw, categories=tuple(categories), values=values), found


def sound(raw: RawInput, arrays: Arrays, options: DataSection) -> Encoded:
    """Samples: integers are scaled to [-1, 1], floats are taken to be in it."""
    train = arrays["train"]
    full = float(-np.iinfo(train.dtype).min) if train.dtype.kind == "i" else 1.0
    rate = raw.sample_rate or options.audio.sample_rate
    return Encoded(Input("audio", train.shape[1:], (0.0,), (full,), sample_rate=rate, item=raw.item), arrays)


def tokens(raw: RawInput, arrays: Arrays, options: DataSection) -> Encoded:
    """Texts ▶ int32 (examples, length); the vocabulary is that of train."""
    tokenizer = train_tokenizer(arrays["train"], options.text)
    found = {split: encode(tokenizer, texts, options.text.length) for split, texts in arrays.items()}
    described = Input(
        "text",
        (options.text.length,),
        vocabulary=vocabulary_size(tokenizer),
        unknown=unknown_token(tokenizer),
        special=special_tokens(tokenizer),
        item=raw.item,
    )
    return Encoded(described, found, {"tokenizer.json": tokenizer.to_str(pretty=True)})


def ids(raw: RawInput, arrays: Arrays, options: DataSection) -> Encoded:
    """Stored as they are, with what they stand for."""
    files = {"names.json": json.dumps(["", *raw.names], ensure_ascii=False, indent=0)} if raw.names else {}
    whole = {split: array.astype(np.int32, copy=False) for split, array in arrays.items()}
    return Encoded(Input("ids", whole["train"].shape[1:], vocabulary=raw.vocabulary, item=raw.item), whole, files)


ENCODINGS: dict[InputKind, Callable[[RawInput, Arrays, DataSection], Encoded]] = {
    "image": standardised,
    "vector": standardised,
    "sequence": standardised,
    "audio": sound,
    "text": tokens,
    "ids": ids,
}
