"""Trainings outside the search, and looks at the test split: what is kept of them, and what is counted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from nas.conversation import Epoch
from nas.store import queries
from nas.store.engine import open_read_only
from nas.store.evaluation_records import EnsembleMember, EvaluationRecord, Interval, LookRecord
from nas.store.lease import this_process
from nas.store.ledger import Ledger
from nas.store.records import StudyRecord, spent, state, used_up

from .small import NAN, begin, hold, run_trial, session


def read(url: str, name: str = "digits") -> tuple[StudyRecord, list[EvaluationRecord], list[LookRecord]]:
    engine = open_read_only(url)
    study = queries.study(engine, name)
    found = study, queries.evaluations(engine, study.id), queries.looks(engine, study.id)
    engine.dispose()
    return found


def alike(a: object, b: object) -> bool:
    """Whether two records are the same, NaN being NaN."""
    return repr(a) == repr(b)


def race(ledger: Ledger, scores: list[float | None], *, trial: int = 0) -> None:
    """Trainings of a race that ended; a score of ``None`` is a failure."""
    for seed, score in enumerate(scores):
        number = ledger.evaluations.begin("race", trial, seed=seed, plan={"between": [0, 1]}, epochs=2).number
        ledger.evaluations.attempt(number)
        if score is None:
            ledger.evaluations.end(number, "failed", kind="oom", message="out of memory")
        else:
            ledger.evaluations.end(number, "complete", score=score)


def test_what_memory_says_is_what_the_database_says(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    evaluations = ledger.evaluations
    plan = {"between": [0, 3], "rate": NAN, "params": {"a": None, "b": True, "c": "\0"}}
    complete = evaluations.begin("race", 0, seed=1, plan=plan, epochs=3).number
    evaluations.attempt(complete)
    evaluations.epoch(complete, Epoch(1, {"val_accuracy": 0.5, "val_loss": NAN}, 0.5), 0.5)
    evaluations.epoch(complete, Epoch(2, {"val_accuracy": math.inf}, None), math.inf)
    evaluations.end(complete, "complete", score=0.75)
    failed = evaluations.begin("finetune", 3, seed=0, plan={}, epochs=9).number
    evaluations.end(failed, "failed", kind="nan", message="It\0 ended \ud800", traceback="Traceback …")
    evaluations.begin("race", 3, seed=0, plan={}, epochs=3)
    interval = Interval(0.9, 0.88, 0.92)
    evaluations.look(3, 1, 360, {"val_accuracy": interval, "val_loss": Interval(NAN, -math.inf, math.inf)})
    evaluations.look(None, None, 360, {}, (EnsembleMember(3, 1, 2), EnsembleMember(0, 2, 1)))
    ledger.close("done")
    _, stored, looks = read(any_url)
    kept = [evaluations.get(number) for number in range(3)]
    kept[1] = replace(kept[1], message="It� ended ?")  # what a database refuses
    assert alike(stored, kept)
    assert alike(looks, evaluations.looks)
    assert [record.number for record in evaluations.all("race")] == [0, 2]
    assert [record.number for record in evaluations.all("finetune")] == [1]
    again = hold(any_url)
    assert alike(again.evaluations.all("race"), [stored[0], stored[2]])
    assert alike(again.evaluations.looks, looks)
    again.close("done")


def test_one_that_never_had_a_score_has_none(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    ledger.evaluations.begin("race", 0, seed=0, plan={}, epochs=3)
    ledger.close("done")
    (stored,) = read(any_url)[1]
    assert math.isnan(stored.score)
    assert (stored.outcome, stored.kind, stored.message, stored.ended) == (None, None, None, None)
    assert (stored.curve, stored.attempts, stored.seconds) == ((), 0, 0.0)


def test_an_epoch_told_again_replaces_itself_and_what_came_after(url: str) -> None:
    begin(url)
    ledger = hold(url)
    number = ledger.evaluations.begin("race", 0, seed=0, plan={}, epochs=3).number
    for step, value in ((1, 0.1), (2, 0.2), (3, 0.3), (2, 0.25)):
        ledger.evaluations.epoch(number, Epoch(step, {}, 1.0), value)
    ledger.close("done")
    assert [(epoch.step, epoch.value) for epoch in read(url)[1][0].curve] == [(1, 0.1), (2, 0.25)]


def test_what_was_cut_short_waits_to_be_gone_on_with(any_url: str) -> None:
    """After kill -9: what was flushed is there without an outcome, what was not is not."""
    begin(any_url)
    gone = replace(session(), holder=replace(this_process(), process_started=-1.0))
    ledger = Ledger.open(any_url, "digits", gone)
    number = ledger.evaluations.begin("race", 0, seed=4, plan={"between": [0]}, epochs=3).number
    ledger.evaluations.attempt(number)
    ledger.evaluations.epoch(number, Epoch(1, {}, 1.0), 0.1)
    ledger.flush()
    ledger.evaluations.epoch(number, Epoch(2, {}, 1.0), 0.2)
    ledger._engine.dispose()  # dead
    ledger = hold(any_url)
    (record,) = ledger.evaluations.all("race")
    assert (record.outcome, record.seed, record.attempts) == (None, 4, 1)
    assert [epoch.step for epoch in record.curve] == [1]
    ledger.evaluations.attempt(number)
    ledger.evaluations.end(number, "complete", score=0.3)
    assert ledger.evaluations.begin("race", 0, seed=5, plan={}, epochs=3).number == 1
    ledger.close("done")
    study, stored, _ = read(any_url)
    assert [(one.outcome, one.attempts) for one in stored] == [("complete", 2), (None, 0)]
    assert study.raced == 1


def test_each_study_has_its_own_and_takes_them_along(any_url: str) -> None:
    from nas.store.storage import StudyStorage

    for name in ("digits", "other"):
        begin(any_url, name)
        ledger = hold(any_url, name)
        race(ledger, [0.5] if name == "digits" else [0.25, 0.125])
        ledger.evaluations.look(0, 0, 10, {})
        ledger.close("done")
    assert [record.score for record in read(any_url)[1]] == [0.5]
    assert [record.score for record in read(any_url, "other")[1]] == [0.25, 0.125]
    storage = StudyStorage(any_url)
    storage.delete_study(storage.get_study_id_from_name("other"))
    study, stored, looks = read(any_url)
    assert (study.raced, len(stored), len(looks)) == (1, 1, 1)
    begin(any_url, "other")
    assert read(any_url, "other")[1:] == ([], [])


def test_a_race_is_a_part_of_the_budget(any_url: str) -> None:
    begin(any_url)  # 10 trials
    ledger = hold(any_url)
    for _ in range(6):
        run_trial(ledger, [0.5])
    ledger.set_budget(10, None, 3)
    race(ledger, [0.5, None])
    ledger.evaluations.begin("finetune", 0, seed=0, plan={}, epochs=3)
    ledger.flush()

    def stands() -> tuple[int, int, tuple[str, ...]]:
        study = read(any_url)[0]
        return spent(study.counts), study.raced, used_up(study)

    assert stands() == (6, 2, ())
    run_trial(ledger, [0.5])
    ledger.flush()
    assert stands() == (7, 2, ())  # the race has one more
    race(ledger, [0.5], trial=1)
    ledger.flush()
    assert stands() == (7, 3, ("trials",))
    study = read(any_url)[0]
    assert (study.trials_budget, study.race_budget, study.search_budget) == (10, 3, 7)
    ledger.close("The budget is used up.")
    assert state(read(any_url)[0]) == "finished"


def test_a_study_of_before_there_were_races_has_none(any_url: str) -> None:
    begin(any_url)
    study = read(any_url)[0]
    assert (study.race_budget, study.raced, study.search_budget) == (0, 0, 10)


@pytest.mark.parametrize(
    ("endings", "finished"),
    [
        ([("nas launch a.toml", "The space is exhausted: nothing new."), ("nas race a", "The race is over.")], True),
        ([("nas launch a.toml", "The space is exhausted: nothing new."), ("nas finetune a", "Stopped.")], True),
        ([("nas launch a.toml", "The space is exhausted: nothing new."), ("nas resume a", "Stopped.")], False),
        ([("nas launch a.toml", "Stopped by Ctrl-C."), ("nas race a", "The race is over.")], False),
        ([("nas race a", "The race is over.")], False),
    ],
)
def test_what_was_trained_outside_the_search_leaves_its_state(
    url: str, endings: list[tuple[str, str]], finished: bool
) -> None:
    begin(url)
    for command, ending in endings:
        Ledger.open(url, "digits", session(command=command)).close(ending)
    assert state(read(url)[0]) == ("finished" if finished else "stopped")


def test_hours_are_used_up_when_nothing_more_fits_into_them(url: str) -> None:
    begin(url)
    ledger = hold(url)
    ledger.set_budget(None, 1.0)
    ledger.close("Stopped by Ctrl-C.")
    assert used_up(read(url)[0]) == ()
    hold(url).close("The budget is used up.")
    assert used_up(read(url)[0]) == ("hours",)
