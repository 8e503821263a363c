"""Rating: how much will this user like this item?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nas.data.interactions import ITEM, USER
from nas.data.source import Array, Examples, RawData
from nas.data_card import Baseline, Target
from nas.errors import DataError
from nas.training.tasks.regression import Regression
from nas.training.tasks.task import Splits

DAMPING = 10.0
"""A user's or item's mean counts as if there were so many more ratings without any opinion."""


class Rating(Regression):
    """Regression of one number, which must beat what users and items usually give and get."""

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels float32 (examples, 1), and without a catalogue, which has no ratings.

        Raises:
            DataError: There are no ratings, several an example, or as `Regression.check`.
        """
        if data.train.y is None:
            raise DataError(
                "there are no ratings. In a log of interactions, data.interactions.rating_column names the column that "
                "has them; without any, the task is 'retrieval'."
            )
        checked = super().check(replace(data, catalogue=None))
        if checked.target.shape != (1,):
            raise DataError(f"A rating is one number an example. Received: {checked.target.shape[0]}.")
        return checked

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say the mean, and how much the item and the user usually differ from it."""
        y = splits["validation"].labels[:, 0].astype(np.float64)
        error = usual(splits["train"], splits["validation"]) - y
        metrics = {
            "val_rmse": float(np.sqrt(np.mean(error**2))),
            "val_mae": float(np.mean(np.abs(error))),
            "val_r2": float(1 - np.mean(error**2) / (np.var(y) or 1.0)),
        }
        return Baseline("means of users and items", metrics)


RATING = Rating()


def usual(train: Examples, asked: Examples) -> Array:
    """Return the mean rating of `train` plus what item and user usually differ by, for each example of `asked`.

    Source: Koren 2009, doi:10.1145/1644873.1644874, section 2.1 (means are shrunk to none where ratings are few).
    """
    ratings = train.labels[:, 0].astype(np.float64)
    found = np.full(len(asked), ratings.mean())
    left = ratings - ratings.mean()
    for side in (ITEM, USER):
        if side in train.x:
            ids, wanted = train.x[side][:, 0], asked.x[side][:, 0]
            size = 1 + max(int(ids.max()), int(wanted.max()))
            differences = np.bincount(ids, left, size) / (np.bincount(ids, minlength=size) + DAMPING)
            left = left - differences[ids]
            found += differences[wanted]
    return found
