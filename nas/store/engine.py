"""From a database's URL to an engine with the settings that are safe, for writing or for reading only.

SQLite: ``journal_mode=DELETE`` and ``synchronous=FULL`` (what is committed survives a power cut, on every SQLite;
versions before 3.51.3 can corrupt a write-ahead log), ``foreign_keys=ON``, a busy time-out of 30 s, and
``BEGIN IMMEDIATE`` for writers, without which two of them can both read before either writes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, Union

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from nas.errors import BadInput, NotFound, StorageError, did_you_mean
from nas.store.faults import translate_errors
from nas.store.upgrade import prepare, refuse_newer, require_current

Source: TypeAlias = Union[Engine, Connection]
"""What a query reads from: an engine, or a `snapshot` of one."""

DEFAULT = Path("studies") / "nas.db"
BUSY_SECONDS = 30.0
_SQLITE = "sqlite:///"
_FILE_ENDINGS = (".db", ".sqlite", ".sqlite3")


def storage_url(given: str | None = None) -> str:
    """Return the URL of the database that is meant: `given`, else ``NAS_STORAGE``, else ``studies/nas.db``.

    A plain path is taken as an SQLite file. What follows ``sqlite:///`` is the path as it is: no character in
    it means anything else. Relative paths start from the current folder, and are absolute in what is returned.

    Raises:
        BadInput: The URL names no database this package can use.
    """
    given = given or os.environ.get("NAS_STORAGE") or str(DEFAULT)
    if given.startswith(_SQLITE):
        given = given.removeprefix(_SQLITE)
    elif "://" in given:
        return _server_url(given).render_as_string(hide_password=False)
    if given in ("", ":memory:"):
        raise BadInput(
            "A study needs a database that outlives the process: give a file, e.g. --storage studies/nas.db."
        )
    return _SQLITE + str(Path(given).expanduser().absolute())


def display_url(url: str) -> str:
    """Return `url` as it may be shown, and typed again: a server's without its passwords (``PGPASSWORD`` or
    ``~/.pgpass`` may have them), a file as its path, from the current folder where it is below."""
    path = sqlite_path(url)
    if path is None:
        parsed = _server_url(url)
        shown = parsed._replace(password=None)  # set(password=None) leaves it as it is
        return shown.difference_update_query(filter(_is_secret, parsed.query)).render_as_string()
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _is_secret(key: str) -> bool:
    """Tell whether a parameter of a server's URL may hold a secret, also where its name is misspelt."""
    return key != "passfile" and any(word in key.lower() for word in ("pass", "pwd", "secret", "scram"))


def _secrets(url: URL) -> set[str]:
    held = {url.password} | {text for key, texts in url.normalized_query.items() if _is_secret(key) for text in texts}
    return {secret for secret in held if secret}


def sqlite_path(url: str) -> Path | None:
    """Return the file `url` (of `storage_url`) names, or ``None`` where it names a server."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def require_usable(url: str) -> None:
    """Check that studies can be kept in the database at `url`, before anything slow begins; none is created.

    Raises:
        StorageError: It cannot be opened, written or made, is no database, or is of a newer schema.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        _require_place(path)
        return
    if path is not None and path.is_dir():
        raise _is_folder(path)
    engine = _engine(url, mode="rw")
    try:
        with engine.begin() as connection:
            refuse_newer(connection, display_url(url))
    finally:
        engine.dispose()


def open_for_writing(url: str, *, create: bool = True) -> Engine:
    """Return an engine on the database at `url`, which is created, or upgraded after a backup, where it has to be.

    Transactions write: on SQLite they begin with ``BEGIN IMMEDIATE``. `reading` gives those that only read.

    Raises:
        NotFound: There is no database, and `create` is false.
        StorageError: The database cannot be opened or written, or is of a newer schema; or it has no tables of this
            package, and `create` is false.
    """
    path = sqlite_path(url)
    if path is not None and create:
        _create_file(path)
    elif path is not None:
        _require_file(path)
    engine = _engine(url, mode="rw")
    try:
        prepare(engine, path, display_url(url), create=create)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_read_only(url: str) -> Engine:
    """Return an engine that can only read, from a database that is there already. Nothing is created.

    Raises:
        NotFound: There is no database at `url`.
        StorageError: It cannot be read, or is of another schema.
    """
    path = sqlite_path(url)
    if path is not None:
        _require_file(path)
    engine = _engine(url, mode="ro")
    try:
        with snapshot(engine) as connection:
            require_current(connection, display_url(url))
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading_from(url: str) -> Iterator[Connection]:
    """Hold one moment of the database at `url` in view, and nothing else: no file is made, nothing is written.

    Raises:
        NotFound: There is no database at `url`.
        StorageError: It cannot be read, or is of another schema.
    """
    engine = open_read_only(url)
    try:
        with snapshot(engine) as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def snapshot(source: Source) -> Iterator[Connection]:
    """Hold one read transaction: all that is read in it is of one moment. Keep it short, a writer may wait for it."""
    if isinstance(source, Connection):
        yield source
        return
    with reading(source).begin() as connection:
        yield connection


def reading(engine: Engine) -> Engine:
    """Return `engine` with transactions that only read."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(nas_reads=True)


def _engine(url: str, *, mode: str) -> Engine:
    path = sqlite_path(url)
    engine = _server_engine(url) if path is None else _sqlite_engine(path, mode)
    translate_errors(engine, display_url(url), None if path is not None else _secrets(_server_url(url)))
    return engine.execution_options(nas_reads=True) if mode == "ro" else engine


def _server_engine(url: str) -> Engine:
    try:
        return create_engine(_server_url(url), pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StorageError(
            'PostgreSQL needs psycopg, which is not installed: pip install "encoder-nas[postgres]".'
        ) from error


def _server_url(url: str) -> URL:
    expected = "Give a file (studies/nas.db), sqlite:///FILE, or postgresql://USER@HOST/DATABASE."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput(f"The storage is not a URL. {expected}") from None  # not shown: it may hold a password
    if parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise BadInput(f"Studies cannot be kept in a database of kind {parsed.drivername!r}. {expected}")
    return parsed.set(drivername="postgresql+psycopg")


def _sqlite_engine(path: Path, mode: str) -> Engine:
    def connect() -> sqlite3.Connection:
        now = "rw" if mode == "ro" and _left_mid_write(path) else mode
        return sqlite3.connect(
            f"{path.as_uri()}?mode={now}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    # The URL given to SQLAlchemy names no file: its own reading of "?" and "%" in one would be in the way.
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, record: Any) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        if mode == "ro":
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("nas_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _left_mid_write(path: Path) -> bool:
    """Tell whether a killed writer left a journal, which SQLite rolls back as soon as a connection may write."""
    journal = path.with_name(path.name + "-journal")
    return journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _require_place(path: Path) -> None:
    """Check that a file can be made at `path`; its folder is made, for other files of a study go there first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _cannot_be_created(path, "a file is where its folder would be") from error
    except OSError as error:
        raise _cannot_be_created(path, error.strerror) from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _cannot_be_created(path, f"{path.parent} cannot be written")


def _is_folder(path: Path) -> StorageError:
    return StorageError(f"The database cannot be {path}: that is a folder. Name a file in it.")


def _cannot_be_created(path: Path, why: str | None) -> StorageError:
    return StorageError(
        f"The database {path} cannot be created: {why}. Name another place with --storage or NAS_STORAGE."
    )


def _create_file(path: Path) -> None:
    """Make `path` an empty file that only its owner may read, if nothing is there; SQLite would ask the umask."""
    _require_place(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise _is_folder(path) from None
    except OSError as error:
        raise _cannot_be_created(path, error.strerror) from error


def _require_file(path: Path) -> None:
    if path.is_file():
        return
    if path.is_dir():
        raise NotFound(f"{path} is a folder, not a database. Name the file in it with --storage.")
    others = sorted(other.name for other in path.parent.glob("*") if other.suffix in _FILE_ENDINGS)
    near = did_you_mean(path.name, others) or (f" There is {', '.join(others[:5])} beside it." if others else "")
    raise NotFound(
        f"There is no database at {path}.{near} Begin a study with `nas launch STUDY.toml`, "
        "or name another database with --storage or NAS_STORAGE."
    )
