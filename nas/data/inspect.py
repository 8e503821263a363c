"""What a data set is like once it is prepared: what `nas data check` tells before a study is begun."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nas.data.options import DataSection
from nas.data.prepared import open_split, prepare
from nas.data.source import Array, Examples, chunks
from nas.data.text import BATCH, UNKNOWN, read_tokenizer, well_formed
from nas.data_card import DataCard, Input

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
SILENCE = 0.001
"""Of full scale (−60 dB): what is not louder counts as silence."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What the arrays of one input hold. Quantiles are those of `QUANTILES`, over the training split.

    stored: the dtype in the file; received: what a model gets; low, high: of the numbers as stored, categories left
    out; tokens: how many a text has before it is cut off, and `cut` the share of texts that are cut off; unknown: the
    share of tokens that the vocabulary has not got, in validation; seconds: how long a sound is until its last sample
    that is no silence, and `silence` the share of all samples that are.
    """

    kind: str
    shape: tuple[int, ...]
    stored: str
    received: str
    low: float | None = None
    high: float | None = None
    vocabulary: int = 0
    categories: tuple[int, ...] = ()
    sample_rate: int = 0
    tokens: tuple[float, ...] = ()
    cut: float | None = None
    unknown: float | None = None
    seconds: tuple[float, ...] = ()
    silence: float | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A data set that can be searched on: its card, what its inputs are like, and notes for people."""

    card: DataCard
    inputs: dict[str, InputFacts] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def inspect(data: DataSection, task: str, folder: Path, base: Path) -> Inspection:
    """Prepare `data` for `task` in `folder`, as a launch does, and look at what came of it.

    Raises:
        DataError: The data cannot be searched on.
        UnknownName: No data source or task is registered under that name.
    """
    texts: dict[str, Array] = {}

    def keep_texts(splits: dict[str, Examples]) -> None:
        texts.update({name: x for name, x in splits["train"].x.items() if x.dtype == object})

    card, notes = prepare(data, task, folder, base, keep_texts)
    train, validation = open_split(card, "train"), open_split(card, "validation")
    facts = {name: _facts(card, name, train.x[name], validation.x[name], texts.get(name)) for name in card.inputs}
    return Inspection(card, facts, notes)


def _facts(card: DataCard, name: str, train: Array, validation: Array, texts: Array | None) -> InputFacts:
    given = card.inputs[name]
    common = (given.kind, given.shape, str(train.dtype), given.dtype)
    if given.kind == "text" and texts is not None:
        tokens, cut, unknown = _of_texts(Path(card.folder) / f"{name}_tokenizer.json", texts, validation)
        return InputFacts(*common, vocabulary=given.vocabulary, tokens=tokens, cut=cut, unknown=unknown)
    if given.kind == "audio":
        seconds, silence = _of_sounds(given, train)
        low, high = _range(train)
        rate = given.sample_rate
        return InputFacts(*common, low=low, high=high, sample_rate=rate, seconds=seconds, silence=silence)
    more = InputFacts(*common, vocabulary=given.vocabulary, categories=given.categories)
    numbers = train[..., : train.shape[-1] - len(given.categories)]
    if not numbers.size:
        return more
    low, high = _range(numbers)
    return replace(more, low=low, high=high)


def _range(array: Array) -> tuple[float, float]:
    ends = [(chunk.min(), chunk.max()) for _, chunk in chunks(array)]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _of_texts(path: Path, texts: Array, validation: Array) -> tuple[tuple[float, ...], float, float | None]:
    """Return the quantiles of token counts, the share of texts that are cut off, and that of unknown tokens."""
    tokenizer = read_tokenizer(path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    lengths = np.array(
        [
            len(found.ids)
            for start in range(0, len(texts), BATCH)
            for found in tokenizer.encode_batch_fast([well_formed(text) for text in texts[start : start + BATCH]])
        ]
    )
    token = tokenizer.token_to_id(UNKNOWN)
    there = np.count_nonzero(validation)
    unknown = None if token is None or not there else float(np.count_nonzero(validation == token) / there)
    return _quantiles(lengths), float(np.mean(lengths > validation.shape[1])), unknown


def _of_sounds(given: Input, train: Array) -> tuple[tuple[float, ...], float]:
    """Return the quantiles of seconds until a sound has ended, and the share of samples that are silence."""
    loud_samples, ends = 0, []
    for _, chunk in chunks(train):
        loud = np.abs(chunk.astype(np.float32)) > SILENCE * given.std[0]
        loud_samples += int(loud.sum())
        ends += np.where(loud.any(axis=1), chunk.shape[1] - np.argmax(loud[:, ::-1], axis=1), 0).tolist()
    return _quantiles(np.array(ends) / given.sample_rate), 1 - loud_samples / train.size


def _quantiles(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(values, QUANTILES))
