"""What every data set has to be before a trial is spent on it, whatever its task.

What kind of input an array is, its source says, or the study file (``data.kind``), or else its shape: texts; vectors
(examples, features); images (examples, height, width[, channels]).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nas.data.source import ONLY, Array, Examples, RawData, RawInput, chunks
from nas.data_card import InputKind
from nas.errors import DataError, plural

LARGEST = 1e30
"""Beyond this, float32 can no longer hold the differences and squares that training makes of inputs."""

INTEGERS = (np.uint8, np.int8, np.int16, np.int32)
SAMPLES = (np.int16, np.int32)
"""Those that sounds are stored in: how loud a sample is, only the full scale of its dtype tells."""

AXES: dict[InputKind, tuple[int, ...]] = {
    "image": (3, 4),
    "vector": (2,),
    "sequence": (2, 3),
    "audio": (2,),
    "ids": (1, 2),
    "text": (1,),
}
"""How many axes an array of a kind may have, examples included."""

SHAPES: dict[InputKind, str] = {
    "image": "images, (examples, height, width[, channels])",
    "vector": "vectors, (examples, features)",
    "sequence": "sequences, (examples, steps[, channels])",
    "audio": "sounds, (examples, samples)",
    "ids": "ids, (examples,) or (examples, length)",
    "text": "texts, (examples,)",
}


def check(raw: RawData, kind: InputKind | None = None) -> RawData:
    """Return `raw` as it will be stored: every input of a known kind, all splits of one compact dtype.

    Images and sequences get a channel axis, ids an axis of their length. Integers and booleans get the smallest of
    uint8, int8, int16 and int32 that holds them (sounds of int16 and int32), other numbers become float32 (float16
    stays), texts Python's own. An only input is called ``"x"``, whatever its source calls it.

    Args:
        raw: As its source gives it.
        kind: What the study file says that the only input is.

    Raises:
        DataError: With every problem found: no examples, too few or too many axes, inputs that are no finite
            numbers, x and y of different lengths, splits whose examples differ in shape.
    """
    raw = _only_by_its_name(raw)
    kinds = {name: _kind_of(name, raw, kind) for name in raw.train.x}
    known = {name: replace(raw.inputs.get(name, RawInput()), kind=kinds[name]) for name in kinds}
    splits = {name: _as_arrays(examples, kinds) for name, examples in raw.splits.items()}
    problems = [problem for name, examples in splits.items() for problem in _problems(name, examples, known)]
    if not problems:
        problems = _differences(splits)
    if problems:
        raise DataError("\n  ".join(["the data cannot be searched on:", *problems]))
    dtypes = {
        name: _compact_dtype(
            [examples.x[name] for examples in splits.values()], SAMPLES if kind == "audio" else INTEGERS
        )
        for name, kind in kinds.items()
    }
    splits = {name: _compact(examples, dtypes) for name, examples in splits.items()}
    inputs = {name: _with_vocabulary(known[name], name, splits) for name in kinds}
    return replace(raw.with_splits(splits), inputs=inputs, notes=(*raw.notes, *_guesses(raw, kind)))


def _guesses(raw: RawData, said: InputKind | None) -> list[str]:
    """Return a note for each input that is taken for grey images by its shape alone: it may as well be a sequence."""
    return [
        f"{name}, {x.shape}, is taken for grey images, (examples, height, width). If these are sequences, (examples, "
        'steps, channels), write data.kind = "sequence".'
        for name, x in ((name, np.asanyarray(x)) for name, x in raw.train.x.items())
        if x.ndim == 3 and (raw.inputs.get(name, RawInput()).kind or said) is None
    ]


def _only_by_its_name(raw: RawData) -> RawData:
    """Return `raw`; where there is one input, it is called `ONLY`, as everybody who meets a single tensor expects."""
    if len(raw.train.x) != 1 or ONLY in raw.train.x:
        return raw
    (name,) = raw.train.x
    splits = {
        split: replace(examples, x={ONLY if key == name else key: x for key, x in examples.x.items()})
        for split, examples in raw.splits.items()
    }
    inputs = {ONLY if key == name else key: known for key, known in raw.inputs.items()}
    return replace(raw.with_splits(splits), inputs=inputs)


def _kind_of(name: str, raw: RawData, said: InputKind | None) -> InputKind:
    """Return what kind the input `name` is; where nothing tells, what its number of axes comes nearest to."""
    known = raw.inputs.get(name, RawInput()).kind or said
    if known is not None:
        return known
    array = np.asarray(raw.train.x[name])
    textual = array.dtype.kind in "UST" or (array.dtype == object and array.size and isinstance(array.flat[0], str))
    if textual and array.ndim == 1:
        return "text"
    return "image" if array.ndim >= 3 else "vector"


def _as_arrays(examples: Examples, kinds: dict[str, InputKind]) -> Examples:
    x = {name: _as_kind(np.asanyarray(array), kinds[name]) for name, array in examples.x.items() if name in kinds}
    columns = (examples.y, examples.group, examples.time, examples.origin)
    return Examples(x, *(None if column is None else np.asarray(column) for column in columns))


def _as_kind(x: Array, kind: InputKind) -> Array:
    short = {"image": 3, "sequence": 2, "ids": 1}.get(kind)
    if x.ndim == short:
        return x[..., np.newaxis]
    if kind == "text" and x.dtype.kind == "S":
        return np.array([text.decode("utf-8", "replace") for text in x.ravel()], dtype=object).reshape(x.shape)
    return x.astype(object) if kind == "text" and x.dtype.kind in "UT" else x


def _problems(split: str, examples: Examples, known: dict[str, RawInput]) -> Iterable[str]:
    for name in known:
        if name not in examples.x:
            yield f"{split}: there is no input {name!r}, which train has."
    lengths = {name: len(x) for name, x in examples.x.items() if x.ndim}
    if len(set(lengths.values())) > 1:
        yield f"{split}: the inputs differ in how many examples they have: {lengths}."
    y = examples.y
    if y is not None and y.ndim == 0:
        yield f"{split}: y must have one label an example. Received a single value: {y}."
    for name, x in examples.x.items():
        if y is not None and x.ndim and y.ndim and len(x) != len(y):
            counts = f"{name} has {plural(len(x), 'example')}, y has {plural(len(y), 'label')}"
            yield f"{split}: {counts}; each example needs one."
        yield from _problems_of(f"{split}: {name}", x, known[name])


def _problems_of(where: str, x: Array, known: RawInput) -> Iterable[str]:
    split = where.partition(":")[0]
    kind = known.kind
    assert kind is not None
    if x.ndim < min(AXES[kind]):
        hint = " A single feature an example is x.reshape(-1, 1)." if kind == "vector" and x.ndim == 1 else ""
        yield f"{where} has too few axes, {x.shape}; expected {SHAPES[kind]}.{hint}"
    elif x.ndim > max(AXES[kind]):
        yield f"{where} has too many axes, {x.shape}; expected {SHAPES[kind]}, or vectors, e.g. x.reshape(len(x), -1)."
    elif x.shape[0] == 0:
        yield f"{split}: there are no examples."
    elif x.size == 0:
        yield f"{split}: the examples are empty: {where.partition(': ')[2]} has shape {x.shape}."
    elif kind == "text":
        yield from _unusable_texts(where, x)
    elif x.dtype.kind not in "buif":
        yield (
            f"{where} must hold integers or real floats. Received: {_kind(x.dtype)}. "
            "Encode it as numbers first, e.g. x.astype('float32')."
        )
    elif kind == "ids" and (x.dtype.kind == "f" or x.min() < 0):
        yield f"{where} holds ids: whole numbers from 0, of which 0 is none. Received: {x.dtype}, from {x.min()}."
    elif x.dtype.kind == "f":
        yield from _unusable_numbers(where, x, known)


def _unusable_texts(where: str, x: Array) -> Iterable[str]:
    odd = [row for row, text in enumerate(x) if not isinstance(text, str)]
    if odd:
        yield (
            f"{where}: {len(odd):,} of {len(x):,} texts are none, first in row {odd[0]} (from 0): {x[odd[0]]!r}. "
            "Leave those rows out, or write an empty text."
        )
    elif not any(text.strip() for text in x):
        yield f"{where}: all texts are empty."


def _unusable_numbers(where: str, x: Array, known: RawInput) -> Iterable[str]:
    values, rows, first = 0, 0, -1
    columns: dict[int, tuple[int, int]] = {}  # of a vector: how many, and the first row
    for start, chunk in chunks(x):
        bad = ~(np.abs(chunk.astype(np.float64)) <= LARGEST)  # NaN is not
        if bad.any():
            hit = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
            first = start + int(hit[0]) if first < 0 else first
            values, rows = values + int(bad.sum()), rows + len(hit)
            for column in np.flatnonzero(bad.any(axis=0)) if known.kind == "vector" else ():
                count, row = columns.get(int(column), (0, start + int(np.argmax(bad[:, column]))))
                columns[int(column)] = count + int(bad[:, column].sum()), row
    if values:
        split, _, name = where.partition(": ")
        yield (
            f"{split}: {values:,} of the numbers in {name} are NaN, infinite or beyond ±{LARGEST:g}, in {rows:,} of "
            f"{len(x):,} rows, first in row {first} (from 0){_in_columns(columns, known.columns)}. "
            "Fill them in, or leave those rows out."
        )


def _in_columns(columns: dict[int, tuple[int, int]], names: Sequence[str], most: int = 5) -> str:
    """Return ``": age (2, first in row 7), column 12 (1, first in row 9) and 3 more columns"``, in their order."""
    told = [
        f"{names[column] if column < len(names) else f'column {column}'} ({count:,}, first in row {row})"
        for column, (count, row) in sorted(columns.items())
    ]
    more = len(told) - most
    rest = f" and {plural(more, 'more column')}" if more > 0 else ""
    return f": {', '.join(told[:most])}{rest}" if told else ""


def _differences(splits: dict[str, Examples]) -> list[str]:
    return [
        f"{split}: an example {'' if name == ONLY else f'of {name} '}has shape {x.shape[1:]}, one of train "
        f"{splits['train'].x[name].shape[1:]}; they must be the same."
        for split, examples in splits.items()
        for name, x in examples.x.items()
        if x.shape[1:] != splits["train"].x[name].shape[1:]
    ]


def _compact(examples: Examples, dtypes: dict[str, np.dtype[np.generic]]) -> Examples:
    return replace(examples, x={name: x.astype(dtypes[name], copy=False) for name, x in examples.x.items()})


def _compact_dtype(arrays: list[Array], integers: Sequence[type[np.integer[Any]]]) -> np.dtype[np.generic]:
    """Return the dtype that all of `arrays` are stored in; whole numbers in the first of `integers` that holds them."""
    kinds = {array.dtype.kind for array in arrays}
    if kinds == {"O"}:
        return np.dtype(object)  # texts, until they are tokens
    if kinds == {"f"}:
        return np.dtype(np.float16 if all(array.dtype.itemsize == 2 for array in arrays) else np.float32)
    if kinds <= {"b", "u", "i"}:
        low, high = min(int(array.min()) for array in arrays), max(int(array.max()) for array in arrays)
        for dtype in integers:
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return np.dtype(dtype)
    return np.dtype(np.float32)


def _with_vocabulary(known: RawInput, name: str, splits: dict[str, Examples]) -> RawInput:
    """Ids whose number the source does not say are counted."""
    if known.kind != "ids":
        return known
    largest = max(int(examples.x[name].max()) for examples in splits.values())
    if known.vocabulary and largest >= known.vocabulary:
        raise DataError(f"{name} has the id {largest}, and the source says that ids are below {known.vocabulary}.")
    return replace(known, vocabulary=known.vocabulary or 1 + largest)


def _kind(dtype: np.dtype[np.generic]) -> str:
    kinds = {"U": "text", "S": "bytes", "O": "Python objects", "c": "complex numbers", "M": "dates", "m": "durations"}
    return f"{kinds.get(dtype.kind, 'something else')} (dtype {dtype})"
