"""Cells of a table ▶ arrays: labels, splits, groups, times, numbers and categories; and what kind a column is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from nas.data import pictures, sound
from nas.data.options import ColumnKind
from nas.data.source import SPLIT_WORDS, Array
from nas.data.table import Table, is_missing
from nas.errors import DataError

SOUNDS = sound.SUFFIXES | {".m4a"}
"""How the names of sound files usually end. One of them cannot be decoded: better to be told so than taken for text."""
MOSTLY = 0.9
"""A column is taken for numbers if so many of its cells are: the others are mistakes, to be told of."""
MOST_CATEGORIES = 100
LABEL_KEY = "data.columns.label"
"""What names the columns of labels in a study file."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_PADDED = re.compile(r"[+-]?0\d")


class NoLabels(DataError):
    """Rows of a table have no label; `problem` says so without a remedy."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f'{problem} Fill them in, or have such rows left out: data.columns.unlabelled = "drop" in the study file.'
        )


def guess_kind(table: Table, name: str) -> ColumnKind:
    """Return what the cells of column `name` look like.

    Numbers if nine of ten are; paths of images or sounds if most end like one; categories if there are few different
    ones, ten rows a value and at most `MOST_CATEGORIES`; text otherwise.

    Raises:
        DataError: There is nothing in them.
    """
    cells = [cell for cell in table.columns[name] if not is_missing(cell)]
    if not cells:
        raise DataError(f"{table.path}: column {name!r} is empty. Name the inputs in data.columns.inputs without it.")
    if sum(number(cell) is not None for cell in cells) >= MOSTLY * len(cells):
        return "number"
    ends = [str(cell)[str(cell).rfind(".") :].lower() for cell in cells]
    if sum(end in pictures.SUFFIXES for end in ends) > len(cells) / 2:
        return "image"
    if sum(end in SOUNDS for end in ends) > len(cells) / 2:
        return "audio"
    different = len({str(cell) for cell in cells})
    return "category" if different <= max(2, min(MOST_CATEGORIES, len(cells) // 10)) else "text"


def looks_like(table: Table, name: str, kind: ColumnKind) -> bool:
    """Whether that is what the cells of column `name` look like; an empty one looks like nothing."""
    return not all(map(is_missing, table.columns[name])) and guess_kind(table, name) == kind


def numbers(table: Table, names: Sequence[str], remedy: str = "Fill them in, or leave those rows out.") -> Array:
    """Return the columns `names` as float64, (rows, columns).

    Raises:
        DataError: Cells are missing, NaN or no numbers: all such columns are named, and `remedy` says what to do.
    """
    found = {name: [_present(cell) for cell in table.columns[name]] for name in names}
    odd = {name: [row for row, value in enumerate(values) if value is None] for name, values in found.items()}
    problems = [_no_numbers(table, name, rows) for name, rows in odd.items() if rows]
    if len(problems) == 1:
        raise DataError(f"{table.path}, {problems[0]}. {remedy}")
    if problems:
        raise DataError("\n  ".join([f"{table.path}: cells that are to be numbers are none.", *problems, remedy]))
    return np.stack([np.array(values, dtype=np.float64) for values in found.values()], axis=1)


def _present(cell: Any) -> float | None:
    """Return the number that a cell is; ``None`` if it is none, or NaN."""
    value = number(cell)
    return None if value is None or math.isnan(value) else value


def _no_numbers(table: Table, name: str, rows: list[int]) -> str:
    cell = table.columns[name][rows[0]]
    what = "is empty" if is_missing(cell) else f"is {cell!r}, which is no number"
    others = f"{len(rows):,} of {len(table):,} rows {'has' if len(rows) == 1 else 'have'} none"
    return f"{table.counted} {table.lines[rows[0]]}: {name} {what}; {others}"


def categories(table: Table, name: str) -> tuple[Array, tuple[str, ...]]:
    """Return column `name` as places from 1 in the sorted values, and these. A missing cell is a value like others.

    Raises:
        DataError: A cell is no single value.
    """
    values, places = np.unique(texts(table, name), return_inverse=True)
    return places.astype(np.float64) + 1, tuple(values.tolist())


def texts(table: Table, name: str) -> Array:
    """Return column `name` as an array of Python texts; a missing cell is an empty text.

    Raises:
        DataError: A cell is no single value.
    """
    return _objects([_one_text(table, name, row, cell) for row, cell in enumerate(table.columns[name])])


def labels(table: Table, names: Sequence[str]) -> Array | None:
    """Return the columns `names` as labels: none; one, whole numbers, numbers or texts; or several, all numbers.

    Whole numbers are int64 (rows,), others float64, texts Python's own; several columns are float64 (rows, columns). A
    list of texts in a cell becomes one text with commas between them.

    Raises:
        NoLabels: A cell is missing.
        DataError: There is no such column, or one of several columns is no number.
    """
    columns = [table.column(name, LABEL_KEY) for name in names]
    for name, cells in zip(names, columns, strict=True):
        absent = [row for row, cell in enumerate(cells) if is_missing(cell)]
        if absent:
            rows = f"{len(absent):,} of {len(table):,} rows {'has' if len(absent) == 1 else 'have'} none"
            raise NoLabels(f"{table.where(absent[0])}: there is no {name}, which is the label; {rows}.")
    if not columns:
        return None
    if len(columns) > 1:
        return numbers(table, names)
    (cells,) = columns
    return _plain_labels(table, names[0], cells)


def labelled(table: Table, names: Sequence[str]) -> tuple[Table, tuple[str, ...]]:
    """Return the rows of `table` that have labels in all of the columns `names`, and a note on those that have not.

    Raises:
        DataError: There is no such column, or no row is left.
    """
    columns = [table.column(name, LABEL_KEY) for name in names]
    there = [row for row in range(len(table)) if not any(is_missing(cells[row]) for cells in columns)]
    if len(there) == len(table):
        return table, ()
    if not there:
        raise DataError(f"{table.path}: no row has a label, in {' and '.join(map(repr, names))} ({LABEL_KEY}).")
    left = len(table) - len(there)
    return table.take(there), (
        f"{left:,} of {len(table):,} rows of {table.path.name} {'has' if left == 1 else 'have'} no label, and "
        f"{'is' if left == 1 else 'are'} left out (data.columns.unlabelled).",
    )


def _plain_labels(table: Table, name: str, cells: list[Any]) -> Array:
    if all(isinstance(cell, bool) for cell in cells):
        return np.array(cells)
    found = [number(cell) for cell in cells]
    if any(value is None or _PADDED.match(str(cell)) for value, cell in zip(found, cells, strict=True)):
        return _objects([_one_text(table, name, row, cell) for row, cell in enumerate(cells)])
    values = np.array(found, dtype=np.float64)
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        raise DataError(f"{table.where(row)}: {name} is {cells[row]!r}, which is no label. Leave that row out.")
    whole = all(isinstance(cell, int) or (isinstance(cell, str) and cell.strip("+- ").isdigit()) for cell in cells)
    return values.astype(np.int64) if whole and np.abs(values).max() < 2**53 else values


def splits(table: Table, name: str) -> Array:
    """Return what column `name` says of each row: ``train``, ``validation`` or ``test``.

    Raises:
        DataError: It says something else.
    """
    found = []
    for row, cell in enumerate(table.columns[name]):
        word = SPLIT_WORDS.get(str(cell).strip().lower())
        if word is None:
            raise DataError(
                f"{table.where(row)}: {name} is {'empty' if is_missing(cell) else repr(cell)}; it must be train, "
                f"validation or test (or {', '.join(sorted(set(SPLIT_WORDS) - set(SPLIT_WORDS.values())))}). "
                "If this column means something else, name another one in data.columns.split."
            )
        found.append(word)
    return np.array(found)


def groups(table: Table, name: str, key: str = "data.columns.group") -> Array:
    """Return column `name`, which `key` names in the study file, as texts.

    Raises:
        DataError: There is no such column, or a cell is missing.
    """
    return np.array([str(cell) for cell in _all_there(table, name, key)])


def times(table: Table, name: str, key: str = "data.columns.time") -> Array:
    """Return column `name`, which `key` names, as float64, or as datetime64 in UTC where they are dates in ISO 8601.

    Raises:
        DataError: There is no such column, or a cell is missing or neither number nor date.
    """
    cells = _all_there(table, name, key)
    found = [number(cell) for cell in cells]
    if all(value is not None for value in found):
        return np.array(found, dtype=np.float64)
    moments = []
    for row, cell in enumerate(cells):
        try:
            moment = cell if isinstance(cell, date) else datetime.fromisoformat(str(cell).strip())
        except ValueError:
            raise DataError(
                f"{table.where(row)}: {name} is {cell!r}; times must all be numbers, or dates such as 2026-05-31 or "
                "2026-05-31T12:00:00+02:00."
            ) from None
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        moments.append(np.datetime64(moment, "us"))
    return np.array(moments)


def number(cell: Any) -> float | None:
    """Return the number that a cell is; ``None`` if it is none."""
    if isinstance(cell, str):
        cell = cell.strip()
        return float(cell) if _NUMBER.fullmatch(cell) else None
    return float(cell) if isinstance(cell, int | float) else None


def _all_there(table: Table, name: str, key: str) -> list[Any]:
    cells = table.column(name, key)
    what = key.rpartition(".")[2].removesuffix("_column")
    for row, cell in enumerate(cells):
        if is_missing(cell):
            raise DataError(f"{table.where(row)}: there is no {name}, the {what}. Fill it in, or leave the row out.")
    return cells


def _one_text(table: Table, name: str, row: int, cell: Any) -> str:
    if isinstance(cell, list) and all(isinstance(part, str | int) for part in cell):
        return ",".join(map(str, cell))
    if isinstance(cell, list | dict | bytes):
        raise DataError(f"{table.where(row)}: {name} must be one value. Received: {str(cell)[:60]}")
    return "" if is_missing(cell) else str(cell)


def _objects(texts: list[str]) -> Array:
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    return made
