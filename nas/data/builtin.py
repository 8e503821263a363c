"""Data sets that scikit-learn carries: nothing is downloaded. ``sklearn:digits``, ``sklearn:wine`` …"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nas.data.options import DataSection
from nas.data.source import ONLY, Array, Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError, did_you_mean

CLASSES = ("breast_cancer", "digits", "iris", "wine")
"""Data sets whose labels are classes."""
NUMBERS = ("diabetes",)
"""Data sets whose labels are numbers: for regression."""
KNOWN = (*CLASSES, *NUMBERS)


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the data set ``sklearn.datasets.load_<rest>()``; images have a channel axis.

    Raises:
        DataError: There is none of that name here.
    """
    if rest not in KNOWN:
        raise DataError(
            f"scikit-learn has no data set {rest!r} for this.{did_you_mean(rest, KNOWN)} Known: {', '.join(KNOWN)}."
        )
    from sklearn import datasets

    if rest == "diabetes":
        return _diabetes(datasets.load_diabetes(scaled=False))
    bunch: Any = getattr(datasets, f"load_{rest}")()
    # Digits are counts from 0 to 16 on an 8 × 8 grid.
    x = bunch.images.astype(np.uint8)[..., None] if rest == "digits" else bunch.data.astype(np.float32)
    names = tuple(str(name) for name in bunch.target_names)
    return RawData(Examples.of(x, bunch.target), target=Target(names=names))


def _diabetes(bunch: Any) -> RawData:
    """Return nine measurements and, last, the sex (1 or 2), which is a category; labels are a disease's progression."""
    sex = bunch.feature_names.index("sex")
    x: Array = np.concatenate([np.delete(bunch.data, sex, axis=1), bunch.data[:, [sex]]], axis=1)
    return RawData(
        Examples.of(x.astype(np.float32), bunch.target.astype(np.float32)),
        inputs={ONLY: RawInput("vector", categories=(3,))},
    )
