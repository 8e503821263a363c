"""A ``tf.data.Dataset`` ▶ arrays, read once. TensorFlow is imported only if there is such a data set."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any

import numpy as np

from nas.data.progress import track
from nas.data.source import ONLY, Array, Examples
from nas.errors import DataError

INFINITE = -1


def is_dataset(thing: object) -> bool:
    """Whether `thing` is a ``tf.data.Dataset``: without TensorFlow in this process, nothing is."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(thing, tensorflow.data.Dataset)


def read_dataset(dataset: Any) -> Examples:
    """Return all examples of `dataset`, whose elements are x or (x, y), each a tensor or, for x, a dict of them.

    Numbers are mapped from a file, texts are Python's own. It counts as batched if all its tensors, two or more, have
    the same first axis, or all have one of unknown length.

    Raises:
        DataError: It is infinite, has other elements, elements of different shapes, or batches of different sizes.
    """
    count = int(dataset.cardinality())
    if count == INFINITE:
        raise DataError("The tf.data.Dataset never ends: leave .repeat() away.")
    batched = _is_batched(dataset.element_spec)
    elements = track(dataset.as_numpy_iterator(), "elements", count if count >= 0 else None)
    with ExitStack() as files:
        columns = {
            name: _Growing(name, files.enter_context(tempfile.TemporaryFile())) for name in _parts(dataset.element_spec)
        }
        for place, element in enumerate(elements):
            for name, rows in _parts(element).items():
                array = np.asarray(rows)
                columns[name].extend(array if batched else array[np.newaxis], place)
        arrays = {name: column.array() for name, column in columns.items()}
    y = arrays.pop(_Y, None)
    return Examples(arrays, y)


_Y = "\0y"
"""What labels are called among the parts of an element: no input can be."""


def _parts(element: Any) -> dict[str, Any]:
    """Return the parts of an element, or of an element's spec, by name."""
    x, y = element if isinstance(element, tuple) and len(element) == 2 else (element, None)
    if isinstance(x, tuple | list) or isinstance(y, tuple | list | Mapping):
        raise DataError(
            "An element of the tf.data.Dataset must be x or (x, y), where x is a tensor or a dict of tensors and y a "
            f"tensor; weights of examples are not used. Received: {type(element).__name__} of {len(element)}."
        )
    parts = dict(x) if isinstance(x, Mapping) else {ONLY: x}
    return parts if y is None else parts | {_Y: y}


def _is_batched(spec: Any) -> bool:
    shapes = []
    for part in _parts(spec).values():
        shape = getattr(part, "shape", None)
        if type(part).__name__ != "TensorSpec" or shape is None or shape.rank is None:
            raise DataError(
                f"The tf.data.Dataset must give dense tensors of known rank, e.g. by .padded_batch(). Received: {part}."
            )
        shapes.append(tuple(shape))
    first = {shape[0] if shape else 0 for shape in shapes}  # a single number has no axis
    return first == {None} or (len(shapes) > 1 and len(first) == 1 and 0 not in first)


class _Growing:
    """Rows of one shape, written to a file until their number is known."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = "y" if name == _Y else name
        self._file = file
        self._texts: list[str] = []
        self._shape: tuple[int, ...] | None = None
        self._dtype: np.dtype[Any] = np.dtype(object)
        self._rows = self._batch = 0
        self._last = False

    def extend(self, rows: Array, place: int) -> None:
        """Add `rows`, those of element number `place`."""
        if self._shape is None:
            self._shape, self._dtype = rows.shape[1:], rows.dtype
        if rows.shape[1:] != self._shape:
            raise DataError(
                f"Element {place} (from 0) of the tf.data.Dataset has {self._name} of shape {rows.shape[1:]}, those "
                f"before it {self._shape}. Resize or pad them to one shape."
            )
        if self._last:
            raise DataError(
                f"Element {place - 1} (from 0) of the tf.data.Dataset has a first axis of another length than those "
                f"before it, and is not the last: are they batches? Give single examples, by .unbatch() if they are, "
                f"and of one shape."
            )
        self._batch = self._batch or len(rows)
        self._last = len(rows) != self._batch
        self._rows += len(rows)
        if self._dtype.kind in "OSU":
            self._texts += [text.decode("utf-8", "replace") for text in rows.ravel().tolist()]
        else:
            self._file.write(np.ascontiguousarray(rows).tobytes())

    def array(self) -> Array:
        """Return all rows; those that are mapped from the file stay when it is closed."""
        if self._shape is None:
            raise DataError("The tf.data.Dataset has no elements.")
        shape = (self._rows, *self._shape)
        if self._dtype.kind in "OSU":
            texts = np.empty(len(self._texts), dtype=object)
            texts[:] = self._texts
            return texts.reshape(shape)
        self._file.flush()
        return np.zeros(shape, self._dtype) if 0 in shape else np.memmap(self._file, self._dtype, "r+", shape=shape)
