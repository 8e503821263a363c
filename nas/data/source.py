"""What a data source hands over, and what a split is."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.data.options import DataSection
from nas.data_card import InputKind, Target

Array: TypeAlias = NDArray[Any]

ONLY = "x"
"""What an input is called that is the only one."""
INPUT_NAME = re.compile(r"\w[\w .-]*")
"""What an input may be called: files are named after it, and Keras's inputs."""

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What people call splits, in lower case, and what we call them."""


@dataclass(frozen=True, slots=True)
class RawInput:
    """What a source knows of an input beside its array. `kind` ``None``: its shape and dtype tell.

    `vocabulary` is that of ids, and `names` what they stand for, from id 1. `categories` and `sample_rate` are as in
    `nas.data_card.Input`. Of a vector, `columns` are the names of its numbers, and `values` what is counted in each
    of its last columns, the categories, by the name of the column: the value at place i is i + 1 in the array. Those
    that train has not got become 0 later. `column` is what a table calls an input that is the only one.
    """

    kind: InputKind | None = None
    vocabulary: int = 0
    categories: tuple[int, ...] = ()
    sample_rate: int = 0
    item: bool = False
    columns: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    column: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs `x` by name, each (examples, …), and labels `y` (examples, …), in the same order.

    `y` is ``None`` where there are no labels. `group` and `time`, (examples,), are there for cutting splits. `origin`,
    (examples,), says in words where each comes from: its file, or its line in a table.
    """

    x: dict[str, Array]
    y: Array | None = None
    group: Array | None = None
    time: Array | None = None
    origin: Array | None = None

    @classmethod
    def of(cls, x: Array, y: Array | None = None, **columns: Array | None) -> Examples:
        """Return examples of one input."""
        return cls({ONLY: x}, y, **columns)

    def __len__(self) -> int:
        return len(next(iter(self.x.values())))

    @property
    def only(self) -> Array:
        """The one input there is."""
        (x,) = self.x.values()
        return x

    @property
    def labels(self) -> Array:
        """The labels of examples that a task has checked: it has seen to it that there are some."""
        assert self.y is not None
        return self.y

    def take(self, rows: NDArray[np.intp]) -> Examples:
        """Return the examples at `rows`, in that order; what was mapped from a file is mapped from a file again."""
        x = {name: take_rows(array, rows) for name, array in self.x.items()}
        columns = (None if column is None else column[rows] for column in (self.y, self.group, self.time, self.origin))
        return Examples(x, *columns)


@dataclass(frozen=True, slots=True)
class RawData:
    """A data set as its source gives it: some splits may be missing, nothing is checked yet.

    `inputs` tells what is known of those inputs of which something is. `target` has the names of classes where the
    source knows them. `catalogue` holds every item once, where items are to be found among all of them.
    `notes` are for people, e.g. which files were left out. `label` names the columns of a table that are the labels.
    """

    train: Examples
    validation: Examples | None = None
    test: Examples | None = None
    inputs: dict[str, RawInput] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    catalogue: Examples | None = None
    notes: tuple[str, ...] = ()
    label: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Examples]:
        """The splits there are, by name: ``train``, ``validation``, ``test``, ``catalogue``, in this order."""
        given = {"train": self.train, "validation": self.validation, "test": self.test, "catalogue": self.catalogue}
        return {name: examples for name, examples in given.items() if examples is not None}

    def with_splits(self, splits: dict[str, Examples], target: Target | None = None) -> RawData:
        """Return the same data with other examples in its splits and, if one is given, another target."""
        return replace(
            self,
            train=splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
            catalogue=splits.get("catalogue"),
            target=target or self.target,
        )


LoadSource: TypeAlias = Callable[[str, Path, DataSection], RawData]
"""``load(rest, base, options)``: `rest` is what follows ``kind:`` in the study file; relative paths start from `base`.

Raises `nas.errors.DataError` for everything a user can mend."""


def chunks(array: Array, size: int = 2**20) -> Iterator[tuple[int, Array]]:
    """Yield `array` in runs of rows of about `size` numbers each, with the index of the first row of each run."""
    rows = max(1, size * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def scratch(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array of zeros for what may be larger than memory: mapped from a file without a name.

    A source that decodes files puts them here, row by row. The file is gone when nothing refers to the array.
    """
    if 0 in shape:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def take_rows(array: Array, rows: NDArray[np.intp]) -> Array:
    """Return ``array[rows]``, mapped from a file if `array` is."""
    if not isinstance(array, np.memmap):
        return array[rows]
    taken = scratch((len(rows), *array.shape[1:]), array.dtype)
    for start, chunk in chunks(taken):
        chunk[:] = array[rows[start : start + len(chunk)]]
    return taken
