from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url, text

from nas.errors import BadInput, NotFound, StorageError
from nas.store import engine as engine_module
from nas.store import queries
from nas.store.engine import (
    display_url,
    open_for_writing,
    open_read_only,
    reading_from,
    snapshot,
    sqlite_path,
    storage_url,
)
from nas.store.faults import explain
from nas.store.models import Event
from nas.store.storage import StudyStorage

from .small import begin, hold, run_trial


def file_of(url: str) -> Path:
    path = sqlite_path(url)
    assert path is not None
    return path


def test_what_is_given_wins_over_the_environment_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_STORAGE", raising=False)
    assert storage_url() == f"sqlite:///{tmp_path}/studies/nas.db"
    monkeypatch.setenv("NAS_STORAGE", "other.sqlite")
    assert storage_url() == f"sqlite:///{tmp_path}/other.sqlite"
    assert storage_url("sqlite:///given.db") == f"sqlite:///{tmp_path}/given.db"
    assert storage_url("postgresql://me:secret@db/nas") == "postgresql+psycopg://me:secret@db/nas"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x/y", "postgresql+psycopg2://x/y", "sqlite://", ":memory:", "sqlite:///", "://", "sqlite://foo.db",
        "mysql://me:s3cret@h/studies.db", "postgresql://me:s3cret@h:port/studies.sqlite",
    ],
)  # fmt: skip
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        storage_url(url)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("ending", [".db", ".sqlite", ".sqlite3"])
def test_a_server_is_no_file_whatever_its_database_is_called(ending: str) -> None:
    url = storage_url(f"postgresql://me:s3cret@h/studies{ending}")
    assert sqlite_path(url) is None
    assert display_url(url) == f"postgresql+psycopg://me@h/studies{ending}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr%20et@db:5432/nas",
        "postgresql://me@db:5432/nas?password=s3cr%20et",
        "postgresql://db:5432/nas?user=me&sslpassword=s3cr&passwrd=s3cr",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    shown = display_url(storage_url(url))
    assert "s3cr" not in shown
    assert "db:5432/nas" in shown


def test_what_is_shown_of_a_server_is_enough_to_reach_it() -> None:
    url = storage_url("postgresql://me:secret@/nas?host=/run/db&sslmode=require&passfile=/home/me/pass&password=secret")
    shown = display_url(url)
    assert shown == "postgresql+psycopg://me@/nas?host=%2Frun%2Fdb&passfile=%2Fhome%2Fme%2Fpass&sslmode=require"
    assert storage_url(shown) == shown


def test_no_secret_of_the_url_is_in_a_message_of_the_server() -> None:
    secrets = engine_module._secrets(make_url("postgresql://me:a%20b%2F@h/nas?sslpassword=c%26d&sslmode=require"))
    assert secrets == {"a b/", "c&d"}
    text = explain(ValueError('"a b/" "a%20b/" "a+b%2F" c&d c%26d require'), "h", secrets)
    assert text == 'The database h cannot be used: "***" "***" "***" *** *** require'


def test_what_sqlite_means_is_not_read_into_what_a_server_says(postgres_url: str) -> None:
    engine = open_for_writing(postgres_url)
    with pytest.raises(StorageError, match=r'column "locked" does not exist'), engine.connect() as connection:
        connection.execute(text("SELECT locked"))
    engine.dispose()


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(StorageError) as caught:
        open_for_writing(
            storage_url("postgresql://me:s3cr%20et@127.0.0.1:1/nas?connect_timeout=2&sslpassword=s3cr%20et")
        )
    assert "127.0.0.1:1/nas" in str(caught.value)
    assert "s3cr" not in str(caught.value)


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"encoder-nas\[postgres\]"):
        open_for_writing(storage_url("postgresql://db/nas"))


@pytest.mark.parametrize("name", ["a?mode=ro.db", "{study}.db", "100%25.db", "with space.db", "#x.db", "ü.db"])
def test_odd_file_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    url = storage_url(str(tmp_path / "deep" / name))
    open_for_writing(url).dispose()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == [name]
    engine = open_read_only(url)
    assert queries.studies(engine) == []
    engine.dispose()


def test_a_new_file_is_its_owners_alone(url: str) -> None:
    open_for_writing(url).dispose()
    assert stat.S_IMODE(file_of(url).stat().st_mode) == 0o600


def test_the_settings_are_the_safe_ones(url: str) -> None:
    engine = open_for_writing(url)
    with engine.begin() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        other = sqlite3.connect(file_of(url), timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")  # a writer keeps others out from its beginning
    engine.dispose()
    assert found == {"journal_mode": "delete", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_reading_creates_nothing_and_says_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "nas.db").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotFound, match=r"nas\.db"):
        open_read_only(storage_url(str(tmp_path / "nsa.db")))
    with pytest.raises(NotFound):
        open_read_only(storage_url(str(tmp_path / "deep" / "nas.db")))
    with pytest.raises(NotFound):
        open_read_only(storage_url(str(tmp_path)))
    assert sorted(tmp_path.iterdir()) == before


def test_reading_from_holds_one_moment_and_lets_go_of_it_whatever_happens(any_url: str) -> None:
    begin(any_url)
    view = reading_from(any_url)
    connection = view.__enter__()
    assert [study.name for study in queries.studies(connection)] == ["digits"]
    assert view.__exit__(NotFound, NotFound("digit"), None) is False
    assert connection.closed
    assert "Connections in pool: 0" in connection.engine.pool.status()


def test_a_reader_cannot_write(url: str) -> None:
    begin(url)
    engine = open_read_only(url)
    with pytest.raises(StorageError, match="read-only"), engine.begin() as connection:
        connection.execute(insert(Event).values(study_id=1, kind="x", message="x", at=None))
    engine.dispose()


@pytest.mark.parametrize("opener", [open_read_only, open_for_writing])
@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_left_as_it_is(url: str, content: bytes, opener: object) -> None:
    file_of(url).write_bytes(content)
    assert callable(opener)
    with pytest.raises(StorageError, match=r"nas\.db"):
        opener(url)
    assert file_of(url).read_bytes() == content


def test_a_truncated_database_is_called_damaged(url: str) -> None:
    begin(url)
    path = file_of(url)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StorageError):
        queries.studies(open_read_only(url))


def test_an_empty_file_and_another_programs_hold_no_studies(url: str) -> None:
    file_of(url).touch()
    with pytest.raises(StorageError, match="holds no studies"):
        open_read_only(url)
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.execute("CREATE TABLE studies (id)")
    with pytest.raises(StorageError, match="holds no studies"):
        open_read_only(url)


def test_a_database_held_by_another_is_waited_for_and_then_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(url)
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match="held by another process"):
            open_for_writing(url)
        with pytest.raises(StorageError, match="held by another process"):
            open_read_only(url)
    open_read_only(url).dispose()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be created: a file is where its folder would be"):
        open_for_writing(storage_url(str(tmp_path / "file" / "nas.db")))
    with pytest.raises(StorageError, match="folder"):
        open_for_writing(storage_url(str(tmp_path)))


def test_a_snapshot_is_of_one_moment(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    engine = open_for_writing(any_url)
    with snapshot(engine) as connection:
        assert queries.trials(connection, 1) == []
        if engine.dialect.name == "postgresql":  # on SQLite the writer waits for the reader
            run_trial(ledger, [0.5])
            assert queries.trials(connection, 1) == []
    run_trial(ledger, [0.5])
    ledger.flush()
    assert queries.trials(engine, 1)
    engine.dispose()
    ledger.close("done")


def test_a_journal_left_by_a_killed_writer_is_rolled_back_by_a_reader(url: str) -> None:
    begin(url)
    script = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_spill=1")
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE study SET name = 'half'")
insert = "INSERT INTO event (study_id, at, kind, message) VALUES (1, '2026-01-01', 'x', ?)"
connection.executemany(insert, [("y" * 4000,)] * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(file_of(url))], check=False)
    assert file_of(url).with_name("nas.db-journal").stat().st_size > 0
    engine = open_read_only(url)
    assert [study.name for study in queries.studies(engine)] == ["digits"]
    engine.dispose()


def test_importing_the_store_for_reading_loads_no_optuna() -> None:
    script = "import nas.store.queries, sys; print({'optuna', 'alembic', 'keras'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_no_message_of_the_storage_shows_the_password() -> None:
    with pytest.raises(StorageError) as caught:
        StudyStorage("postgresql://me:s3cret@127.0.0.1:1/nas")
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.skipif(os.name != "posix", reason="a file's mode is POSIX's")
def test_modes_follow_the_owner_only(tmp_path: Path) -> None:
    url = storage_url(str(tmp_path / "nas.db"))
    before = os.umask(0)
    try:
        open_for_writing(url).dispose()
    finally:
        os.umask(before)
    assert stat.S_IMODE(file_of(url).stat().st_mode) == 0o600
