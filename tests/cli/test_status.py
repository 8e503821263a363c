"""``status --watch``, and the pure functions under ``list`` and ``status``."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console

from nas.architecture import Cost, Latency
from nas.causes import causes
from nas.cli import standing
from nas.cli.output import Output
from nas.cli.status import _follow_live, follow, look
from nas.cli.trial_view import curve_table, sparkline
from nas.cli.views import age, tuned_line
from nas.ranking import Ranked
from nas.search.limits import over_limit
from nas.store.evaluation_records import EpochRecord, Interval, LookRecord
from nas.store.ledger import Ledger
from nas.store.records import StudyRecord, TrialRecord
from nas.study_file import LimitsSection
from tests.cli.conftest import Nas, train
from tests.report import samples


def counts(**given: int) -> dict[str, int]:
    return {"complete": 0, "pruned": 0, "failed": 0, "running": 0, "duplicate": 0, "rejected": 0} | given


def study(**changes: Any) -> StudyRecord:
    return samples.study(**{"trials_budget": 10, "hours_budget": None, "counts": counts()} | changes)


def test_seconds_left_go_by_the_pace_or_the_clock_whichever_is_sooner() -> None:
    running = study(running=samples.HOLDER, counts=counts(complete=4, running=2))  # 240 seconds so far
    assert standing.seconds_left(running) == pytest.approx(6 * 60)
    assert standing.seconds_left(replace(running, hours_budget=300 / 3600)) == pytest.approx(60)
    assert standing.seconds_left(replace(running, trials_budget=None)) is None
    assert standing.seconds_left(replace(running, running=None)) is None
    assert standing.seconds_left(replace(running, counts=counts(complete=1))) is None


def test_next_commands_fit_the_state() -> None:
    leader = samples.ranked(samples.trial(3))

    def first(record: StudyRecord) -> str:
        return standing.next_commands(record, leader)[0][0]

    assert first(study(running=samples.HOLDER)) == "nas status digits --watch"
    assert first(study()) == "nas resume digits"
    assert first(study(counts=counts(complete=10))) == "nas resume digits --trials 20"
    assert first(study(trials_budget=None, hours_budget=0.05)) == "nas resume digits --hours 0.1"
    assert first(study(hours_budget=0.05)) == "nas resume digits --hours 0.1"
    both = study(trials_budget=600_000, hours_budget=0.05, counts=counts(complete=600_000))
    assert first(both) == "nas resume digits --trials 1200000 --hours 0.1"
    assert first(study(file=None)) == "nas show digits 3"
    assert first(study(name="two words")) == "nas resume 'two words'"


def test_architectures_are_timed_when_no_worker_is_in_the_way() -> None:
    def commands(record: StudyRecord, leader: Ranked | None) -> list[str]:
        return [command for command, _ in standing.next_commands(record, leader)]

    leader, over = samples.ranked(samples.trial(3)), counts(complete=10)
    timed = "nas latency digits"
    assert commands(study(counts=over), leader)[1:] == [
        "nas race digits",
        "nas finetune digits",
        "nas show digits 3",
        "nas rank digits",
        timed,
        "nas report digits",
    ]
    assert timed not in commands(study(counts=over), None)
    assert timed not in commands(study(counts=over, file=None), leader), "it cannot be built again"
    assert timed not in commands(study(), leader)
    assert timed not in commands(study(running=samples.HOLDER), leader)


def test_who_is_to_be_used_is_fine_tuned_where_there_are_labels_to_measure_by() -> None:
    def commands(record: StudyRecord) -> list[str]:
        return [command for command, _ in standing.next_commands(record, samples.ranked(samples.trial(3)))]

    over = counts(complete=10)
    for kind, told in (("classification", True), ("regression", True), ("simclr", False), ("no_such_task", False)):
        found = commands(study(counts=over, file=f'[task]\nkind = "{kind}"'))
        assert ("nas finetune digits" in found) == told, kind
    assert "nas finetune digits" not in commands(study())
    assert "nas finetune digits" not in commands(study(counts=over, file=None))


def test_what_a_study_was_fine_tuned_to_is_a_line() -> None:
    best = replace(samples.fresh(7, 3, 0.9757, [3]), purpose="finetune")
    look = LookRecord(0, 3, 7, best.started, 360, {"val_accuracy": Interval(0.9694, 0.9526, 0.9861)})
    line = tuned_line(standing.FineTuned(14, best, look, 2), "val_accuracy")
    assert line == "14 trainings · val_accuracy 0.9757 (trial 3) · test 0.9694 (0.9526–0.9861, look 2)"
    line = tuned_line(standing.FineTuned(1, best, None, 0), "val_accuracy")
    assert line == "1 training · val_accuracy 0.9757 (trial 3) · not measured on the test split yet"
    assert tuned_line(standing.FineTuned(2, None, None, 0), "val_accuracy").startswith("2 trainings · not measured")


def test_of_equally_good_fine_tuned_ones_the_better_ranked_is_told(running: tuple[Path, Ledger]) -> None:
    path, ledger = running
    for trial in (2, 1):  # the second one ranks first
        record = ledger.evaluations.begin("finetune", trial, seed=0, plan={}, epochs=1)
        ledger.evaluations.end(record.number, "complete", score=0.9)
    ledger.flush()
    found = look(str(path), "digits")[0].tuned
    assert found is not None
    assert found.best is not None
    assert found.best.trial == 1


def test_candidates_over_one_limit_are_one_cause() -> None:
    def rejected(number: int, message: str, **changes: Any) -> TrialRecord:
        return samples.trial(number, outcome="failed", kind="rejected", message=message, **changes)

    heavy, both = "271,762 weights, 200,000 allowed (limits.weights)", "; 9,000,000 macs, 5,000 allowed (limits.macs)"
    trials = [
        samples.trial(0, outcome="failed", kind="nan", message="The loss became NaN in epoch 2."),
        rejected(1, heavy),
        rejected(2, heavy.replace("271,762", "1,000,000")),
        rejected(3, heavy + both),
        rejected(4, heavy, duplicate_of=1),
    ]
    assert causes(trials) == [
        ("rejected", "271,762 to 1,000,000 weights, 200,000 allowed (limits.weights)", 2),
        ("nan", "The loss became NaN in epoch 2.", 1),
        ("rejected", heavy + both, 1),
    ]


@pytest.mark.parametrize(
    ("limits", "costs", "cause"),
    [
        (
            LimitsSection(memory=1000),
            [Cost(memory=1234), Cost(memory=99_000)],
            "1,234 to 99,000 bytes of memory, 1,000 allowed",
        ),
        (LimitsSection(latency_ms=1.5), [Cost(), Cost()], "12.3 to 1.23e+03 ms, 1.5 allowed"),
    ],
)
def test_so_are_those_whose_units_are_several_words_or_whose_numbers_are_no_integers(
    limits: LimitsSection, costs: list[Cost], cause: str
) -> None:
    slow = [Latency(1, 1, 30, 12.34, 13.0), Latency(1, 1, 30, 1234.5, 1300.0)]
    asked = optuna.create_study()
    messages = [over_limit(asked.ask(), *each) for each in zip(costs, [limits] * 2, slow, strict=True)]
    assert len(set(messages)) == 2
    trials = [
        samples.trial(number, outcome="failed", kind="rejected", message=message)
        for number, message in enumerate(messages)
    ]
    ((_, told, number),) = causes(trials)
    assert (told.partition(" (")[0], number) == (cause, 2)


def test_ages_and_sparklines() -> None:
    ages = [age(samples.NOW - timedelta(seconds=seconds), samples.NOW) for seconds in (-5, 59, 60, 7200, 86400 * 3)]
    assert ages == ["0 s", "59 s", "1 min", "2 h", "3 d"]
    assert sparkline([0.5, 0.5]) == "▁▁"
    assert sparkline([0.0, float("nan"), 1.0, float("inf")]) == "▁?█?"
    assert sparkline([]) == ""


def test_watch_says_a_line_for_each_change_and_ends_with_the_study(
    running: tuple[Path, Ledger], capsys: pytest.CaptureFixture[str]
) -> None:
    path, ledger = running
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: None,
        lambda: (train(ledger, "ab", [0.1]), ledger.flush()),
        lambda: ledger.close("The budget is used up."),
    ]

    def take_a_look() -> Any:
        steps.pop(0)()
        return look(str(path), "digits")[0]

    follow(Output(), take_a_look, every=0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[1] for line in lines] == ["running", "running", "stopped"]
    assert ["1 running" in lines[0], "2 running" in lines[1], "2 interrupted" in lines[2]] == [True] * 3
    assert steps == []


def test_watch_on_a_terminal_shows_the_last_state(running: tuple[Path, Ledger]) -> None:
    path, ledger = running
    looks = [look(str(path), "digits")[0]]
    ledger.close("Stopped by Ctrl-C.")
    looks.append(look(str(path), "digits")[0])
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, markup=False)
    _follow_live(console, lambda: looks.pop(0), 0, verbose=False)
    assert "run by" in screen.getvalue()
    assert "Stopped by Ctrl-C." in screen.getvalue()
    assert looks == []


def test_watching_what_nobody_runs_ends_at_once(nas: Nas, database: Path) -> None:
    result = nas("status", "digits", "--watch", storage=database)
    assert result.exit_code == 0
    assert result.stdout.startswith("digits | stopped | 5 of 8: 3 complete")


def test_readers_do_not_wait_for_a_writer(running: tuple[Path, Ledger], nas: Nas) -> None:
    path, ledger = running
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            look(str(path), "digits")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for step in range(20):
            train(ledger, f"{step:02x}", [0.5])
            ledger.flush()
    finally:
        stop.set()
        reader.join()
    assert nas("status", "digits", storage=path).exit_code == 0


@pytest.mark.parametrize(("width", "verbose"), [(80, False), (40, False), (20, False), (80, True)])
def test_the_objective_is_the_last_metric_of_a_curve_to_be_left_out(width: int, verbose: bool) -> None:
    names = ("loss", "accuracy", "balanced_accuracy", "macro_f1")
    every = dict.fromkeys((*names, *(f"val_{name}" for name in names)), 0.25) | {"val_accuracy": 0.9123}
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(curve_table([EpochRecord(1, 0.9123, every, 1.0)], None, ["val_accuracy"], verbose), crop=False)
    text = console.export_text()
    assert "0.9123" in text
    assert text.count("0.2500") == {80: 4, 40: 1, 20: 0}[width] if not verbose else 7


def test_what_one_trial_was_fine_tuned_to_is_shown_with_it(nas: Nas, running: tuple[Path, Ledger]) -> None:
    path, ledger = running
    numbers = [ledger.evaluations.begin("finetune", 1, seed=seed, plan={}, epochs=1).number for seed in (0, 1)]
    for number, score in zip(numbers, (0.98, 0.97), strict=True):
        ledger.evaluations.end(number, "complete", score=score)
    ledger.flush()
    shown = " ".join(nas("show", "digits", "1", storage=path).stdout.split())
    assert "fine-tuned 2 trainings · val_accuracy 0.9800 · not measured on the test split yet" in shown
    ledger.evaluations.look(1, numbers[0], 360, {"val_accuracy": Interval(0.9694, 0.9526, 0.9861)})
    ledger.flush()
    shown = " ".join(nas("show", "digits", "1", storage=path).stdout.split())
    assert "val_accuracy 0.9800 · test 0.9694 (0.9526–0.9861)" in shown
    assert "fine-tuned" not in nas("show", "digits", "0", storage=path).stdout
