"""Transcription: a row of symbols for an example, without the times at which they occur (speech to text, reading)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.source import Array, RawData
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError, plural
from nas.training.tasks.class_labels import labels_of, only_known
from nas.training.tasks.ctc import BLANK, beam_search, edit_distances, error_rate, frames_needed, greedy
from nas.training.tasks.task import Features, Outputs, Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner

FILL = -1
"""What rows of integers are filled up with."""
BEAMS = 8
MOST_BEAMED = 500
"""Examples that are searched by beams after every epoch. One of 60 frames and 12 symbols takes about half a
millisecond, one of 300 and 60 takes 30."""


class Transcription(Task):
    """Logits over the blank and the symbols at each frame; the loss is CTC's, the score the rate of wrong symbols.

    That rate (CER, of characters) is the edit distance of the transcripts over the symbols there are: 0 at best, 1 for
    saying nothing, and more than 1 for saying too much. ``val_cer`` is that of the greedy transcripts of all examples;
    ``val_beam_cer`` of those that a beam search finds, on `MOST_BEAMED` examples at most, the same in every trial.
    """

    objective: ClassVar = ("val_cer", "minimize")
    metrics: ClassVar = ("val_cer", "val_beam_cer", "val_loss")
    output: ClassVar = "logits (batch, frames, 1 + symbols) in the order of class_names, for CTC: 0 is the blank"
    features: ClassVar[Features] = "sequence"
    silent: ClassVar = 0.25
    """Before it says its first symbol, a model says blanks alone, and every rate is 1: measured on strings of digits,
    for 4 to 10 of 30 epochs, the best ones among them."""

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples, length), 1 to symbols, filled up with 0, the blank.

        They are stored as long as the label that needs most frames needs them: that is ``target.shape``. The first of
        ``target.names`` is the blank, "".

        Labels come as texts (examples,), each character a symbol, or as integers (examples, length), filled up with
        -1. Symbols are those of train, in sorted order.

        Raises:
            DataError: Labels are no transcripts, or empty ones; or another split has a symbol that train lacks.
        """
        given = labels_of(data, "transcription needs a text an example")
        rows = {name: _transcripts(name, y) for name, y in given.items()}
        if len({type(symbol) for split in rows.values() for row in split for symbol in row}) > 1:
            raise DataError("The labels of all splits must be of one kind: texts, or integers filled up with -1.")
        symbols = {name: np.array([symbol for row in split for symbol in row]) for name, split in rows.items()}
        values = np.unique(symbols["train"])
        only_known(symbols, values, "Symbols")
        labels = _filled(rows, {value: place for place, value in enumerate(values.tolist(), 1)})
        splits = {name: replace(examples, y=labels[name]) for name, examples in data.splits.items()}
        names = ("", *(str(value) for value in values))
        return data.with_splits(splits, Target(labels["train"].shape[1:], names))

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how often each symbol occurs; the blank never does."""
        counted = {name: np.bincount(part.labels.ravel(), minlength=len(target.names)) for name, part in splits.items()}
        return {name: (0, *found[1:].tolist()) for name, found in counted.items()}

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say the same of every example: nothing, or the most frequent transcript of train, whichever is better."""
        labels = splits["validation"].labels
        transcripts, counts = np.unique(splits["train"].labels, axis=0, return_counts=True)
        usual = transcripts[counts.argmax()]
        said = {
            "nothing": np.full_like(labels, BLANK),
            f"always {_spelled(usual, target.names)!r}": np.tile(usual, (len(labels), 1)),
        }
        best = min(said, key=lambda name: error_rate(labels, said[name]))
        some = _beamed(len(labels))
        return Baseline(
            best,
            {
                "val_cer": error_rate(labels, said[best]),
                "val_beam_cer": error_rate(labels[some], said[best][some]),
            },
        )

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ logits (batch, frames, 1 + symbols)``.

        Raises:
            FamilyError: The features are no sequence of known length.
            FailedTrialError: There are fewer frames than a label needs.
        """
        import keras
        from keras_tuner.errors import FailedTrialError

        from nas.training.tasks.heads import ends, sequence

        inputs, (features,) = ends(encoder, card)
        frames = sequence(features, encoder.name).shape[1]
        needed = card.target.shape[0]
        if frames is not None and frames < needed:
            raise FailedTrialError(
                f"The encoder gives {plural(frames, 'frame')}, and the longest label needs {needed}: one for each "
                "symbol, and one between two that are the same."
            )
        begin = keras.initializers.Constant(_log_shares(card, frames or needed).tolist())
        head = keras.layers.Dense(card.classes, bias_initializer=begin, name="head")
        return keras.Model(inputs, head(features), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return minus the log-likelihood of the labels, over all the ways to lay them over the frames."""
        from nas.training.tasks.losses import CTC

        return CTC(name="ctc")

    def ratios(self, outputs: Outputs, card: DataCard) -> dict[str, tuple[Array, Array]]:
        """Return wrong symbols over symbols, of the greedy transcripts and, of some examples, of those by beams."""
        labels, logits = outputs.open("validation").labels, outputs.predict("validation")
        symbols = (labels != BLANK).sum(axis=1)
        some = _beamed(len(labels))
        wrong, of = np.zeros_like(symbols), np.zeros_like(symbols)
        wrong[some] = edit_distances(labels[some], beam_search(logits[some], BEAMS))
        of[some] = symbols[some]
        return {"val_cer": (edit_distances(labels, greedy(logits)), symbols), "val_beam_cer": (wrong, of)}


TRANSCRIPTION = Transcription()


def _log_shares(card: DataCard, frames: int) -> Array:
    """Return the logarithm of how often each symbol, and the blank, are to be expected at a frame, (1 + symbols,).

    Where a head begins. With even odds, the first thing that it learns is that nearly all frames are blank: that takes
    an epoch or two, and its steps are so large (the loss of 100 frames and 10 symbols falls from 240 to 11) that they
    can be its last. As Lin et al. 2017, arXiv:1708.02002, section 4.1, have it for rare classes.
    """
    often = np.maximum(np.array(card.class_counts["train"], dtype=np.float64), 1)  # no symbol is impossible
    often[BLANK] = max(card.examples["train"] * frames - often[1:].sum(), often[1:].max())
    shares: Array = np.log(often / often.sum())
    return shares


def _beamed(examples: int) -> Array:
    """Return which of so many examples are searched by beams: all, or some, drawn the same way every time."""
    if examples <= MOST_BEAMED:
        return np.arange(examples)
    return np.sort(np.random.default_rng(0).choice(examples, MOST_BEAMED, replace=False))


def _transcripts(split: str, y: Array) -> list[Sequence[str] | Sequence[int]]:
    """Return the symbols of each example: characters or integers."""
    if y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind in "USO":
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "ui":
        return [_integers(row, split, place) for place, row in enumerate(y.astype(np.int64))]
    if y.ndim != 1 or y.dtype.kind not in "USO":
        raise DataError(
            f"{split}: y must be a text an example, (examples,), or integers (examples, length) filled up with -1. "
            f"Received: shape {y.shape}, dtype {y.dtype}."
        )
    texts = y.tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str | bytes) or not text:
            raise DataError(f"{split}: the transcript in row {row} (from 0) is {text!r}. Leave such rows out.")
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]


def _integers(row: Array, split: str, place: int) -> Sequence[int]:
    length = int((row >= 0).sum())
    if not length or (row[:length] < 0).any() or (row[length:] != FILL).any():
        raise DataError(
            f"{split}: a row of y is symbols from 0 and then nothing but -1; row {place} (from 0) is {row.tolist()}. "
            "Leave out rows without a symbol."
        )
    symbols: list[int] = row[:length].tolist()
    return symbols


def _filled(
    rows: Mapping[str, Sequence[Sequence[str] | Sequence[int]]], place: Mapping[str | int, int]
) -> dict[str, Array]:
    """Return labels int32 (examples, frames that the neediest of all splits needs)."""
    longest = max(len(row) for split in rows.values() for row in split)
    labels = {name: np.full((len(split), longest), BLANK, np.int32) for name, split in rows.items()}
    for name, split in rows.items():
        for index, row in enumerate(split):
            labels[name][index, : len(row)] = [place[symbol] for symbol in row]
    needed = max(int(frames_needed(split).max()) for split in labels.values())
    return {name: np.pad(split, ((0, 0), (0, needed - longest))) for name, split in labels.items()}


def _spelled(labels: Array, names: tuple[str, ...], most: int = 20) -> str:
    """Return a transcript as a text, symbols of several characters apart."""
    joint = " " if max(map(len, names)) > 1 else ""
    text = joint.join(names[label] for label in labels if label != BLANK)
    return text if len(text) <= most else text[: most - 1] + "…"
