"""What a data source hands over, and what a split is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs ``x`` (examples, …) and labels ``y`` (examples,), in the same order."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.intp]) -> Examples:
        """Return the examples at `rows`, in that order."""
        return Examples(self.x[rows], self.y[rows])


@dataclass(frozen=True, slots=True)
class RawData:
    """A data set as its source gives it: some splits may be missing, nothing is checked yet."""

    train: Examples
    validation: Examples | None = None
    test: Examples | None = None
    class_names: tuple[str, ...] = field(default=())


LoadSource: TypeAlias = Callable[[str, Path], RawData]
"""``load(rest, base)``: `rest` is what follows ``kind:`` in the study file; relative paths start from `base`.

Raises `nas.errors.DataError` for everything a user can mend."""
