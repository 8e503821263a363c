"""What is known of items or users: a table beside the log ▶ one vector each.

A column of numbers is a feature as it is; what is empty gets the mean. A column of other texts holds categories, one or
several (``Drama|War``): a feature of 0 or 1 each. A column with many different ones (titles, addresses) is left out.

Means and categories are those of the users or items that train has: a category that is only among the others is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nas.data import columns
from nas.data.source import Array
from nas.data.table import Table, read_table
from nas.errors import DataError

SEPARATOR = "|"
MOST = 200
"""A column with more categories than that tells things apart and does not describe them."""


def side_features(
    path: Path, key: str, names: Sequence[str], trained: Array, most_unknown: float
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Return the features of `names`, (names, features), from the table at `path`, what they are, and notes for people.

    Args:
        path: A table, as `nas.data.table` reads them.
        key: The column that names the users or items, called as in the log.
        names: Those that are wanted, in the order of the rows that are returned.
        trained: Which of them train has, booleans (names,).
        most_unknown: The share of them that the table may lack: they get means, and no category.

    Raises:
        DataError: The table cannot be read, has a name twice, lacks more than that, or has no feature.
    """
    table = read_table(path)
    rows = _rows(table, key)
    notes = _unknown([name for name in names if name not in rows], len(names), most_unknown, path)
    found: dict[str, Array] = {}
    left_out = []
    for column in table.columns:
        if column == key:
            continue
        cells = columns.texts(table, column)
        given = [cells[rows[name]].strip() if name in rows else "" for name in names]
        features = (_as_numbers if _are_numbers(given) else _as_categories)(given, trained, column)
        found |= features
        if not features:
            left_out.append(column)
    if not found:
        raise DataError(f"{path} has no column of numbers, or of 2 to {MOST} categories, beside {key!r}.")
    if left_out:
        notes += (f"{path.name}: {', '.join(left_out)} left out: neither numbers nor 2 to {MOST} categories.",)
    values = np.stack(list(found.values()), axis=1)
    whole = np.array_equal(values, np.round(values)) and np.abs(values).max() < 2**31
    return values.astype(np.int32 if whole else np.float32), tuple(found), notes


def _rows(table: Table, key: str) -> dict[str, int]:
    """Return the row of each name."""
    rows: dict[str, int] = {}
    for row, name in enumerate(columns.groups(table, key, "the log, and so this table,").tolist()):
        if name in rows:
            raise DataError(f"{table.where(row)}: {key} {name!r} has a row already. Leave one of them out.")
        rows[name] = row
    return rows


def _unknown(unknown: list[str], names: int, most: float, path: Path) -> tuple[str, ...]:
    if not unknown:
        return ()
    some = ", ".join(map(repr, unknown[:5])) + (" …" if len(unknown) > 5 else "")
    if len(unknown) > most * names:
        raise DataError(
            f"{path} lacks {len(unknown):,} of {names:,} names that the log has, more than the {100 * most:g} % that "
            f"data.bad allows: {some}. Add them, or let data.bad be larger."
        )
    return (f"{path.name} lacks {len(unknown):,} of {names:,} names that the log has; they get no features: {some}.",)


def _are_numbers(texts: list[str]) -> bool:
    found = [columns.number(text) for text in texts if text]
    return bool(found) and all(value is not None and math.isfinite(value) for value in found)


def _as_numbers(texts: list[str], trained: Array, column: str) -> dict[str, Array]:
    """Return the numbers, with the mean of those of train for what is empty; nothing if train has none."""
    values = np.array([columns.number(text) for text in texts], dtype=np.float64)  # None is NaN
    known = values[trained & ~np.isnan(values)]
    return {column: np.where(np.isnan(values), known.mean(), values)} if len(known) else {}


def _as_categories(texts: list[str], trained: Array, column: str) -> dict[str, Array]:
    """Return 0 or 1 for each category of train, in the sorted order of their names; nothing if too few or too many."""
    several = [{part.strip() for part in text.split(SEPARATOR)} - {""} for text in texts]
    categories = sorted(set().union(*(parts for parts, known in zip(several, trained, strict=True) if known)))
    if not 2 <= len(categories) <= MOST:
        return {}
    return {f"{column}={one}": np.array([float(one in parts) for parts in several]) for one in categories}
