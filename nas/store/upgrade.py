"""The revision a database is of: created at the newest, upgraded after a backup, refused when newer.

Reading it is plain SQL. Alembic, slow to import, is loaded only when there is something to upgrade.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from nas.errors import StorageError
from nas.store.models import Base, SchemaVersion

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision, oldest first: the names of the files in ``migrations/versions``."""

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6E6173  # any number that others do not use: PostgreSQL's advisory locks have no names


def revision(connection: Connection) -> str | None:
    """Return the revision of a database, or ``None`` when it holds no tables of ours."""
    if not inspect(connection).has_table(SchemaVersion.__tablename__):
        return None
    return connection.scalar(select(SchemaVersion.version_num))


def require_current(connection: Connection, where: str) -> None:
    """Check that a database can be read as it is.

    Raises:
        StorageError: It is empty, another program's, or of an older or newer schema; the message says what to do.
    """
    found = revision(connection)
    if found is None:
        raise _foreign(where)
    _refuse_newer(found, where)
    if found != REVISIONS[-1]:
        server = connection.dialect.name == "postgresql"
        raise StorageError(
            f"{where} is of an older schema ({found}; this version of nas reads {REVISIONS[-1]}). "
            + ("Have its administrator back it up: " if server else "")
            + f"`nas resume NAME` upgrades it{'' if server else ', after a backup beside it'}."
        )


def refuse_newer(connection: Connection, where: str) -> None:
    """Check that no newer version of this package has made the database; an older one, or none, is fine.

    Raises:
        StorageError: One has; the message says what to do.
    """
    if (found := revision(connection)) is not None:
        _refuse_newer(found, where)


def prepare(engine: Engine, path: Path | None, where: str, *, create: bool) -> None:
    """Upgrade an older database; where `create` says so, make the tables in one that has none.

    Any number of processes may do this at once: it happens in one transaction that excludes the others. A backup is
    made of the SQLite file at `path`; a server's database is backed up by its administrator.

    Raises:
        StorageError: The database `where` is of a newer schema, has no tables of ours, or cannot be written.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = revision(connection)
        if found is None:
            if not create:
                raise _foreign(where)
            Base.metadata.create_all(connection)
            connection.execute(insert(SchemaVersion).values(version_num=REVISIONS[-1]))
        elif found != REVISIONS[-1]:
            _refuse_newer(found, where)
            if path is not None:
                back_up(path, path.with_name(f"{path.name}.before-{REVISIONS[-1]}"))
            _upgrade(connection)


def _foreign(where: str) -> StorageError:
    return StorageError(
        f"{where} holds no studies of this package. Begin one with `nas launch STUDY.toml`, or name another "
        "database with --storage. (An Optuna database is taken in with optuna.copy_study.)"
    )


def _refuse_newer(found: str, where: str) -> None:
    if found not in REVISIONS:
        raise StorageError(
            f"{where} was made by a newer nas (its schema is {found}, this version knows up to {REVISIONS[-1]}). "
            "Upgrade encoder-nas, or name another database with --storage."
        )


def back_up(path: Path, backup: Path) -> None:
    """Copy an SQLite database as it is at one moment; the copy is whole or not there."""
    unfinished = backup.with_name(backup.name + ".tmp")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(backup)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, REVISIONS[-1])
