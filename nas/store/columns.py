# ruff: noqa: D102  (SQLAlchemy documents the two methods of a TypeDecorator)
"""Column types that keep what a database would lose: floats that are not finite, the time zone, odd text."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Double, Text, TypeDecorator


class Json(TypeDecorator[Any]):
    """Any JSON value as valid JSON text, ``nan`` and ``±inf`` included.

    A float that is not finite becomes ``{"$float": "nan"}``, so that it can be told from a string and every
    JSON reader accepts the text. It is ASCII: NUL and lone surrogates, which PostgreSQL refuses, are escaped.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else from_json(value)


class Attribute(Json):
    """A `Json` value that is always there: ``None`` is kept as JSON's ``null``."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return to_json(value)


class Number(TypeDecorator[float]):
    """A double that may be ``nan``, which is ``NULL`` in the database: SQLite has no other."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        return math.nan if value is None else value


class Time(TypeDecorator[datetime]):
    """An aware datetime, UTC in the database and when it comes back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Prose(TypeDecorator[str]):
    """Text for people. What a database refuses (NUL, lone surrogates) becomes a replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def to_json(value: Any) -> str:
    """Return `value` as one line of valid JSON."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:  # a float that is not finite
        return json.dumps(_mark(value), allow_nan=False)
    return json.dumps(_mark(value), allow_nan=False) if _MARK in text else text


def from_json(text: str) -> Any:
    """Return what `to_json` made `text` of; tuples have become lists."""
    return json.loads(text, object_hook=_unmark) if _MARK in text else json.loads(text)


_MARK = "$float"
_LOOKS_MARKED = re.compile(r"\$+float")


def _mark(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return {_MARK: str(value)}
        case dict():
            marked = {key: _mark(item) for key, item in value.items()}
            # A dict that happens to look like a mark gets one more "$", which reading takes off again.
            return {f"${key}": item for key, item in marked.items()} if _looks_marked(value) else marked
        case list() | tuple():
            return [_mark(item) for item in value]
        case _:
            return value


def _unmark(value: dict[str, Any]) -> Any:
    if not _looks_marked(value):
        return value
    ((key, item),) = value.items()
    return float(item) if key == _MARK else {key[1:]: item}


def _looks_marked(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and all(isinstance(key, str) and _LOOKS_MARKED.fullmatch(key) for key in value)
