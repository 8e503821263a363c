"""Data sets that scikit-learn carries: nothing is downloaded. ``sklearn:digits``, ``sklearn:wine`` …"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nas.conversation import Target
from nas.data.options import DataSection
from nas.data.source import Examples, RawData
from nas.errors import DataError, did_you_mean

KNOWN = ("breast_cancer", "digits", "iris", "wine")


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the data set ``sklearn.datasets.load_<rest>()``; images have a channel axis.

    Raises:
        DataError: There is none of that name, or it is not one with classes.
    """
    if rest not in KNOWN:
        raise DataError(
            f"scikit-learn has no data set {rest!r} with classes.{did_you_mean(rest, KNOWN)} Known: {', '.join(KNOWN)}."
        )
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{rest}")()
    # Digits are counts from 0 to 16 on an 8 × 8 grid.
    x = bunch.images.astype(np.uint8)[..., None] if rest == "digits" else bunch.data.astype(np.float32)
    names = tuple(str(name) for name in bunch.target_names)
    return RawData(Examples.of(x, bunch.target), target=Target(names=names))
