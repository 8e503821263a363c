"""What every data set has to be before a trial is spent on it, whatever its task.

Inputs are vectors (examples, features) or images (examples, height, width[, channels]) of finite numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nas.data.source import Array, Examples, RawData, chunks
from nas.errors import DataError

LARGEST = 1e30
"""Beyond this, float32 can no longer hold the differences and squares that training makes of inputs."""

INTEGERS = (np.uint8, np.int8, np.int16, np.int32)


def check(raw: RawData) -> RawData:
    """Return `raw` as it will be stored: images with a channel axis, all splits of one compact dtype.

    Integers and booleans get the smallest of uint8, int8, int16 and int32 that holds them, everything else becomes
    float32 (float16 stays).

    Raises:
        DataError: With every problem found: no examples, too few or too many axes, inputs that are no finite
            numbers, x and y of different lengths, splits whose examples differ in shape.
    """
    splits = {name: _as_arrays(examples) for name, examples in raw.splits.items()}
    problems = [problem for name, examples in splits.items() for problem in _problems(name, examples)]
    if not problems:
        problems = _differences(splits)
    if problems:
        raise DataError("\n  ".join(["the data cannot be searched on:", *problems]))
    dtype = _compact_dtype([examples.x for examples in splits.values()])
    compact = {name: Examples(each.x.astype(dtype, copy=False), each.y) for name, each in splits.items()}
    return raw.with_splits(compact, raw.class_names)


def _as_arrays(examples: Examples) -> Examples:
    x, y = np.asarray(examples.x), np.asarray(examples.y)
    return Examples(x[..., np.newaxis] if x.ndim == 3 else x, y)


def _problems(split: str, examples: Examples) -> Iterable[str]:
    x, y = examples.x, examples.y
    if x.ndim and y.ndim and len(x) != len(y):
        yield f"{split}: x has {len(x)} examples, y has {len(y)} labels; each example needs one."
    if y.ndim == 0:
        yield f"{split}: y must have one label an example. Received a single value: {y}."
    if x.ndim in (0, 1):
        yield (
            f"{split}: x has too few axes, {x.shape}; expected (examples, features) or (examples, height, width"
            "[, channels]). A single feature an example is x.reshape(-1, 1)."
        )
    elif x.ndim > 4:
        yield f"{split}: x has too many axes, {x.shape}; expected vectors or images, e.g. x.reshape(len(x), -1)."
    elif x.shape[0] == 0:
        yield f"{split}: there are no examples."
    elif x.size == 0:
        yield f"{split}: the examples are empty: x has shape {x.shape}."
    elif x.dtype.kind not in "buif":
        yield (
            f"{split}: x must hold integers or real floats. Received: {_kind(x.dtype)}. "
            "Encode it as numbers first, e.g. x.astype('float32')."
        )
    elif x.dtype.kind == "f":
        yield from _unusable_numbers(split, x)


def _unusable_numbers(split: str, x: Array) -> Iterable[str]:
    values, rows, first = 0, 0, -1
    for start, chunk in chunks(x):
        bad = ~(np.abs(chunk.astype(np.float64)) <= LARGEST)  # NaN is not
        if bad.any():
            hit = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
            first = start + int(hit[0]) if first < 0 else first
            values, rows = values + int(bad.sum()), rows + len(hit)
    if values:
        yield (
            f"{split}: {values:,} of the numbers in x are NaN, infinite or beyond ±{LARGEST:g}, in {rows:,} of "
            f"{len(x):,} rows, first in row {first} (from 0). Fill them in, or leave those rows out."
        )


def _differences(splits: dict[str, Examples]) -> list[str]:
    shapes = {name: examples.x.shape[1:] for name, examples in splits.items()}
    return [
        f"{name}: an example has shape {shape}, one of train {shapes['train']}; they must be the same."
        for name, shape in shapes.items()
        if shape != shapes["train"]
    ]


def _compact_dtype(arrays: list[Array]) -> np.dtype[np.generic]:
    """Return the dtype that all of `arrays` are stored in."""
    kinds = {array.dtype.kind for array in arrays}
    if kinds == {"f"}:
        return np.dtype(np.float16 if all(array.dtype.itemsize == 2 for array in arrays) else np.float32)
    if kinds <= {"b", "u", "i"}:
        low, high = min(int(array.min()) for array in arrays), max(int(array.max()) for array in arrays)
        for dtype in INTEGERS:
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return np.dtype(dtype)
    return np.dtype(np.float32)


def _kind(dtype: np.dtype[np.generic]) -> str:
    kinds = {"U": "text", "S": "bytes", "O": "Python objects", "c": "complex numbers", "M": "dates", "m": "durations"}
    return f"{kinds.get(dtype.kind, 'something else')} (dtype {dtype})"
