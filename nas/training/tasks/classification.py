"""Classification: one label an example, of two or more classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.source import Array, RawData
from nas.data.splits import Cut
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError
from nas.training.tasks.averages import mean_of_classes
from nas.training.tasks.class_labels import called, labels_of, only_known, plain_labels, right_column, same_kind
from nas.training.tasks.task import Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner


class Classification(Task):
    """Logits over classes; the loss is the cross-entropy, the score the share of examples that are right."""

    objective: ClassVar = ("val_accuracy", "maximize")
    metrics: ClassVar = ("val_accuracy", "val_balanced_accuracy", "val_macro_f1", "val_loss")
    output: ClassVar = "logits (batch, classes), in the order of class_names; their softmax are probabilities"
    cut: ClassVar[Cut] = "class"

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples,) from 0 to classes - 1, and a name for each class.

        Labels come as integers, whole floats, booleans, texts, or one-hot rows (examples, classes). Classes are those
        of train, in the sorted order of their labels; the same order goes for every split.

        Raises:
            DataError: Labels are missing, fractional, of several kinds or several an example; there is one class only,
                or nearly one an example; or another split has a class that train lacks.
        """
        return class_data(data)

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how many examples each class has."""
        return {name: _counted(examples.labels, target) for name, examples in splits.items()}

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say of every example that it is of the class that is most frequent in train."""
        train = np.array(_counted(splits["train"].labels, target))
        validation = np.array(_counted(splits["validation"].labels, target))
        right = validation[train.argmax()] / validation.sum()
        present = np.count_nonzero(validation)
        shares = train / train.sum()
        # The cross-entropy of train's frequencies; classes that validation has not got weigh nothing.
        loss = -float(np.sum(validation * np.log(np.maximum(shares, 1e-12))) / validation.sum())
        metrics = {
            "val_accuracy": float(right),
            "val_balanced_accuracy": float(1 / present),
            "val_macro_f1": float(2 * right / (1 + right) / present),
            "val_loss": loss,
        }
        return Baseline("majority class", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ logits (batch, classes)``; features in a map or a sequence are averaged over their places.

        Raises:
            FamilyError: The encoder has several outputs, or one that is no vector, sequence or map of known width.
        """
        import keras

        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        logits = keras.layers.Dense(card.classes, name="head")(vector(features, encoder.name))
        return keras.Model(inputs, logits, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the cross-entropy of logits and integer labels."""
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the accuracy, its mean over classes and the mean F1 over classes, all in [0, 1]."""
        import keras

        from nas.training.tasks.measures import BalancedAccuracy, MacroF1

        return [
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            BalancedAccuracy(card.classes, name="balanced_accuracy"),
            MacroF1(card.classes, name="macro_f1"),
        ]

    def together(self, outputs: Sequence[Array]) -> Array | None:
        """Return logits of the mean probabilities."""
        return mean_of_classes(outputs)


CLASSIFICATION = Classification()


def class_data(data: RawData) -> RawData:
    """Return `data` with labels int32 (examples,) that index ``target.names``, the classes of train.

    Raises:
        DataError: As `Classification.check`.
    """
    given = labels_of(data, "classification needs one an example")
    labels = {name: plain_labels(name, y, called(data)) for name, y in given.items()}
    same_kind(labels)
    values = np.unique(labels["train"])
    _plausible(values, len(labels["train"]), data)
    names = _class_names(values, data.target.names)
    only_known(labels, values)
    splits = {
        name: replace(examples, y=np.searchsorted(values, labels[name]).astype(np.int32))
        for name, examples in data.splits.items()
    }
    return data.with_splits(splits, Target(names=names))


def _counted(y: Array, target: Target) -> tuple[int, ...]:
    return tuple(np.bincount(y, minlength=len(target.names)).tolist())


def _plausible(values: Array, examples: int, data: RawData) -> None:
    if len(values) < 2:
        raise DataError(f"There is only one class, {values[0]!s}: nothing to tell apart. {right_column(data)}")
    if len(values) > examples / 2:
        raise DataError(
            f"{called(data)} has {len(values):,} different labels for {examples:,} examples: they look like "
            f"identifiers or a quantity, not like classes. {right_column(data)}"
        )


def _class_names(values: Array, given: tuple[str, ...]) -> tuple[str, ...]:
    if values.dtype.kind == "U" or not given:
        return tuple(str(value) for value in values)
    if values[0] < 0 or values[-1] >= len(given):
        wrong = values[0] if values[0] < 0 else values[-1]
        raise DataError(f"There are {len(given)} class names, for labels 0 to {len(given) - 1}, but y has {wrong}.")
    return tuple(given[value] for value in values)
