"""Every way out of the command has its number, one sentence on stderr, and nothing on stdout."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nas import errors
from nas.cli.app import EXIT_CODES, cli
from nas.store.ledger import Ledger
from tests.cli.conftest import Nas, spawn


def _raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**arguments: object) -> None:
        raise error

    monkeypatch.setattr(cli.commands["spaces"], "callback", fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NASError("x"), 1),
        (errors.StudyFailed("x"), 1),
        (errors.BadInput("x"), 2),
        (errors.StudyFileError("a.toml", ["name: is required and missing."]), 2),
        (errors.UnknownName("sampler", "tp", ["tpe"]), 2),
        (errors.DataError("x"), 2),
        (errors.FamilyError("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.StudyExists("digits", "studies/nas.db"), 4),
        (errors.StudyRunning("digits", 42, "here"), 4),
        (errors.StudyChanged("digits", {"data": "ab then, cd now"}), 4),
        (errors.StorageError("x"), 5),
        (errors.Interrupted("x", 6), 6),
        (errors.Interrupted("x", 143), 143),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_error_leaves_with_its_code(
    nas: Nas, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    _raise(monkeypatch, error)
    result = nas("spaces")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == (f"Error: {error}\n" if str(error) else "")
    assert f"\n  {code:<4} " in EXIT_CODES


def test_a_mistake_of_ours_is_one_sentence_that_says_how_to_see_more(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, ZeroDivisionError("division by\nzero"))
    result = nas("spaces")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "NAS_DEBUG=1" in result.stderr
    for arguments, environment in ((["spaces", "--debug"], ""), (["--debug", "spaces"], ""), (["spaces"], "1")):
        monkeypatch.setenv("NAS_DEBUG", environment)
        assert "Traceback (most recent call last)" in nas(*arguments).stderr


def test_a_trouble_of_the_system_is_said_plainly(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    _raise(monkeypatch, PermissionError(13, "Permission denied", "reports/digits.html"))
    result = nas("spaces")
    assert result.stderr.startswith("Error: Permission denied (reports/digits.html).")
    assert result.exit_code == 1


def test_usage_errors_are_2_and_suggest(nas: Nas, database: Path) -> None:
    for arguments, hint in (
        (["shwo"], "Did you mean 'show'?"),
        (["list", "--jsn"], "--json"),
        (["show", "digits", "x"], "'x' is no whole number."),
        (["show", "digits", "1.5"], "'1.5' is no whole number."),
        (["show", "digits", "-1"], "-1: trials are numbered from 0."),
        (["show", "digits", "-x"], "No such option '-x'"),
        (["resume", "digits", "--trials", "abc"], "'abc' is no whole number."),
        (["resume", "digits", "--hours", "abc"], "'abc' is no number."),
        (["resume", "digits", "--allow-changed", "spce"], "Did you mean 'space'?"),
        (["resume", "digits", "--trials", "0"], "1<=x"),
        (["status", "digits", "--watch", "--json"], "one document"),
    ):
        result = nas(*arguments)
        assert result.exit_code == 2, arguments
        assert result.stdout == ""
        assert hint in result.stderr


@pytest.mark.parametrize(
    "command", [["list"], ["status"], ["show", "a"], ["rank", "a"], ["report", "a"], ["resume", "a"]]
)
def test_without_a_database_nothing_is_found_and_nothing_is_made(nas: Nas, tmp_path: Path, command: list[str]) -> None:
    result = nas(*command)
    assert result.exit_code == 3, result.output
    assert result.stderr.startswith("Error: There is no database at ")
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_there(nas: Nas, database: Path) -> None:
    for command in ("status", "show", "rank", "report", "resume"):
        result = nas(command, "digit", storage=database)
        assert result.exit_code == 3
        assert "Did you mean 'digits'?" in result.stderr


def test_a_file_that_is_no_database(nas: Nas, tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    path.write_text("not a database, and long enough to be looked at as one " * 40)
    result = nas("list", storage=path)
    assert result.exit_code == 5
    assert "is not an SQLite database" in result.stderr


def test_a_database_of_a_newer_schema(nas: Nas, database: Path, tmp_path: Path) -> None:
    path = shutil.copy(database, tmp_path / "newer.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE nas_schema_version SET version_num = '9999'")
    result = nas("list", storage=Path(path))
    assert result.exit_code == 5
    assert "newer nas" in result.stderr


def test_a_study_that_exists_is_not_launched_again(nas: Nas, database: Path) -> None:
    from tests.cli.conftest import ROOT

    result = nas("launch", str(ROOT / "studies" / "digits.toml"), storage=database)
    assert result.exit_code == 4, result.output
    assert "nas resume digits" in result.stderr


def test_a_study_that_runs_is_not_resumed(nas: Nas, running: tuple[Path, Ledger]) -> None:
    import os

    result = nas("resume", "digits", storage=running[0])
    assert result.exit_code == 4, result.output
    assert f"process {os.getpid()} on" in result.stderr


def test_version_and_help_are_data(tmp_path: Path) -> None:
    for option in ("-V", "--version"):
        ran = spawn("-m", "nas", option, cwd=tmp_path)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("nas")
    ran = spawn("-m", "nas", "-h", cwd=tmp_path)
    assert ran.returncode == 0
    assert EXIT_CODES.replace("\b\n", "").splitlines()[1].strip() in ran.stdout


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_command_has_help_with_an_example(nas: Nas, name: str) -> None:
    text = nas(name, "--help").stdout
    assert f"    nas {name}" in text
    assert max(map(len, text.splitlines())) <= 80
