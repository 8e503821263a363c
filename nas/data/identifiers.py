"""Columns of a table that nobody may have meant to be inputs: identifiers of rows, and dates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from nas.data.options import ColumnKind
from nas.data.table import Table, is_missing

FEWEST = 20
"""Of fewer rows, the numbers of a true input may be all different and close together."""
LONGEST = 40
"""What has more characters is a text."""

_NUMBERED = re.compile(r"[^\W\d][\w/:#-]*?\d+|#\d+")
_UNIT = re.compile(r"\d+[^\W\d_]+")
_HEXADECIMAL = re.compile(r"[0-9a-f-]{8,}", re.IGNORECASE)
_CODE = re.compile(r"[\w/:#-]+")


def warnings(table: Table, guessed: Mapping[str, ColumnKind]) -> tuple[str, ...]:
    """Return a note on those columns that are inputs only because nothing else was said of them, and look wrong.

    Args:
        table: The rows.
        guessed: By column, what it was taken for.
    """
    notes = []
    for name, kind in guessed.items():
        cells = table.columns[name]
        if kind in ("text", "category") and are_dates(cells):
            different = len({str(cell) for cell in cells})
            notes.append(
                f"{name} holds dates, and is taken for {kind}, of {different:,} different values: those that train "
                f"has not got tell nothing. {_leave_out(name)} data.columns.time is for cutting splits by them."
            )
        elif kind in ("text", "number") and are_identifiers(cells):
            notes.append(
                f"{name} has a different value in every row, and looks like an identifier ({cells[0]}, {cells[1]} …): "
                "what is learned of it holds of no new row, and where it follows the labels it gives them away. "
                f"{_leave_out(name)} If it does mean something, say what it is in data.columns.kinds."
            )
    return tuple(notes)


def are_identifiers(cells: Sequence[Any]) -> bool:
    """Whether `cells` number or name their rows: all there, all different, and alike.

    Numbers are whole, and in ascending or descending order, or else so close together that two numbers that are next to
    each other could have at most one between them on average. Texts are one word each: the same word with a number
    after it (``T-00017``), hexadecimal numbers of one length (a UUID), or letters and digits in the same places
    (``AB12-CD``). A number with a unit is none.
    """
    if len(cells) < FEWEST or any(map(is_missing, cells)):
        return False
    told = [str(cell).strip() for cell in cells]
    if len(set(told)) < len(told) or max(map(len, told)) > LONGEST:
        return False
    try:
        values = np.array([float(text) for text in told])
    except ValueError:
        return _alike(told)
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return False
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all() or 0 < np.ptp(values) < 2 * len(values))


def are_dates(cells: Sequence[Any]) -> bool:
    """Whether all `cells` that are there are dates, or times of dates, in ISO 8601."""
    there = [cell for cell in cells if not is_missing(cell)]
    return bool(there) and all(map(_is_date, there))


def _alike(texts: list[str]) -> bool:
    if all(map(_NUMBERED.fullmatch, texts)):
        return len({text.rstrip("0123456789") for text in texts}) == 1
    if all(map(_HEXADECIMAL.fullmatch, texts)):
        return len({re.sub(r"[^-]", "0", text) for text in texts}) == 1
    if not all(map(_CODE.fullmatch, texts)) or all(map(_UNIT.fullmatch, texts)):
        return False
    shapes = {re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", text)) for text in texts}
    return len(shapes) == 1 and {"0", "a"} <= set(*shapes)


def _is_date(cell: Any) -> bool:
    if isinstance(cell, date):
        return True
    try:
        datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return False
    return True


def _leave_out(name: str) -> str:
    return f"Leave it out: data.columns.ignore = [{json.dumps(name, ensure_ascii=False)}]."
