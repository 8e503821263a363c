"""Labels of classes as people have them ▶ one integer or text an example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nas.data.source import Array, RawData
from nas.errors import DataError


def labels_of(data: RawData, needs: str) -> dict[str, Array]:
    """Return the labels of every split. `needs` says what the task needs: "regression needs …".

    Raises:
        DataError: A split has none.
    """
    if any(examples.y is None for examples in data.splits.values()):
        raise DataError(f"there are no labels; {needs}.")
    return {name: examples.labels for name, examples in data.splits.items()}


def called(data: RawData) -> str:
    """Return what people call the labels: the columns of a table that they come from, or else the array ``y``."""
    return " and ".join(map(repr, data.label)) or "y"


def right_column(data: RawData) -> str:
    """Return the question whether the labels are what was meant, with the key that says so of a table."""
    if not data.label:
        return "Is y the right column?"
    one = len(data.label) == 1
    return f"{'Is' if one else 'Are'} {called(data)} the right column{'' if one else 's'} (data.columns.label)?"


def same_kind(labels: Mapping[str, Array]) -> None:
    """Refuse labels that are text in one split and integers in another.

    Raises:
        DataError: They are.
    """
    kinds = {name: "text" if y.dtype.kind == "U" else "integers" for name, y in labels.items()}
    if len(set(kinds.values())) > 1:
        raise DataError(
            f"The labels of all splits must be of one kind. Received: "
            f"{', '.join(f'{kind} in {name}' for name, kind in kinds.items())}."
        )


def only_known(labels: Mapping[str, Array], values: Array, what: str = "Labels") -> None:
    """Refuse labels that are none of `values`, those of train.

    Raises:
        DataError: There are some; the message names a few, and how often each occurs in which split.
    """
    strangers = []
    for name, y in labels.items():
        unknown, counts = np.unique(y[~np.isin(y, values)], return_counts=True)
        strangers += [f"{value!s} ({count} in {name})" for value, count in zip(unknown, counts, strict=True)]
    if strangers:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise DataError(
            f"{what} that train has no example of: {', '.join(strangers[:5])}{more}. Nobody could learn them: "
            "add examples to train, or leave these out."
        )


def plain_labels(split: str, y: Array, called: str) -> Array:
    """Return the labels `y` of a split as int64 or text, (examples,); one-hot rows become the place of their 1.

    `called` is what they are called in messages.

    Raises:
        DataError: A label is missing, fractional or several at once, or no label at all.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "O":
        y = _unboxed(split, y)
    if y.ndim == 2 and y.dtype.kind in "buif":
        return _from_one_hot(split, y, called)
    if y.ndim != 1:
        raise DataError(
            f"{split}: {called} must be one label an example, (examples,), or one-hot (examples, classes). "
            f"Received: shape {y.shape}, dtype {y.dtype}."
        )
    match y.dtype.kind:
        case "U":
            return y
        case "S":
            return np.char.decode(y, "utf-8", "replace")
        case "b":
            return y.astype(str)
        case "i" | "u" if y.dtype != np.uint64 or y.max() <= np.iinfo(np.int64).max:
            return y.astype(np.int64)
        case "f":
            return _from_floats(split, y, called)
    raise DataError(f"{split}: labels must be integers or text. Received: dtype {y.dtype}.")


def _from_floats(split: str, y: Array, called: str) -> Array:
    if missing := int(np.isnan(y).sum()):
        row = int(np.flatnonzero(np.isnan(y))[0])
        raise DataError(
            f"{split}: {missing:,} of {len(y):,} labels are missing (NaN), first in row {row} (from 0). "
            "Leave those rows out."
        )
    odd = np.flatnonzero((y != np.round(y)) | (np.abs(y) > 2**53))
    if len(odd):
        raise DataError(
            f"{split}: labels must be classes, and {called} has {float(y[odd[0]]):g} in row {odd[0]} (from 0): this "
            "looks like regression. Cut the quantity into classes first, e.g. with numpy.digitize."
        )
    return y.astype(np.int64)


def _from_one_hot(split: str, y: Array, called: str) -> Array:
    odd = np.flatnonzero(~np.isin(y, (0, 1)).all(axis=1))
    if len(odd):
        raise DataError(
            f"{split}: {called} has {y.shape[1]} columns, so that its rows must be one-hot; row {odd[0]} (from 0) "
            "has other numbers than 0 and 1. Give one label an example, e.g. y.argmax(axis=1)."
        )
    marks = y.astype(np.int64).sum(axis=1)
    odd = np.flatnonzero(marks != 1)
    if len(odd):
        raise DataError(
            f"{split}: an example must have exactly one class, and row {odd[0]} (from 0) of {called} marks "
            f"{marks[odd[0]]} of {y.shape[1]}."
        )
    places: Array = np.argmax(y, axis=1)
    return places


def _unboxed(split: str, y: Array) -> Array:
    """Return Python objects as an array of text or of numbers."""
    values = y.ravel().tolist()
    for row, value in enumerate(values):
        if value is None or value != value:  # NaN
            raise DataError(f"{split}: the label in row {row} (from 0) is missing ({value}). Leave such rows out.")
    kinds = {
        str if isinstance(value, str) else float if isinstance(value, int | float) else type(value) for value in values
    }
    if kinds == {str}:
        return y.astype(str)
    if kinds == {float}:
        return np.array(values).reshape(y.shape)
    raise DataError(
        f"{split}: labels must be all integers or all text. "
        f"Received: {', '.join(sorted(kind.__name__ for kind in kinds))}."
    )
