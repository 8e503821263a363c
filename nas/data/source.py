"""What a data source hands over, and what a split is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

    @property
    def splits(self) -> dict[str, Examples]:
        """The splits there are, by name: ``train``, ``validation``, ``test``, in this order."""
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: examples for name, examples in given.items() if examples is not None}

    def with_splits(self, splits: dict[str, Examples], class_names: tuple[str, ...]) -> RawData:
        """Return the same data with other examples in its splits, and these class names."""
        return RawData(splits["train"], splits.get("validation"), splits.get("test"), class_names)


LoadSource: TypeAlias = Callable[[str, Path], RawData]
"""``load(rest, base)``: `rest` is what follows ``kind:`` in the study file; relative paths start from `base`.

Raises `nas.errors.DataError` for everything a user can mend."""


def chunks(array: Array, size: int = 2**20) -> Iterator[tuple[int, Array]]:
    """Yield `array` in runs of rows of about `size` numbers each, with the index of the first row of each run."""
    rows = max(1, size * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]
