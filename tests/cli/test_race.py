"""``nas race`` before anything slow begins, and what the reading commands say of a race."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from optuna.trial import TrialState
from rich.console import Console

from nas import ranking
from nas.architecture import Cost
from nas.cli import standing
from nas.cli.trust_view import trust_lines
from nas.cli.views import ranking_table
from nas.ranking import Ranked, Trust
from nas.store.engine import storage_url
from nas.store.ledger import Ledger
from nas.store.storage import load_study
from tests.cli.conftest import FILE, Nas, create, new_session, spawn, train
from tests.report import samples

TRUST = Trust(0.9876, 0.9812, 0.9940, 3, 0.4321, True)


def told(result: Result) -> str:
    """What a person reads, without the lines' ends."""
    return " ".join((result.stdout + result.stderr).split())


# ------------------------------------------------------------------------------------------- nas race


def test_a_race_of_what_is_not_there(nas: Nas, database: Path) -> None:
    result = nas("race", "digit", storage=database)
    assert result.exit_code == 3
    assert "No study is named 'digit'. Did you mean 'digits'?" in told(result)


def test_a_race_of_what_runs(nas: Nas, running: tuple[Path, Ledger]) -> None:
    result = nas("race", "digits", storage=running[0])
    assert result.exit_code == 4
    assert "digits" in told(result)


@pytest.mark.parametrize("complete", [0, 1])
def test_a_race_needs_two(nas: Nas, tmp_path: Path, complete: int) -> None:
    path = tmp_path / "nas.db"
    create(storage_url(str(path)), "digits")
    ledger = Ledger.open(storage_url(str(path)), "digits", new_session())
    for value in (0.9, 0.91)[: 2 * complete]:  # one architecture, trained twice
        trial = train(ledger, "aa", [value])
        ledger.finish(trial, state=TrialState.COMPLETE, values=[value], outcome="complete", metrics={})
    ledger.close("Stopped by Ctrl-C.")
    result = nas("race", "digits", storage=path)
    assert result.exit_code == 2
    assert f"two architectures at least that were trained to the end, and 'digits' has {complete or 'none'}." in told(
        result
    )
    assert "`nas status digits --storage nas.db` says how it stands." in told(result)
    assert len(json.loads(nas("show", "digits", "--json", storage=path).stdout)["overview"]["sessions"]) == 1


def test_a_race_of_a_study_without_a_file(nas: Nas, tmp_path: Path) -> None:
    import optuna

    from nas.store.storage import StudyStorage

    path = tmp_path / "nas.db"
    optuna.create_study(storage=StudyStorage(storage_url(str(path))), study_name="plain")
    assert load_study("plain", str(path)).trials == []
    result = nas("race", "plain", storage=path)
    assert result.exit_code == 2
    assert "was not launched from a study file" in told(result)


def test_a_total_includes_the_race_but_not_what_was_raced_beside_it(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    path, _ = raced
    ledger = Ledger.open(storage_url(str(path)), "digits", new_session("nas race digits"))
    number = ledger.evaluations.begin("race", 2, seed=2, plan={"between": [1, 2]}, epochs=3).number
    ledger.evaluations.end(number, "complete", score=0.93)
    ledger.close("The race is over.")
    result = nas("resume", "digits", "--trials", "9", storage=path)
    assert result.exit_code == 2
    assert "--trials 9 is a total, and 'digits' has begun 10 trials already." in told(result)


def test_the_help_of_a_race_says_what_it_is_for(nas: Nas) -> None:
    text = told(nas("race", "--help"))
    assert "Train the best architectures of a study again, with new seeds." in text
    assert "beside those of earlier races" in text
    assert "nas race digits --trainings 40 --top 20" in text
    assert "race" in nas("--help").stdout


# ------------------------------------------------------------------------------------------- nas rank


def test_before_a_race_it_is_said_how_to_race(nas: Nas, database: Path) -> None:
    result = nas("rank", "digits", storage=database)
    assert "Estimate" not in result.stdout
    race = f"`nas race digits --storage {database}`"
    assert f"{race} trains the best again with new seeds. 1 pruned trial left out." in told(result)
    document = json.loads(nas("rank", "digits", "--json", storage=database).stdout)
    assert [entry["trust"] for entry in document["ranking"]] == [None, None]
    assert document["reliability"]["seed_sigma"] is None


def test_a_race_that_is_to_come_need_not_be_asked_for() -> None:
    entries = [samples.ranked(samples.trial(number), number + 1) for number in range(2)]
    study = samples.study(race_budget=9, sessions=(samples.session(ending="Stopped by Ctrl-C."),), hours_budget=None)
    assert "The race at the end of the study trains the best again" in trust_lines(entries, study, None)[0]
    assert "`nas race digits` trains" in trust_lines(entries, replace(study, race_budget=0), None)[0]
    assert trust_lines(entries[:1], study, None) == ["The score is that of one training with one seed."]
    assert trust_lines([], study, None) == []


@pytest.mark.parametrize("columns", [80, 120])
def test_a_ranking_after_a_race(
    nas: Nas, raced: tuple[Path, Ledger], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = nas("rank", "digits", storage=raced[0])
    header, first, second, third = result.stdout.splitlines()
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= columns
    assert "…" not in result.stdout
    chance = ["P(best)"] if columns == 120 else []
    assert header.split()[:8] == ["#", "Estimate", "95", "%", "Seeds", *chance, "Search", "Trial", "Family"][:8]
    assert first.split()[0] == "1="
    assert first.split()[3] == "2"
    assert "0.9300" in first  # the search's score of the one that is ahead now
    assert {second.split()[3], third.split()[3]} == {"0", "2"}
    text = told(result)
    assert "Estimates of val_accuracy are what many trainings would average to; one training scatters" in text
    assert "nas race" not in text


def test_the_document_of_a_ranking_says_how_far_to_trust_it(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    document = json.loads(nas("rank", "digits", "--json", storage=raced[0]).stdout)
    first, *others = document["ranking"]
    assert document["reliability"]["seed_sigma"] > 0
    assert first["best"]["number"] == 2
    assert first["values"] == [0.93]
    assert first["trust"]["low"] < first["trust"]["estimate"] < first["trust"]["high"]
    assert (first["trust"]["seeds"], first["trust"]["failed"], first["trust"]["tied"]) == (2, 0, True)
    unraced = next(entry["trust"] for entry in others if entry["best"]["number"] == 7)
    assert (unraced["seeds"], unraced["p_best"], unraced["tied"]) == (0, None, None)


def test_whoever_failed_in_the_race_is_last_and_the_reason_is_shown(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    path, _ = raced
    ledger = Ledger.open(storage_url(str(path)), "digits", new_session("nas race digits"))
    number = ledger.evaluations.begin("race", 2, seed=2, plan={"between": [1, 2]}, epochs=3).number
    ledger.evaluations.end(number, "failed", kind="oom", message="out of memory [red]")
    ledger.close("The race is over.")
    last = nas("rank", "digits", storage=path).stdout.splitlines()[-1]
    assert last.split()[:5] == ["3", "failed", "2", "0.9300", "2"]
    document = json.loads(nas("rank", "digits", "--json", storage=path).stdout)
    assert document["ranking"][-1]["trust"]["estimate"] is None
    shown = told(nas("show", "digits", "2", storage=path))
    assert "race 0.9250, 0.9350 with new seeds; 1 failed (oom: out of memory [red])" in shown
    assert "race" not in told(nas("show", "digits", "0", storage=path)).split()
    assert json.loads(nas("status", "digits", "--json", storage=path).stdout)["studies"][0]["raced"] == 5


def _table(width: int, *objectives: str, verbose: bool = False) -> str:
    values = {"val_accuracy": 0.8765, "latency_ms": 12.3456, "weights": 1_234_567.0}
    trial = samples.trial(
        4321,
        values=tuple(values[objective] for objective in objectives),
        family="models.py:MyResidualNetwork",
        cost=Cost(1_234_567, 98_700_000, None),
        fingerprint="fedcba98" * 8,
    )
    console = Console(width=width, markup=False, highlight=False, record=True, file=io.StringIO())
    console.print(ranking_table([Ranked(17, 9, trial, (4321,), TRUST)], objectives, verbose), crop=False)
    return console.export_text()


@pytest.mark.parametrize("objectives", [("val_accuracy",), ("val_accuracy", "latency_ms"), ("val_accuracy", "weights")])
@pytest.mark.parametrize("width", [120, 80, 60])
def test_every_number_is_whole_at_any_width(width: int, objectives: tuple[str, ...]) -> None:
    text = _table(width, *objectives)
    second = {"latency_ms": "12.3456", "weights": "1,234,567", "val_accuracy": "0.9876"}[objectives[-1]]
    for number in ("17=", "0.9876", "0.9812–0.9940", " 3 ", " 4321 ", second):
        assert number in text
    assert "…" not in text
    assert ("0.8765" in text and "98.7 M" in text) or width < 120 or "latency_ms" in objectives
    if width >= 80:
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_verbose_leaves_out_no_column_after_a_race(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    text = _table(60, "val_accuracy", verbose=True)
    assert "fedcba98" in text
    assert "98.7 M" in text
    assert "-v shows: --architecture F" in nas("rank", "digits", storage=raced[0]).stderr
    ran = nas("rank", "digits", "-v", storage=raced[0])
    assert "-v shows" not in ran.stderr
    assert "aaaaaaaa" in ran.stdout


def test_the_one_with_the_fewest_macs_of_those_that_are_as_good_is_named() -> None:
    def entry(place: int, macs: int | None, tied: bool) -> Ranked:
        trial = samples.trial(10 + place, cost=Cost(1, macs, 1))
        return samples.ranked(trial, place, trust=replace(TRUST, tied=tied))

    study = samples.study()
    trials = [samples.trial(number, values=(0.9 + number / 1000,)) for number in range(20)]
    known = ranking.raced(trials, samples.race({11: [0.9], 12: [0.9]}), "maximize")
    entries = [entry(1, None, True), entry(2, 900, True), entry(3, 500, True), entry(4, 1, False)]
    assert trust_lines(entries, study, known)[1] == (
        "The 3 marked = cannot be told apart; trial 13 (place 3) has the fewest MACs."
    )
    assert len(trust_lines([entry(1, 5, True), entry(2, 1, False)], study, known)) == 1
    nobody_knows = [entry(1, None, True), entry(2, None, True)]
    assert trust_lines(nobody_knows, study, known)[1] == "The 2 marked = cannot be told apart."


# ------------------------------------------------------------------------------------------- the others


def test_a_study_with_a_race_is_shown_with_it(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    path, _ = raced
    for command in (("status", "digits"), ("show", "digits")):
        shown = nas(*command, storage=path).stdout
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
        text = " ".join(shown.split())
        assert text.startswith("digits finished")
        assert "trials 6 of 6: 4 complete" in text
        assert "race 4 of 4 trainings with new seeds" in text
        assert "best val_accuracy 0.9" in text
        assert "–0.9" in text  # an interval
        assert "in one training" not in text
    (line,) = nas("list", storage=path).stdout.splitlines()[1:]
    assert line.split()[:3] == ["digits", "finished", "6/6"]
    assert "race 4 of 4 trainings" in nas("status", "digits", "--watch", storage=path).stdout
    (document,) = json.loads(nas("status", "digits", "--json", storage=path).stdout)["studies"]
    assert document["budget"] == {"trials": 10, "hours": None, "race": 4}
    assert document["raced"] == 4
    assert document["trust"]["seeds"] == 2
    assert document["best"]["number"] == 2


def test_a_key_means_the_same_in_every_document_after_a_race(nas: Nas, raced: tuple[Path, Ledger]) -> None:
    from tests.cli.test_reading import READERS, _document, _meanings

    found: dict[str, set[type]] = {}
    for command in [*READERS, ("show", "digits", "2")]:
        where = None if command[0] == "spaces" else raced[0]
        _meanings(_document(nas(*command, "--json", storage=where).stdout), found)
    numbers = {key for key, types in found.items() if types == {int, float}}
    assert {key: types for key, types in found.items() if len(types) > 1 and key not in numbers} == {}


def test_a_race_counts_in_how_long_it_still_takes() -> None:
    counts = {"complete": 6, "pruned": 0, "failed": 0, "running": 0, "duplicate": 0, "rejected": 0}
    study = samples.study(
        trials_budget=10, hours_budget=None, running=samples.HOLDER, counts=counts, race_budget=4, raced=2
    )  # 240 seconds so far
    assert standing.seconds_left(study) == pytest.approx(2 * 30)
    assert standing.seconds_left(replace(study, raced=20)) == 0.0  # of `nas race`, beside the budget


def test_a_race_is_offered_where_there_was_none() -> None:
    counts = {"complete": 10, "pruned": 0, "failed": 0, "running": 0, "duplicate": 0, "rejected": 0}
    study = samples.study(trials_budget=10, hours_budget=None, counts=counts)
    leader = samples.ranked(samples.trial(3))

    def commands(**changes: Any) -> list[str]:
        given = {"study": study, "leader": leader} | changes
        return [command for command, _ in standing.next_commands(given["study"], given["leader"])]

    assert "nas race digits" in commands()
    assert "nas race digits" not in commands(leader=replace(leader, trust=TRUST))
    assert "nas race digits" not in commands(study=replace(study, file=None))
    assert "nas race digits" not in commands(study=replace(study, counts=counts | {"complete": 1}))
    assert "nas race digits" not in commands(study=replace(study, trials_budget=20))


@pytest.mark.tf
def test_a_small_study_is_launched_raced_and_ranked(tmp_path: Path) -> None:
    study = (
        FILE.replace("trials = 48", "trials = 6")
        .replace("epochs = 12", "epochs = 1")
        .replace('["cnn", "resnet", "vit"]', '["cnn"]')
    )
    (tmp_path / "digits.toml").write_text(f"{study}\n[race]\nshare = 0.5\n")
    launched = spawn("-m", "nas", "launch", "digits.toml", cwd=tmp_path)
    assert launched.returncode == 0, launched.stderr
    assert "race      3 of 3 trainings with new seeds" in launched.stdout
    assert "Race: 3 trainings with new seeds, between " in launched.stderr
    assert "race 2: 0." in launched.stderr
    document = json.loads(spawn("-m", "nas", "rank", "digits", "--json", cwd=tmp_path).stdout)
    assert document["reliability"]["seed_sigma"] > 0
    assert sum(entry["trust"]["seeds"] for entry in document["ranking"]) == 3
    raced = spawn("-m", "nas", "race", "digits", "--trainings", "1", "--json", "-q", cwd=tmp_path)
    assert (raced.returncode, raced.stderr) == (0, "")
    assert json.loads(raced.stdout)["message"] == "The race is over."
    shown = json.loads(spawn("-m", "nas", "status", "--json", cwd=tmp_path).stdout)
    assert (shown["studies"][0]["state"], shown["studies"][0]["raced"]) == ("finished", 4)
    assert not list((tmp_path / "studies").rglob("evaluation-*"))
