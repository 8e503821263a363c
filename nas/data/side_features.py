"""What is known of items or users: a table beside the log ▶ one vector each.

A column of numbers is a feature as it is; what is empty gets the mean. A column of other texts holds categories, one or
several (``Drama|War``): a feature of 0 or 1 each. A column with many different ones (titles, addresses) is left out.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nas.data.delimited import Table, read_table
from nas.data.source import Array
from nas.errors import DataError

SEPARATOR = "|"
MOST = 200
"""A column with more categories than that tells things apart and does not describe them."""


def side_features(path: Path, key: str, names: list[str], most_unknown: float) -> tuple[Array, tuple[str, ...]]:
    """Return the features of `names`, (names, features), from the table at `path`, and notes for people.

    Args:
        path: A CSV or TSV file.
        key: The column that names the users or items.
        names: Those that are wanted, in the order of the rows that are returned.
        most_unknown: The share of them that the table may lack: they get means, and no category.

    Raises:
        DataError: The table cannot be read, has a name twice, lacks more than that, or has no feature.
    """
    table = read_table(path)
    rows = _rows(table, key)
    wanted = np.array([rows.get(name, -1) for name in names])
    notes = _unknown([name for name in names if name not in rows], len(names), most_unknown, path)
    found, left_out = [], []
    for column, texts in table.columns.items():
        if column == key:
            continue
        given = [texts[row] if row >= 0 else "" for row in wanted]
        features = _as_numbers(given) if _are_numbers(given) else _as_categories(given)
        if features is None:
            left_out.append(column)
        else:
            found.append(features)
    if not found:
        raise DataError(f"{path} has no column of numbers, or of 2 to {MOST} categories, beside {key!r}.")
    if left_out:
        notes += (f"{path.name}: {', '.join(left_out)} left out: neither numbers nor 2 to {MOST} categories.",)
    features = np.concatenate(found, axis=1)
    whole = np.array_equal(features, np.round(features)) and np.abs(features).max() < 2**31
    return features.astype(np.int32 if whole else np.float32), notes


def _rows(table: Table, key: str) -> dict[str, int]:
    """Return the row of each name."""
    rows: dict[str, int] = {}
    twice = []
    for row, name in enumerate(table.column(key, "It must be called as in the log.")):
        if name in rows:
            twice.append(row)
        rows.setdefault(name, row)
    table.refuse(twice, lambda row: f"{key} {table.columns[key][row]!r} has a row already")
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
    return np.where(np.isnan(values), np.nanmean(values), values)[:, None]


def _as_categories(texts: list[str]) -> Array | None:
    """Return 0 or 1 for each category in the sorted order of their names; ``None`` if they are too few or too many."""
    several = [{part.strip() for part in text.split(SEPARATOR)} - {""} for text in texts]
    categories = sorted(set().union(*several))
    if not 2 <= len(categories) <= MOST:
        return None
    return np.array([[float(category in parts) for category in categories] for parts in several])
