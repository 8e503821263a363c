"""Arrays by name, as an ``.npz`` file holds them and a function of one's own returns them ▶ splits.

``x`` and ``y`` are train; ``x_val`` and ``y_val``, ``x_test`` and ``y_test`` are there if these splits are given. A
task that needs no labels needs no y. ``group`` and ``time`` tell of each example of x, ``class_names`` are texts in the
order of the labels 0, 1, ….
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nas.data.source import ONLY, Array, Examples, RawData
from nas.data_card import Target
from nas.errors import DataError

ENDS = {"train": "", "validation": "_val", "test": "_test"}
"""What the names of a split's arrays end with."""
ARRAYS = tuple(f"{part}{end}" for end in ENDS.values() for part in "xy")
COLUMNS = ("group", "time")
CLASS_NAMES = "class_names"


def splits_of(where: str, given: Mapping[str, Any], remedy: str, problems: Sequence[str] = ()) -> RawData:
    """Return the splits that the arrays `given` are.

    Args:
        where: What they were found in, for messages.
        given: By name; an x may be ``{input: array}``. What is ``None`` is not there, and other names are left alone.
        remedy: What to do where there is no x.
        problems: What the source has found already, to be told with the others.

    Raises:
        DataError: With every problem: arrays are missing, or not what their names say.
    """
    there = {name: value for name, value in given.items() if value is not None}
    inputs = {split: inputs_of(there[f"x{end}"]) for split, end in ENDS.items() if f"x{end}" in there}
    columns = {name: np.asarray(there[name]) for name in COLUMNS if name in there}
    names = _texts(there.get(CLASS_NAMES, ()))
    found = [*_absent(there, remedy), *_unlike_x(columns, inputs), *problems]
    if names is None:
        found.append(f"{CLASS_NAMES!r} must be texts, (classes,). Received: {describe(there[CLASS_NAMES])}.")
    if found:
        raise DataError("\n  ".join([f"{where}:", *found]))
    labels = {split: np.asarray(there[f"y{end}"]) for split, end in ENDS.items() if f"y{end}" in there}
    examples = {split: Examples(x, labels.get(split)) for split, x in inputs.items()}
    train = replace(examples["train"], group=columns.get("group"), time=columns.get("time"))
    return RawData(train, examples.get("validation"), examples.get("test"), target=Target(names=names or ()))


def inputs_of(x: Any) -> dict[str, Array]:
    """Return inputs by name; lists become arrays."""
    return {str(name): np.asanyarray(part) for name, part in (x if isinstance(x, Mapping) else {ONLY: x}).items()}


def describe(value: Any) -> str:
    """Return what `value` is, for messages."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    told = f" of shape {tuple(shape)}" if shape is not None else ""
    return f"{type(value).__name__}{told}{f', dtype {dtype}' if dtype is not None else ''}"


def _absent(there: Mapping[str, Any], remedy: str) -> Iterable[str]:
    """Yield what belongs together and is not."""
    if "x" not in there:
        yield f"there is no 'x'; there is: {', '.join(map(str, there)) or 'nothing'}. {remedy}"
    for end in filter(None, ENDS.values()):
        x, y = f"x{end}", f"y{end}"
        if y in there and x not in there:
            yield f"{y!r} is there without {x!r}: give both or neither."
        elif y in there and "y" not in there:
            yield f"{y!r} is there without 'y': give labels for every split, or for none."
        elif x in there and "y" in there and y not in there:
            yield f"{x!r} is there without {y!r}: give both or neither."


def _unlike_x(columns: Mapping[str, Array], inputs: Mapping[str, Mapping[str, Array]]) -> Iterable[str]:
    """Yield which columns have not one value for each example of train."""
    first = next(iter(inputs.get("train", {}).values()), None)
    for name, values in columns.items():
        if first is not None and values.shape != first.shape[:1]:
            yield (
                f"{name!r} must have one value for each example of x, {first.shape[:1]}. "
                f"Received: shape {values.shape}."
            )


def _texts(values: Any) -> tuple[str, ...] | None:
    """Return `values` if they are texts, one after the other; else ``None``."""
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(values, str) or not isinstance(values, Iterable):
        return None
    found = tuple(values)
    return found if all(isinstance(value, str) for value in found) else None
