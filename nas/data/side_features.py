"""What is known of items or users: a table beside the log ▶ one vector each.

A column of numbers is a feature as it is; what is empty gets the mean. A column of other texts holds categories, one or
several (``Drama|War``): a feature of 0 or 1 each. A column with many different ones (titles, addresses) is left out.
"""

from __future__ import annotations

import math
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
    path: Path, key: str, names: list[str], most_unknown: float
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Return the features of `names`, (names, features), from the table at `path`, what they are, and notes for people.

    Args:
        path: A table, as `nas.data.table` reads them.
        key: The column that names the users or items, called as in the log.
        names: Those that are wanted, in the order of the rows that are returned.
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
        features = {column: _as_numbers(given)} if _are_numbers(given) else _as_categories(given, column)
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
    try:
        return all(math.isfinite(float(text)) for text in texts if text) and any(texts)
    except ValueError:
        return False


def _as_numbers(texts: list[str]) -> Array:
    values = np.array([float(text) if text else np.nan for text in texts])
    return np.where(np.isnan(values), np.nanmean(values), values)


def _as_categories(texts: list[str], column: str) -> dict[str, Array]:
    """Return 0 or 1 for each category, in the sorted order of their names; nothing if they are too few or too many."""
    several = [{part.strip() for part in text.split(SEPARATOR)} - {""} for text in texts]
    categories = sorted(set().union(*several))
    if not 2 <= len(categories) <= MOST:
        return {}
    return {f"{column}={one}": np.array([float(one in parts) for parts in several]) for one in categories}
