"""Is a file that was written the model it was made of? It is run on examples, and what comes out is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from nas.data.source import Array
from nas.errors import NASError
from nas.export.formats import Written

Named: TypeAlias = Mapping[str, Array]

EXAMPLES = 32
"""So many of the validation split are compared."""
TOLERANCE = 1e-4
"""The largest difference that passes, where outputs are at most 1; in proportion where they are larger."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How far a file is from the model: the largest difference of any number of its outputs, and what was allowed."""

    difference: float
    allowed: float
    examples: int

    @property
    def agrees(self) -> bool:
        """Whether it passes; what is not a number never does."""
        return self.difference <= self.allowed


def compare(written: Written, x: Named, expected: Named) -> Compared:
    """Run what was written on the examples `x` and compare what comes out with what is `expected` of them.

    All at once, and then the first by itself; what takes only so many at once gets them all in batches of that size.

    Raises:
        NASError: It gives other outputs, or other shapes.
    """
    worst = 0.0
    examples = len(next(iter(x.values())))
    for rows in _batches(examples, written.batch):
        found = written.run({name: array[rows] for name, array in x.items()})
        wanted = {name: array[rows] for name, array in expected.items()}
        if {name: array.shape for name, array in found.items()} != {n: array.shape for n, array in wanted.items()}:
            raise NASError(f"{written.path.name} gives {_shapes(found)}, and the model gives {_shapes(wanted)}.")
        for name, array in wanted.items():
            difference = np.abs(found[name].astype(np.float64) - array)
            worst = max(worst, float(np.where(np.isnan(difference), np.inf, difference).max()))
    largest = max(float(np.abs(array).max()) for array in expected.values())
    return Compared(worst, TOLERANCE * max(1.0, largest), examples)


def _batches(examples: int, batch: int | None) -> Iterator[Array]:
    """Yield rows: all of them and then the first; or batches of the only size there is, the last filled up with the
    first rows again."""
    if batch is None:
        yield np.arange(examples)
        yield np.arange(1)
        return
    for start in range(0, examples, batch):
        yield np.arange(start, start + batch) % examples


def _shapes(arrays: Named) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
