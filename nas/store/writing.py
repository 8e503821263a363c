"""Rows on their way into the database: gathered by table and key, written together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, Executable, Table, insert, update

from nas.store.models import Base

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Row: TypeAlias = dict[str, Any]


def upsert(connection: Connection, model: type[Base], rows: Sequence[Row]) -> None:
    """Write `rows`, all with the same columns: those whose key is there already change in the columns given."""
    connection.execute(_upsert_statement(connection.dialect.name, model, tuple(rows[0])), list(rows))


@cache
def _upsert_statement(dialect: str, model: type[Base], columns: tuple[str, ...]) -> Executable:
    table = table_of(model)
    keys = [column.name for column in table.primary_key]
    changed = [name for name in columns if name not in keys]
    # Only the one in use: PostgreSQL's drivers take longer to import than a short command takes as a whole.
    statement: sqlite.Insert | postgresql.Insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in changed}
    )


def table_of(model: type[Base]) -> Table:
    """Return the table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


class Pending:
    """Writes that wait for the next transaction.

    A later write of a row replaces an earlier one column by column, so that what is written grows with the number
    of rows, not of calls. Nothing is forgotten until `clear`: a transaction that failed can be tried again.
    """

    def __init__(self) -> None:
        self._rows: dict[type[Base], dict[tuple[Any, ...], Row]] = {}
        self._changes: dict[type[Base], dict[int, Row]] = {}
        self._new: dict[type[Base], list[Row]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows or self._changes or self._new)

    def put(self, model: type[Base], row: Row) -> None:
        """Write `row`, which may or may not be there already, under its primary key."""
        key = tuple(row[column.name] for column in table_of(model).primary_key)
        self._rows.setdefault(model, {}).setdefault(key, {}).update(row)

    def change(self, model: type[Base], id: int, **columns: Any) -> None:
        """Change `columns` of the row with that id, which is there."""
        self._changes.setdefault(model, {}).setdefault(id, {}).update(columns)

    def add(self, model: type[Base], row: Row) -> None:
        """Write a new row; the database gives it its id."""
        self._new.setdefault(model, []).append(row)

    def write(self, connection: Connection) -> None:
        """Write everything, parents before children."""
        for model in sorted(self._rows, key=_depth):
            for rows in _alike(self._rows[model].values()):
                upsert(connection, model, rows)
        for model, changes in self._changes.items():
            table = table_of(model)
            for id, columns in changes.items():
                connection.execute(update(table).where(table.c.id == id).values(columns))
        for model, new in self._new.items():
            connection.execute(insert(table_of(model)), new)

    def clear(self) -> None:
        """Forget what has been written."""
        self._rows.clear()
        self._changes.clear()
        self._new.clear()


_PARENTS_FIRST = [table.name for table in Base.metadata.sorted_tables]


def _depth(model: type[Base]) -> int:
    return _PARENTS_FIRST.index(model.__tablename__)


def _alike(rows: Iterable[Mapping[str, Any]]) -> list[list[Row]]:
    """Return `rows` in groups that have the same columns."""
    groups: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(dict(row))
    return list(groups.values())
