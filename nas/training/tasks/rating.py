"""Rating: how much will this user like this item?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nas.conversation import Baseline, DataCard, Target
from nas.data.interactions import ITEM, USER
from nas.data.source import Array, Examples, RawData
from nas.errors import DataError
from nas.training.tasks.task import Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner

DAMPING = 10.0
"""A user's or item's mean counts as if there were so many more ratings without any opinion."""


class Rating(Task):
    """One number an example, in the units of the ratings; the loss is the share of their variance that is left."""

    objective: ClassVar = ("val_rmse", "minimize")
    metrics: ClassVar = ("val_rmse", "val_mae", "val_loss")

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels float32 (examples,), and without a catalogue.

        Raises:
            DataError: There are no ratings, some are no finite numbers, or all of train are the same.
        """
        splits = {}
        for name, examples in replace(data, catalogue=None).splits.items():
            y = None if examples.y is None else np.asarray(examples.y)
            if y is None or y.ndim != 1 or y.dtype.kind not in "buif" or not np.isfinite(y).all():
                raise DataError(
                    f"rating needs a rating of each example of the {name} split, a finite number. In a log of "
                    "interactions, data.interactions.rating_column names the column that has them."
                )
            splits[name] = replace(examples, y=y.astype(np.float32))
        if np.ptp(splits["train"].labels) == 0:
            raise DataError(f"All ratings of train are {splits['train'].labels[0]:g}: there is nothing to learn.")
        return data.with_splits(splits, Target())

    def target(self, target: Target, splits: Splits) -> Target:
        """Return the mean and the standard deviation of the ratings of train."""
        y = splits["train"].labels.astype(np.float64)
        return replace(target, mean=(float(y.mean()),), std=(float(y.std()),))

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say the mean, and how much the user and the item usually differ from it."""
        found = _usual(splits["train"], splits["validation"])
        error = found - splits["validation"].labels
        metrics = {
            "val_rmse": float(np.sqrt(np.mean(error**2))),
            "val_mae": float(np.mean(np.abs(error))),
            "val_loss": float(np.mean(error**2) / target.std[0] ** 2),
        }
        return Baseline("means of users and items", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ rating (batch, 1)``.

        Raises:
            FamilyError: The encoder has several outputs, or one that is no vector, sequence or map of known width.
        """
        from keras import Model, layers

        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        rating = layers.Dense(1, name="head")(vector(features, encoder.name))
        (mean,), (std,) = card.target.mean, card.target.std
        return Model(inputs, layers.Rescaling(std, mean, name="head_rating")(rating), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the squared error over the variance of train's ratings: 1 is what their mean has."""
        import keras

        variance = card.target.std[0] ** 2

        class Unexplained(keras.losses.MeanSquaredError):  # type: ignore[misc]
            def call(self, y_true: Any, y_pred: Any) -> Any:
                return super().call(y_true, y_pred) / variance

        return Unexplained(name="unexplained")

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the root of the mean squared error and the mean absolute error."""
        from keras import metrics

        return [metrics.RootMeanSquaredError(name="rmse"), metrics.MeanAbsoluteError(name="mae")]


RATING = Rating()


def _usual(train: Examples, asked: Examples) -> Array:
    """Return the mean rating of `train` plus the deviations of item and user, for each example of `asked`.

    Source: Koren 2009, doi:10.1145/1644873.1644874, section 2.1 (means shrunk to none where ratings are few).
    """
    mean = train.labels.astype(np.float64).mean()
    left = train.labels - mean
    found = np.full(len(asked), mean)
    for side in (ITEM, USER):
        if side in train.x:
            ids, wanted = train.x[side][:, 0], asked.x[side][:, 0]
            size = 1 + max(int(ids.max()), int(wanted.max()))
            deviations = np.bincount(ids, left, size) / (np.bincount(ids, minlength=size) + DAMPING)
            left = left - deviations[ids]
            found += deviations[wanted]
    return found
