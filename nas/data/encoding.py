"""Checked examples ▶ what a model receives, one function a kind of input.

What an encoding needs to know (means, a vocabulary) it learns from the training split alone, and the same encoding is
applied to every split. All of it travels: numbers in the `Input`, a vocabulary in a file beside the arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from nas.conversation import Input, InputKind
from nas.data.options import DataSection
from nas.data.source import Array, RawInput
from nas.data.statistics import mean_and_std
from nas.data.text import encode, train_tokenizer, vocabulary_size

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
    assert raw.kind is not None
    mean, std = mean_and_std(arrays["train"])
    if raw.categories:
        numbers = len(mean) - len(raw.categories)
        mean, std = (*mean[:numbers], *[0.0] * len(raw.categories)), (*std[:numbers], *[1.0] * len(raw.categories))
    shape = arrays["train"].shape[1:]
    return Encoded(Input(raw.kind, shape, mean, std, categories=raw.categories, item=raw.item), arrays)


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
    described = Input("text", (options.text.length,), vocabulary=vocabulary_size(tokenizer), item=raw.item)
    return Encoded(described, found, {"tokenizer.json": tokenizer.to_str(pretty=True)})


def ids(raw: RawInput, arrays: Arrays, options: DataSection) -> Encoded:
    """Stored as they are."""
    whole = {split: array.astype(np.int32, copy=False) for split, array in arrays.items()}
    return Encoded(Input("ids", whole["train"].shape[1:], vocabulary=raw.vocabulary, item=raw.item), whole)


ENCODINGS: dict[InputKind, Callable[[RawInput, Arrays, DataSection], Encoded]] = {
    "image": standardised,
    "vector": standardised,
    "sequence": standardised,
    "audio": sound,
    "text": tokens,
    "ids": ids,
}
