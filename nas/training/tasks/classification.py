"""Classification: one label an example, of two or more classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.conversation import DataCard
from nas.data.source import Array, Examples, RawData
from nas.errors import DataError, FamilyError
from nas.training.tasks.class_labels import plain_labels

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Classification:
    """Logits over classes; the loss is the cross-entropy, the score the share of examples that are right."""

    objective: tuple[str, str] = ("val_accuracy", "maximize")
    metrics: tuple[str, ...] = ("val_accuracy", "val_loss")

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples,) from 0 to classes - 1, and a name for each class.

        Labels come as integers, whole floats, booleans, texts, or one-hot rows (examples, classes). Classes are those
        of train, in the sorted order of their labels; the same order goes for every split.

        Raises:
            DataError: Labels are missing, fractional, of several kinds or several an example; there is one class only,
                or nearly one an example; or another split has a class that train lacks.
        """
        labels = {name: plain_labels(name, examples.y) for name, examples in data.splits.items()}
        _same_kind(labels)
        values = np.unique(labels["train"])
        _plausible(values, len(labels["train"]))
        names = _class_names(values, data.class_names)
        _known(labels, values)
        splits = {
            name: Examples(examples.x, np.searchsorted(values, labels[name]).astype(np.int32))
            for name, examples in data.splits.items()
        }
        return data.with_splits(splits, names)

    def attach_head(self, encoder: keras.Model, card: DataCard) -> keras.Model:
        """Return ``inputs ▶ logits (batch, classes)``; features in a map or a sequence are averaged over their places.

        Raises:
            FamilyError: The encoder has several outputs, or one that is no vector, sequence or map of known width.
        """
        import keras

        inputs, features = _ends(encoder, card)
        if len(features.shape) == 3:
            features = keras.layers.GlobalAveragePooling1D()(features)
        elif len(features.shape) == 4:
            features = keras.layers.GlobalAveragePooling2D()(features)
        logits = keras.layers.Dense(card.classes, name="head")(features)
        return keras.Model(inputs, logits, name=encoder.name)

    def loss(self, card: DataCard) -> keras.losses.Loss:
        """Return the cross-entropy of logits and integer labels."""
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the accuracy, in [0, 1]."""
        import keras

        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


CLASSIFICATION = Classification()


def _ends(encoder: keras.Model, card: DataCard) -> tuple[Any, Any]:
    """Return the inputs of `encoder` and its features; a model without a graph is called and becomes one layer."""
    import keras

    if hasattr(encoder, "outputs"):
        inputs = encoder.inputs[0] if len(encoder.inputs) == 1 else encoder.inputs  # a list of one wants lists for ever
        outputs = encoder.outputs
    else:
        inputs = keras.Input(card.input_shape)
        outputs = keras.tree.flatten(encoder(inputs))
    if len(outputs) != 1:
        raise FamilyError(
            f"An encoder must have one output, its features; {encoder.name!r} has {len(outputs)}. "
            "Join them in the family, e.g. with keras.layers.Concatenate."
        )
    shape = outputs[0].shape
    if len(shape) not in (2, 3, 4) or shape[-1] is None:
        raise FamilyError(
            "The features of an encoder must be a vector (batch, width), a sequence (batch, steps, width) or a map "
            f"(batch, height, width, channels), of known width; those of {encoder.name!r} are {shape}."
        )
    return inputs, outputs[0]


def _same_kind(labels: dict[str, Array]) -> None:
    kinds = {name: "text" if y.dtype.kind == "U" else "integers" for name, y in labels.items()}
    if len(set(kinds.values())) > 1:
        raise DataError(
            f"The labels of all splits must be of one kind. Received: "
            f"{', '.join(f'{kind} in {name}' for name, kind in kinds.items())}."
        )


def _plausible(values: Array, examples: int) -> None:
    if len(values) < 2:
        raise DataError(f"There is only one class, {values[0]!s}: nothing to tell apart. Is y the right column?")
    if len(values) > examples / 2:
        raise DataError(
            f"y has {len(values):,} different labels for {examples:,} examples: they look like identifiers or a "
            "quantity, not like classes. Is y the right column?"
        )


def _class_names(values: Array, given: tuple[str, ...]) -> tuple[str, ...]:
    if values.dtype.kind == "U" or not given:
        return tuple(str(value) for value in values)
    if values[0] < 0 or values[-1] >= len(given):
        wrong = values[0] if values[0] < 0 else values[-1]
        raise DataError(f"There are {len(given)} class names, for labels 0 to {len(given) - 1}, but y has {wrong}.")
    return tuple(given[value] for value in values)


def _known(labels: dict[str, Array], values: Array) -> None:
    strangers = []
    for name, y in labels.items():
        unknown, counts = np.unique(y[~np.isin(y, values)], return_counts=True)
        strangers += [f"{value!s} ({count} in {name})" for value, count in zip(unknown, counts, strict=True)]
    if strangers:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise DataError(
            f"Labels that train has no example of: {', '.join(strangers[:5])}{more}. Nobody could learn them: "
            "add examples to train, or leave these out."
        )
