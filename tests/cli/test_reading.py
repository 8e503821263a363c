"""The commands that read: what they print, and that they do nothing but read."""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from nas.architecture import Cost
from nas.cli.views import best_line, ranking_table, studies_table
from nas.documents import plain
from nas.ranking import Ranked
from nas.store.engine import storage_url
from nas.store.lease import this_process
from nas.store.ledger import Ledger
from tests.cli.conftest import ROOT, Nas, create, new_session, spawn
from tests.report import samples

READERS = [
    ("list",), ("status",), ("status", "digits"), ("show", "digits"), ("show", "digits", "4"), ("rank", "digits"),
    ("spaces",),
]  # fmt: skip


def _document(text: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(text, parse_constant=refuse)
    assert document["schema"] == 1
    return document


def test_list_has_a_line_for_each_study(nas: Nas, database: Path) -> None:
    lines = nas("list", storage=database).stdout.splitlines()
    assert lines[0].split() == ["Study", "State", "Trials", "Complete", "Pruned", "Failed", "Best", "Age"]
    assert lines[1].split()[:7] == ["digits", "stopped", "5/8", "3", "1", "1", "0.9700"]
    assert lines[2].split()[:7] == ["killed", "stopped", "1/8", "0", "0", "0", "–"]


def test_status_of_a_stopped_study_says_why_it_ended(nas: Nas, database: Path) -> None:
    text = nas("status", "digits", storage=database).stdout
    assert "Stopped by Ctrl-C" in text
    assert "worker lost" in text
    told = " ".join(text.split())
    assert "val_accuracy 0.9700 in one training · trial 1 · cnn · 330 weights" in told
    assert "5 of 8: 3 complete, 1 pruned, 1 failed; and at no cost 1 over a limit, 1 duplicate" in told


def test_status_of_a_killed_study_says_so(nas: Nas, database: Path) -> None:
    text = nas("status", "killed", storage=database).stdout
    assert "was killed" in text
    assert "1 interrupted" in text
    assert f"Go on with `nas resume killed --storage {database}`." in text
    shown = nas("show", "killed", "0", "-v", storage=database).stdout
    assert shown.startswith("killed, trial 0  interrupted")
    assert "running" not in shown


def test_what_goes_on_with_a_killed_fine_tuning_is_its_command(nas: Nas, tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    create(storage_url(str(path)), "digits")
    gone = replace(this_process(), process_started=-1.0)
    command = "nas finetune digits --top 2"
    ledger = Ledger.open(storage_url(str(path)), "digits", replace(new_session(), holder=gone, command=command))
    ledger._engine.dispose()
    text = nas("status", "digits", storage=path).stdout
    assert "killed while it fine-tuned" in text
    assert f"Go on with `{command} --storage nas.db`." in text


def test_status_of_a_running_study_names_its_holder(nas: Nas, running: tuple[Path, object]) -> None:
    import os

    result = nas("status", storage=running[0])
    assert f"process {os.getpid()} on " in result.stdout
    assert "1 running" in result.stdout
    document = _document(nas("status", "--json", storage=running[0]).stdout)
    (study,) = document["studies"]  # type: ignore[misc]
    assert study["state"] == "running"
    assert study["holder"]["pid"] == os.getpid()
    assert study["seconds_left"] > 0


def test_show_groups_the_failures_and_says_what_comes_next(nas: Nas, database: Path) -> None:
    result = nas("show", "digits", storage=database)
    assert "1  rejected  312,455 weights, 200,000 allowed" in result.stdout
    assert "nas resume digits --storage" in result.stderr
    assert "nas resume" not in result.stdout
    assert nas("show", "digits", "-q", storage=database).stderr == ""


def test_text_from_a_database_is_shown_and_not_obeyed(nas: Nas, database: Path) -> None:
    text = nas("show", "digits", "4", storage=database).stdout
    assert "[bold]⟨U+001B⟩[31m" in text
    assert "\x1b" not in text


def test_show_trial_has_params_cost_curve_and_layers(nas: Nas, database: Path) -> None:
    text = nas("show", "digits", "1", storage=database).stdout
    for expected in ("cnn/width  16", "learning_rate  0.001", "9,376", "Curve  ▁▆█", "0.9700", "Conv2D", "4 layers"):
        assert expected in text


def test_show_trial_knows_twins_and_tracebacks(nas: Nas, database: Path) -> None:
    assert "trial 1: nothing was trained again" in nas("show", "digits", "6", storage=database).stdout
    assert "ArithmeticError: loss" in nas("show", "digits", "4", storage=database).stdout


def test_rank_has_one_line_for_each_architecture(nas: Nas, database: Path) -> None:
    lines = nas("rank", "digits", storage=database).stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["1", "0.9700"], ["2", "0.9300"]]
    assert "1, 6" in lines[1]
    assert len(nas("rank", "digits", "--top", "1", storage=database).stdout.splitlines()) == 2


def test_the_baseline_stands_beside_the_results(nas: Nas, database: Path) -> None:
    for command in ("status", "show"):
        shown = nas(command, "digits", storage=database).stdout
        assert "baseline   majority class: val_accuracy 0.1010 " in shown
    assert "To beat: majority class: val_accuracy 0.1010." in nas("rank", "digits", storage=database).stderr
    (study,) = _document(nas("status", "digits", "--json", storage=database).stdout)["studies"]  # type: ignore[misc]
    assert study["baseline"] == {"name": "majority class", "value": 0.101, "beaten": True}


def test_a_best_trial_that_does_not_beat_the_baseline_is_said_to_be_none() -> None:
    from nas.cli.views import baseline_line
    from tests.report import samples

    record = samples.study(data={"baseline": {"name": "majority class", "metrics": {"val_accuracy": 0.9}}})
    told = "majority class: val_accuracy 0.9000"
    assert str(baseline_line(record, None)) == told
    assert str(baseline_line(record, samples.ranked(samples.trial(0, values=(0.91,))))) == told
    for value in (0.9, 0.5):
        line = str(baseline_line(record, samples.ranked(samples.trial(0, values=(value,)))))
        assert line == f"{told}; no complete trial beats it"
    assert baseline_line(samples.study(data=None), samples.ranked(samples.trial(0))) is None


def test_rank_before_a_trial_is_complete(nas: Nas, database: Path) -> None:
    result = nas("rank", "new", storage=database)
    assert result.exit_code == 0
    assert "No trial is complete yet" in result.stdout


def test_report_writes_one_page_and_prints_its_path(nas: Nas, database: Path, tmp_path: Path) -> None:
    result = nas("report", "digits", storage=database)
    assert result.exit_code == 0, result.output
    assert result.stdout == "reports/digits.html\n"
    assert (tmp_path / "reports" / "digits.html").read_text().startswith("<!doctype html>")
    document = _document(nas("report", "digits", "-o", "page.html", "--json", storage=database).stdout)
    assert document["path"] == str(tmp_path / "page.html")


def test_spaces_are_described_by_their_files(nas: Nas) -> None:
    spaces = {space["name"]: space for space in _document(nas("spaces", "--json").stdout)["spaces"]}  # type: ignore[attr-defined]
    assert spaces["cnn"]["modality"] == "image"
    assert spaces["mlp"]["modality"] == "vector"
    assert "arXiv:1512.03385" in spaces["resnet"]["papers"]
    assert all(space["summary"] and not space["problem"] for space in spaces.values())


def _meanings(value: object, found: dict[str, set[type]]) -> None:
    """Collect the types that each key of a document has anywhere in it, but in what has keys of its own."""
    if isinstance(value, list):
        for item in value:
            _meanings(item, found)
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("params", "training", "metrics", "settings", "data", "budget", "cost"):
                _meanings(item, found)
            if item is not None and key != "id":  # of whatever it is in
                found.setdefault(key, set()).add(type(item))


def test_a_key_means_the_same_in_every_document(nas: Nas, database: Path) -> None:
    found: dict[str, set[type]] = {}
    for command in [*READERS, ("show", "digits", "1")]:
        where = None if command[0] == "spaces" else database
        _meanings(_document(nas(*command, "--json", storage=where).stdout), found)
    numbers = {key for key, types in found.items() if types == {int, float}}
    assert {key: types for key, types in found.items() if len(types) > 1 and key not in numbers} == {}
    assert (found["study"], found["trial"], found["overview"]) == ({str}, {int}, {dict})


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_json_is_one_document_and_not_finite_is_null(nas: Nas, database: Path, command: tuple[str, ...]) -> None:
    result = nas(*command, "--json", storage=database if command[0] != "spaces" else None)
    assert result.exit_code == 0, result.output
    _document(result.stdout)
    assert result.stderr == ""


def test_a_nan_in_a_curve_is_null(nas: Nas, database: Path) -> None:
    document = _document(nas("show", "digits", "4", "--json", storage=database).stdout)
    assert [epoch["value"] for epoch in document["curve"]] == [0.3, None]  # type: ignore[attr-defined]


def test_plain_turns_what_is_not_finite_into_null_at_any_depth() -> None:
    assert plain({"a": [math.nan, (math.inf, -math.inf)], 1: 0.5}) == {"a": [None, [None, None]], "1": 0.5}
    with pytest.raises(TypeError, match="no form in JSON"):
        plain(object())


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_eighty_columns_are_enough(nas: Nas, database: Path, command: tuple[str, ...]) -> None:
    text = nas(*command, storage=database if command[0] != "spaces" else None).stdout
    lines = [line.rstrip() for line in text.splitlines() if "`nas " not in line]  # a command is never broken
    assert max(map(len, lines)) <= 80  # what is too wide would not be cut off
    assert "…" not in text


def _ranking(width: int, *objectives: str, verbose: bool = False) -> str:
    values = {"val_accuracy": 0.8765, "latency_ms": 12.3456, "weights": 1_234_567.0}
    trial = samples.trial(
        4321,
        values=tuple(values[objective] for objective in objectives),
        family="models.py:MyResidualNetwork",
        cost=Cost(1_234_567, 98_700_000, None),
        fingerprint="fedcba98" * 8,
        epochs=77,
    )
    console = Console(width=width, markup=False, highlight=False, record=True, file=io.StringIO())
    made = ranking_table([Ranked(17, 9, trial, (4321,))], objectives, verbose)
    console.print(made, crop=False)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 60, 40])
def test_every_number_of_a_ranking_is_whole_at_any_width(width: int) -> None:
    text = _ranking(width, "val_accuracy", "latency_ms")
    first = next(line for line in text.splitlines() if "0.8765" in line)
    for number in ("17", "9", "0.8765", "12.3456", "1.23 M", "98.7 M", "fedcba98"):
        assert f" {number} " in f" {first} "
    assert "…" not in text
    assert "models.py" not in text
    if width == 80:
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
        assert text.split()[:4] == ["#", "Frontier", "val_accuracy", "latency_ms"]


def test_a_ranking_has_epochs_and_trials_where_there_is_room_or_everything_is_asked_for() -> None:
    assert "Epochs" not in _ranking(80, "val_accuracy", "latency_ms")
    assert "4321" in _ranking(120, "val_accuracy", "latency_ms")
    assert "4321" in _ranking(80, "val_accuracy", "latency_ms", verbose=True)
    assert "MyResidualNetwork" in _ranking(120, "val_accuracy", "latency_ms")


def test_a_cost_that_is_an_objective_is_a_count_and_told_once() -> None:
    text = _ranking(80, "val_accuracy", "weights")
    assert "1,234,567" in text
    assert "Weights" not in text
    assert "MACs" in text
    trial = samples.trial(3, values=(0.5, 1_234_567.0), cost=Cost(1_234_567, 98_700_000, None))
    assert best_line(samples.ranked(trial), ("val_accuracy", "weights")) == (
        "val_accuracy 0.5000 in one training · weights 1,234,567 · trial 3 · cnn · 98.7 M MACs"
    )
    study = samples.study(objectives=("weights",), directions=("minimize",))
    leader = samples.ranked(replace(trial, values=(1_234_567.0,)))
    console = Console(width=80, markup=False, highlight=False, record=True, file=io.StringIO())
    console.print(studies_table([(study, leader)]))
    assert "1,234,567" in console.export_text()


def test_readers_load_nothing_heavy_and_write_nothing(database: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    commands = [[*command, *(["--storage", str(database)] if command[0] != "spaces" else [])] for command in READERS]
    code = (
        "import sys, contextlib, io\n"
        "from nas.cli.app import cli\n"
        f"for command in {commands!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        cli(command, standalone_mode=False)\n"
        "print([m for m in ('tensorflow', 'keras', 'keras_tuner', 'altair', 'optuna') if m in sys.modules])\n"
    )
    ran = spawn("-c", code, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]
    assert list(tmp_path.iterdir()) == []


def test_help_loads_hardly_anything(tmp_path: Path) -> None:
    heavy = ("tensorflow", "keras", "optuna", "sqlalchemy", "altair", "sklearn", "rich", "numpy")
    code = (
        "import sys\n"
        "from nas.cli.app import cli\n"
        "try: cli(['--help'])\n"
        f"finally: print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)\n"
    )
    ran = spawn("-c", code, cwd=tmp_path)
    assert ran.stderr == "[]\n"
    assert ran.returncode == 0


def test_report_does_not_load_keras(database: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from nas.cli.app import cli\n"
        f"cli(['report', 'digits', '--storage', {str(database)!r}], standalone_mode=False)\n"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])\n"
    )
    ran = spawn("-c", code, cwd=tmp_path)
    assert ran.stdout == "reports/digits.html\n[]\n", ran.stderr


def test_a_reader_that_has_left_is_no_error(database: Path, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        f"nas = subprocess.Popen([sys.executable, '-m', 'nas', 'show', 'digits', '1', '--json', '--storage', "
        f"{str(database)!r}], stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "nas.stdout.close()\n"
        "print(nas.stderr.read().decode(), end='')\n"
    )
    assert spawn("-c", code, cwd=tmp_path).stdout == ""


def test_no_colour_off_a_terminal_but_on_demand(database: Path, tmp_path: Path) -> None:
    command = ("-m", "nas", "list", "--storage", str(database))
    assert "\x1b" not in spawn(*command, cwd=tmp_path).stdout
    assert "\x1b[" in spawn(*command, cwd=tmp_path, FORCE_COLOR="1").stdout
    assert "\x1b[33m" not in spawn(*command, cwd=tmp_path, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_terminal_without_the_characters_gets_question_marks(database: Path, tmp_path: Path) -> None:
    command = ("-m", "nas", "show", "digits", "1", "--storage", str(database))
    ran = spawn(*command, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    assert "Curve  ???" in ran.stdout


def test_the_example_studies_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.study_file import read_study

    monkeypatch.setenv("NAS_DATA", "/somewhere")
    for path in (ROOT / "studies").glob("*.toml"):
        study, _ = read_study(path)
        assert study.name == path.stem
