"""Several labels an example: tags, topics, emotions; an example may also have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.source import Array, RawData
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError
from nas.training.tasks.averages import mean_of_marks
from nas.training.tasks.class_labels import called, labels_of, right_column
from nas.training.tasks.task import Outputs, Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner

SEPARATOR = ","
RARE = 0.25
"""Weights of marks are a choice where fewer examples than this share have the rarest label."""
MOST_WEIGHT = 10.0
"""No mark of a rare label weighs more than so many: a few examples are not to decide over every step."""


class Multilabel(Task):
    """A logit a label; the loss is the binary cross-entropy, the score the mean average precision.

    That is the area under precision against recall, the mean over labels: it needs no threshold. F1 is that of the
    labels whose probability is over a half. The loss may be weighted by choice, so that its values cannot be compared
    between trials: it is no objective.
    """

    objective: ClassVar = ("val_mean_average_precision", "maximize")
    metrics: ClassVar = ("val_mean_average_precision", "val_macro_f1", "val_micro_f1")
    output: ClassVar = "logits (batch, classes), in the order of class_names; the sigmoid of each is its probability"

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels uint8 (examples, labels), 1 where an example has one.

        Labels come as texts, several with commas between them; as lists; as rows of texts, "" for none; or as a
        matrix of 0 and 1. They are those of train, in sorted order, or that of the matrix.

        Raises:
            DataError: Labels are missing, or no labels; train has none, or nearly one an example; or another split has
                one that train lacks.
        """
        given = labels_of(data, "this task needs them, with commas between several")
        matrices = {name: y for name, y in given.items() if y.ndim == 2 and y.dtype.kind in "buif"}
        if len(matrices) == len(given):
            names, marks = _columns(matrices, data.target.names, called(data))
        else:
            names, marks = _marked({name: _listed(name, y, called(data)) for name, y in given.items()})
        learnable = np.asarray(marks["train"].any(axis=0))
        if not learnable.any():
            raise DataError(f"No example of train has any label: there is nothing to learn. {right_column(data)}")
        _no_strangers(names, marks, learnable)
        if learnable.sum() > len(marks["train"]) / 2:
            raise DataError(
                f"{called(data)} has {learnable.sum():,} different labels for {len(marks['train']):,} examples: they "
                f"look like free text or identifiers. Several labels of an example have {SEPARATOR!r} between them. "
                f"{right_column(data)}"
            )
        splits = {name: replace(part, y=marks[name][:, learnable]) for name, part in data.splits.items()}
        names = tuple(name for name, kept in zip(names, learnable, strict=True) if kept)
        checked = data.with_splits(splits, Target((len(names),), names))
        if marks["train"].sum(axis=1).max() > 1:
            return checked
        note = "No example of train has several labels: the task 'classification' may be what you want."
        return replace(checked, notes=(*data.notes, note))

    def target(self, target: Target, splits: Splits) -> Target:
        """Return `target`.

        Raises:
            DataError: Nothing is marked in train or in validation.
        """
        for name in ("train", "validation"):
            if not splits[name].labels.any():
                raise DataError(f"No example of the {name} split has any label. Add examples, or cut a larger share.")
        return target

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how many examples have each label."""
        return {name: tuple(part.labels.sum(axis=0, dtype=np.int64).tolist()) for name, part in splits.items()}

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say the same of every example: those labels that are best, metric by metric, by how frequent they are.

        Scores that are all the same have a precision of a label's share of the examples at any recall. For the mean F1
        it is best to set every label, for F1 over all marks as many of the most frequent as are best in train.
        """
        train, marks = splits["train"].labels, splits["validation"].labels
        shares = marks.mean(axis=0)
        order = np.argsort(-train.sum(axis=0, dtype=np.int64), kind="stable")
        most = int(np.argmax(_micro_f1_of_first(train[:, order])))
        metrics = {
            "val_mean_average_precision": float(shares[shares > 0].mean()),
            "val_macro_f1": float((2 * shares / (1 + shares)).mean()),
            "val_micro_f1": float(_micro_f1_of_first(marks[:, order])[most]),
        }
        return Baseline("the same labels for every example", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ logits (batch, labels)``.

        Raises:
            FamilyError: As for classification.
        """
        import keras

        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        logits = keras.layers.Dense(card.classes, name="head")(vector(features, encoder.name))
        return keras.Model(inputs, logits, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the binary cross-entropy; where labels are rare, their marks may weigh as much as their absence."""
        from nas.training.tasks.losses import LabelCrossentropy

        counts, examples = np.array(card.class_counts["train"]), card.examples["train"]
        balanced = np.clip((examples - counts) / np.maximum(counts, 1), 1.0, MOST_WEIGHT)
        rare = counts.min() < RARE * examples
        weighted = rare and hp.Choice("label_weights", ["none", "balanced"]) == "balanced"
        return LabelCrossentropy((balanced if weighted else np.ones(len(counts))).tolist())

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the mean F1 over labels and F1 over all marks, at a probability of a half."""
        from nas.training.tasks.measures import LabelMacroF1, LabelMicroF1

        return [LabelMacroF1(card.classes, name="macro_f1"), LabelMicroF1(card.classes, name="micro_f1")]

    def measure(self, outputs: Outputs, card: DataCard) -> dict[str, float]:
        """Return the mean average precision over the labels that validation has."""
        scores, marks = outputs.predict("validation"), outputs.open("validation").labels
        each = [average_precision(marks[:, label], scores[:, label]) for label in np.flatnonzero(marks.any(axis=0))]
        return {"val_mean_average_precision": float(np.mean(each))}

    def together(self, outputs: Sequence[Array]) -> Array | None:
        """Return logits of the mean probabilities."""
        return mean_of_marks(outputs)


MULTILABEL = Multilabel()


def average_precision(true: Array, scores: Array) -> float:
    """Return Σ (recallₙ − recallₙ₋₁) · precisionₙ over the distinct `scores` from the highest down, in [0, 1].

    Args:
        true: 0 or 1, (examples,); one of them at least is 1.
        scores: The higher, the likelier; those that are equal are told apart by nobody.
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(true[order], dtype=np.int64)
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of each run of equal scores
    gains = np.diff(hits[last], prepend=0) / hits[-1]
    return float(np.sum(gains * hits[last] / (last + 1)))


def _micro_f1_of_first(marks: Array) -> Array:
    """Return F1 over all marks of setting the first label, the first two, … for every example: (labels,)."""
    counts = marks.sum(axis=0, dtype=np.int64)
    set_ = len(marks) * np.arange(1, len(counts) + 1)
    scores: Array = 2 * np.cumsum(counts) / (set_ + counts.sum())
    return scores


def _columns(
    matrices: Mapping[str, Array], given: tuple[str, ...], called: str
) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return names and marks of matrices of 0 and 1."""
    widths = {name: y.shape[1] for name, y in matrices.items()}
    if len(set(widths.values())) > 1:
        raise DataError(
            f"{called} must have a column for each label, the same ones in every split. Received: {widths}."
        )
    for name, y in matrices.items():
        odd = np.flatnonzero(~np.isin(y, (0, 1)).all(axis=1))
        if len(odd):
            raise DataError(
                f"{name}: {called} has {y.shape[1]} columns, each for a label that an example has (1) or not (0); row "
                f"{odd[0]} (from 0) has {y[odd[0]][~np.isin(y[odd[0]], (0, 1))][0]!s}."
            )
    width = widths["train"]
    names = given if len(given) == width else tuple(str(column) for column in range(width))
    return names, {name: y.astype(np.uint8) for name, y in matrices.items()}


def _listed(split: str, y: Array, called: str) -> list[list[str]]:
    """Return the labels of each example, as texts."""
    if y.ndim == 2 and y.dtype.kind in "USO":
        return [[str(label) for label in row if label not in ("", None)] for row in y.tolist()]
    if y.ndim != 1 or y.dtype.kind not in "USO":
        raise DataError(
            f"{split}: {called} must have several labels an example: texts with {SEPARATOR!r} between them, lists, or "
            f"a matrix (examples, labels) of 0 and 1. Received: shape {y.shape}, dtype {y.dtype}. "
            "One label an example is the task 'classification'."
        )
    return [_labels_in(value, split, row) for row, value in enumerate(y.tolist())]


def _labels_in(value: object, split: str, row: int) -> list[str]:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return [label for part in value.split(SEPARATOR) if (label := part.strip())]
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(label, str | int) for label in value):
        return [str(label) for label in value]
    raise DataError(
        f"{split}: the labels in row {row} (from 0) are missing or no labels: {value!r}. Leave such rows out; an "
        "example that has none of the labels has an empty text or list."
    )


def _marked(listed: Mapping[str, list[list[str]]]) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return names and marks of lists of labels."""
    found = {label for rows in listed.values() for labels in rows for label in labels}
    whole = all(label.lstrip("-").isdecimal() for label in found)
    names = tuple(sorted(found, key=int if whole else None))
    place = {name: column for column, name in enumerate(names)}
    marks = {name: np.zeros((len(rows), len(names)), np.uint8) for name, rows in listed.items()}
    for name, rows in listed.items():
        for row, labels in enumerate(rows):
            marks[name][row, [place[label] for label in labels]] = 1
    return names, marks


def _no_strangers(names: tuple[str, ...], marks: Mapping[str, Array], learnable: Array) -> None:
    strange = [
        f"{names[column]} ({part[:, column].sum()} in {name})"
        for name, part in marks.items()
        for column in np.flatnonzero(part.any(axis=0) & ~learnable)
    ]
    if strange:
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise DataError(
            f"Labels that train has no example of: {', '.join(strange[:5])}{more}. Nobody could learn them: "
            "add examples to train, or leave these out."
        )
