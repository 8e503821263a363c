"""Tagging: a label for each step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.source import Array, RawData
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError
from nas.training.tasks.averages import mean_of_classes
from nas.training.tasks.class_labels import called, labels_of, only_known, right_column, same_kind
from nas.training.tasks.task import Features, Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner

NONE = -1
"""The label of a step that has none."""


class Tagging(Task):
    """Logits over tags at each step; the loss is the cross-entropy, the score the share of steps that are right."""

    objective: ClassVar = ("val_accuracy", "maximize")
    metrics: ClassVar = ("val_accuracy", "val_macro_f1", "val_loss")
    output: ClassVar = "logits (batch, steps, tags), in the order of class_names; their softmax are probabilities"
    features: ClassVar[Features] = "sequence"
    steps_have_labels: ClassVar[bool] = True

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples, steps), from 0 to tags - 1, -1 for steps without a label.

        Labels come as integers, -1 for none, or as texts, "" for none. Tags are those of train, in sorted order.

        Raises:
            DataError: Labels are no tags; a split has none, train only one tag, or another split one that train lacks;
                or there are not as many labels as the input has steps.
        """
        given = labels_of(data, "tagging needs one for each step, (examples, steps)")
        labels = {name: _tags(name, y, called(data)) for name, y in given.items()}
        same_kind(labels)
        _same_steps(data, labels)
        told = {name: y[_is_label(y)] for name, y in labels.items()}
        if empty := [name for name, values in told.items() if not len(values)]:
            raise DataError(f"No step of the {empty[0]} split has a label. Add examples.")
        values = np.unique(told["train"])
        if len(values) < 2:
            raise DataError(f"There is only one tag, {values[0]!s}: nothing to tell apart. {right_column(data)}")
        only_known(told, values, "Tags")
        places = {
            name: np.where(_is_label(y), np.searchsorted(values, y), NONE).astype(np.int32)
            for name, y in labels.items()
        }
        names = tuple(str(value) for value in values)
        if data.target.names and values.dtype.kind != "U" and values[-1] < len(data.target.names):
            names = tuple(data.target.names[value] for value in values)
        splits = {name: replace(examples, y=places[name]) for name, examples in data.splits.items()}
        return data.with_splits(splits, Target(places["train"].shape[1:], names))

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how many steps have each tag."""
        return {name: _counted(examples.labels, target) for name, examples in splits.items()}

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say of every step that it has the tag that is most frequent in train."""
        train, validation = (np.array(_counted(splits[name].labels, target)) for name in ("train", "validation"))
        if not train.sum() or not validation.sum():
            raise DataError("No step of train or of validation has a label. Add examples, or cut a larger share.")
        right = validation[train.argmax()] / validation.sum()
        told = np.count_nonzero(validation) + (right == 0)  # the tag that is said, where validation has not got it
        metrics = {
            "val_accuracy": float(right),
            "val_macro_f1": float(2 * right / (1 + right) / told),
            "val_loss": -float(np.sum(validation * np.log(np.maximum(train / train.sum(), 1e-12))) / validation.sum()),
        }
        return Baseline("majority tag", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ logits (batch, steps, tags)``.

        Raises:
            FamilyError: The features are no sequence of as many steps as there are labels.
        """
        import keras

        from nas.training.tasks.heads import ends, sequence

        inputs, (features,) = ends(encoder, card)
        steps = sequence(features, encoder.name, card.target.shape[0])
        return keras.Model(inputs, keras.layers.Dense(card.classes, name="head")(steps), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the cross-entropy over labelled steps."""
        from nas.training.tasks.losses import StepCrossentropy

        return StepCrossentropy(name="step_crossentropy")

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the accuracy over labelled steps and the mean F1 over tags, in [0, 1]."""
        from nas.training.tasks.measures import Accuracy, MacroF1

        return [Accuracy(card.classes, name="accuracy"), MacroF1(card.classes, name="macro_f1")]

    def together(self, outputs: Sequence[Array]) -> Array | None:
        """Return logits of the mean probabilities."""
        return mean_of_classes(outputs)


TAGGING = Tagging()


def _is_label(y: Array) -> Array:
    is_label: Array = y != "" if y.dtype.kind == "U" else y != NONE
    return is_label


def _tags(split: str, y: Array, called: str) -> Array:
    """Return `y` as int64 or text, (examples, steps)."""
    if y.ndim != 2:
        raise DataError(
            f"{split}: {called} must be (examples, steps), a label for each step, filled up with -1 or empty texts. "
            f"Received: shape {y.shape}, dtype {y.dtype}."
        )
    if y.dtype.kind == "O":
        kinds = {type(label).__name__ for label in y.ravel().tolist()}
        if not (kinds <= {"str"} or kinds <= {"int", "bool"}):
            raise DataError(
                f"{split}: tags must be all integers or all text. Received: {', '.join(sorted(kinds))}. "
                "A step without a label is -1 or an empty text."
            )
        y = y.astype(str) if kinds == {"str"} else y.astype(np.int64)
    if y.dtype.kind == "S":
        return np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind == "U":
        return y
    whole = y.dtype.kind in "bui" or (y.dtype.kind == "f" and bool(np.all(y == np.round(y))))
    if not whole:
        raise DataError(f"{split}: tags must be integers or text. Received: dtype {y.dtype}, not all whole numbers.")
    y = y.astype(np.int64)
    odd = np.flatnonzero((y < NONE).any(axis=1))
    if len(odd):
        raise DataError(
            f"{split}: tags are numbers from 0, -1 stands for none; row {odd[0]} (from 0) has {y[odd[0]].min()}."
        )
    return y


def _same_steps(data: RawData, labels: dict[str, Array]) -> None:
    steps = {name: y.shape[1] for name, y in labels.items()}
    if len(set(steps.values())) > 1:
        raise DataError(f"The splits differ in how many steps y has: {steps}.")
    for name, known in data.inputs.items():
        shape = data.train.x[name].shape
        if known.kind == "sequence" and len(data.inputs) == 1 and shape[1] != steps["train"]:
            raise DataError(f"A sequence has {shape[1]} steps, and y has {steps['train']} labels for it.")


def _counted(y: Array, target: Target) -> tuple[int, ...]:
    return tuple(np.bincount(y[y != NONE], minlength=len(target.names)).tolist())
