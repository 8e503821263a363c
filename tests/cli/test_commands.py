"""A command that is suggested works when it is copied: on the same database, and on one line."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from optuna.trial import TrialState
from rich.text import Text

from nas.cli.commands import complete
from nas.cli.output import Output
from nas.store.engine import storage_url
from nas.store.ledger import Ledger
from tests.cli.conftest import Nas, create, new_session, train


def made(path: Path, ending: str, failures: tuple[str, ...] = ()) -> Path:
    """A database whose study ``digits`` has ended like that, and of which every trial has failed."""
    url = storage_url(str(path))
    create(url, "digits")
    ledger = Ledger.open(url, "digits", new_session())
    for message in failures:
        trial = train(ledger, "dd", [])
        given = {"outcome": "failed", "kind": "error", "message": message, "metrics": {}}
        ledger.finish(trial, state=TrialState.FAIL, values=None, **given)  # type: ignore[arg-type]
    ledger.close(ending)
    return path


def test_each_command_in_a_sentence_gets_the_database_once() -> None:
    text = "See `nas spaces`, `nas rank x`, or `nas show x 3 --storage other.db`; `trials` is a key."
    assert complete(text, None) == text
    assert complete(text, "my studies.db") == (
        "See `nas spaces`, `nas rank x --storage 'my studies.db'`, or `nas show x 3 --storage other.db`; "
        "`trials` is a key."
    )
    assert "secret" not in complete(text, "postgresql://me:secret@host/db")


def test_hints_and_errors_are_about_the_same_database(nas: Nas, database: Path, running: tuple[Path, Ledger]) -> None:
    told = nas("rank", "digits", storage=database).stderr
    for verb in ("race", "finetune"):
        assert f"`nas {verb} digits --storage {database}`" in told
    told = nas("resume", "digits", storage=running[0]).stderr
    assert f"Watch it with `nas status digits --watch --storage {running[0].name}`" in told
    told = nas("show", "digist", storage=database).stderr
    assert "Did you mean 'digits'" in told
    assert "killed" in nas("doctor", storage=database).stdout
    assert f"`nas resume killed --storage {database}` goes on with it." in nas("doctor", storage=database).stdout


@pytest.mark.parametrize("command", ["show", "status"])
def test_a_command_is_never_broken(nas: Nas, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    go_on = f"nas resume digits --storage {shlex.quote('/a folder/with a name/that is longer than a line/nas.db')}"
    ending = f"Stopped by Ctrl-C; 0 trials were interrupted and saved. Go on with `{go_on}`."
    path = made(tmp_path / "nas.db", ending)
    assert any(line.endswith(ending) for line in nas(command, "digits", storage=path).stdout.splitlines())


def test_where_all_trials_failed_the_failures_come_first(nas: Nas, tmp_path: Path) -> None:
    path = made(tmp_path / "nas.db", "Stopped by Ctrl-C.", ("once", "no such layer", "no such layer"))
    told = nas("show", "digits", storage=path).stderr.splitlines()
    first = told[told.index("Next:") + 1]
    assert first.split() == [
        *f"nas show digits 1 --storage {path.name}".split(),
        *["how", "this", "one", "failed,", "in", "full"],
    ]
    assert told[told.index("Next:") + 2].startswith("  nas resume digits ")


def test_a_sentence_keeps_its_colours_when_its_commands_are_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    output = Output()
    output.storage = "a.db"
    output.show(Text("Look: `nas show x`.", "yellow"), Text.assemble(("x", "bold"), "  see `nas show x`."))
    assert capsys.readouterr().out.splitlines() == [
        "\x1b[33mLook: `nas show x --storage a.db`.\x1b[0m",
        "\x1b[1mx\x1b[0m  see `nas show x --storage a.db`.",
    ]
