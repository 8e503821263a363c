"""Regression: one number an example, or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nas.data.checks import LARGEST
from nas.data.source import Array, RawData
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError
from nas.training.tasks.averages import mean_of_numbers
from nas.training.tasks.class_labels import called, labels_of, right_column
from nas.training.tasks.task import Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner


class Regression(Task):
    """Numbers in the units of the labels; the loss is that of numbers standardised by train, the score the error.

    The loss is a choice, so that its values cannot be compared between trials: it is no objective. With several
    columns of different size the largest decide over ``val_rmse``; ``val_r2`` weighs all of them the same.
    """

    objective: ClassVar = ("val_rmse", "minimize")
    metrics: ClassVar = ("val_rmse", "val_mae", "val_r2")
    output: ClassVar = "numbers (batch, columns), in the units of the labels"

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels float32 (examples, columns).

        Labels come as numbers, (examples,) or (examples, columns). Names of columns are kept where there are as many.

        Raises:
            DataError: A label is no finite number, all are the same, or the splits differ in columns.
        """
        given = labels_of(data, "regression needs a number an example")
        labels = {name: _numbers(name, y, data) for name, y in given.items()}
        columns = {name: y.shape[1] for name, y in labels.items()}
        if len(set(columns.values())) > 1:
            raise DataError(f"The splits differ in how many numbers an example has: {columns}.")
        same = np.flatnonzero(np.ptp(labels["train"], axis=0) == 0)
        if len(same):
            column = repr(data.label[same[0]]) if len(data.label) == columns["train"] else f"Column {same[0]} of y"
            raise DataError(
                f"{column} is {labels['train'][0, same[0]]:g} in every example of train: there is nothing to tell. "
                f"{right_column(data)}"
            )
        names = data.target.names if len(data.target.names) == columns["train"] else ()
        splits = {name: replace(examples, y=labels[name]) for name, examples in data.splits.items()}
        return data.with_splits(splits, Target((columns["train"],), names))

    def target(self, target: Target, splits: Splits) -> Target:
        """Return `target` with the mean and deviation of train."""
        train = splits["train"].labels.astype(np.float64)
        std = train.std(axis=0)
        return replace(target, mean=tuple(train.mean(axis=0).tolist()), std=tuple(np.where(std > 0, std, 1.0).tolist()))

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say the mean of train of every example."""
        y = splits["validation"].labels.astype(np.float64)
        errors = y - np.array(target.mean)
        spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
        varied = spread > 0
        r2 = 1 - (errors**2).sum(axis=0)[varied] / spread[varied]
        metrics = {
            "val_rmse": float(np.sqrt((errors**2).mean())),
            "val_mae": float(np.abs(errors).mean()),
            "val_r2": float(r2.mean()) if len(r2) else 0.0,
        }
        return Baseline("mean of train", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ numbers (batch, columns)``, in the units of the labels.

        Raises:
            FamilyError: As for classification.
        """
        import keras

        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        mean, std = card.target.mean, card.target.std
        standard = keras.layers.Dense(len(mean), name="head")(vector(features, encoder.name))
        numbers = keras.layers.Rescaling(list(std), list(mean), name="units")(standard)
        return keras.Model(inputs, numbers, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the squared error in deviations of train, or Huber's, which is linear beyond one deviation."""
        from nas.training.tasks.losses import StandardisedError

        huber = hp.Choice("loss", ["squared", "huber"]) == "huber"
        return StandardisedError(card.target.std, huber=huber)

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the root of the mean squared error and the mean absolute one, over all columns, and R²."""
        import keras

        from nas.training.tasks.measures import R2

        return [
            keras.metrics.RootMeanSquaredError(name="rmse"),
            keras.metrics.MeanAbsoluteError(name="mae"),
            R2(card.target.mean, card.target.std, name="r2"),
        ]

    def together(self, outputs: Sequence[Array]) -> Array | None:
        """Return the mean."""
        return mean_of_numbers(outputs)


REGRESSION = Regression()


def _numbers(split: str, y: Array, data: RawData) -> Array:
    """Return `y` as float32 (examples, columns)."""
    if y.dtype.kind == "O":
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{split}: {_no_numbers(y, data)}") from None
    if y.dtype.kind not in "buif":
        raise DataError(
            f"{split}: labels must be numbers. Received: dtype {y.dtype}. Classes are for the task 'classification'."
        )
    if y.ndim not in (1, 2) or 0 in y.shape[1:]:
        raise DataError(
            f"{split}: {called(data)} must be (examples,) or (examples, columns). Received: shape {y.shape}."
        )
    y = y.reshape(len(y), -1).astype(np.float64)
    bad = np.flatnonzero(~(np.abs(y) <= LARGEST).all(axis=1))  # NaN is not
    if len(bad):
        raise DataError(
            f"{split}: {len(bad):,} of {len(y):,} labels are NaN, infinite or beyond ±{LARGEST:g}, first in row "
            f"{bad[0]} (from 0). Leave those rows out."
        )
    return y.astype(np.float32)


def _no_numbers(y: Array, data: RawData) -> str:
    """Return how many of the labels `y` are no numbers, with one of them."""
    odd = [label for label in y.ravel().tolist() if not _is_number(label)]
    return (
        f"labels must be numbers, and {len(odd):,} of {y.size:,} in {called(data)} are not, e.g. {odd[0]!r}. "
        f"{right_column(data)} Classes are for the task 'classification'."
    )


def _is_number(label: Any) -> bool:
    try:
        float(label)
    except (TypeError, ValueError):
        return False
    return True
