from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import event

from nas.errors import NotFound
from nas.store import queries
from nas.store.engine import open_read_only, snapshot
from nas.store.lease import this_process
from nas.store.storage import StudyStorage

from .small import TRAINING, architecture, begin, hold, run_trial


def test_a_study_as_a_whole(any_url: str) -> None:
    begin(any_url, objectives=(("val_accuracy", "maximize"), ("macs", "minimize")))
    ledger = hold(any_url)
    engine = open_read_only(any_url)
    study = queries.study(engine, "digits")
    assert study.running == this_process()
    assert (study.objectives, study.directions) == (("val_accuracy", "macs"), ("maximize", "minimize"))
    assert (study.file, study.base, study.trials_budget, study.hours_budget) == (
        'name = "digits"',
        "/studies",
        10,
        None,
    )
    assert abs(study.created - datetime.now(UTC)) < timedelta(minutes=5)
    assert study.sessions[0].space_fingerprints == {"cnn": "ab" * 32}
    assert ledger.record == study
    ledger.close("budget used up")
    study = queries.study(engine, "digits")
    assert study.running is None
    assert study.sessions[0].ending == "budget used up"
    assert study.seconds >= 0
    engine.dispose()


def test_a_name_that_is_not_there_brings_the_nearest(any_url: str) -> None:
    begin(any_url, "digits")
    begin(any_url, "fashion")
    engine = open_read_only(any_url)
    with pytest.raises(NotFound, match=r"Did you mean 'digits'\? There are: fashion, digits"):
        queries.study(engine, "digit")
    with pytest.raises(NotFound, match=r"no trial 3.*none yet"):
        queries.trial(engine, 1, 3)
    assert [study.name for study in queries.studies(engine)] == ["digits", "fashion"]
    engine.dispose()


def test_a_trial_in_full(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    run_trial(ledger, [0.5, 0.75])
    ledger.event("slow", "It took its time.", trial=0)
    ledger.close("done")
    engine = open_read_only(any_url)
    detail = queries.trial(engine, 1, 0)
    assert detail.graph == architecture(0).graph
    assert detail.trial.cost == architecture(0).cost
    assert detail.trial.training == TRAINING
    assert [(epoch.step, epoch.value, epoch.seconds) for epoch in detail.epochs] == [(1, 0.5, 0.5), (2, 0.75, 0.5)]
    assert repr(detail.epochs[0].metrics) == "{'val_accuracy': 0.5, 'val_loss': nan}"
    (attempt,) = detail.attempts
    assert (attempt.number, attempt.worker, attempt.outcome) == (1, 4321, "complete")
    (told,) = queries.events(engine, 1)
    assert (told.kind, told.trial, told.session) == ("slow", 0, attempt.session)
    engine.dispose()


def test_curves_of_the_trials_asked_for(url: str) -> None:
    begin(url)
    ledger = hold(url)
    for _ in range(4):
        run_trial(ledger, [0.5])
    ledger.close("done")
    engine = open_read_only(url)
    assert queries.curves(engine, 1).keys() == {0, 1, 2, 3}
    assert queries.curves(engine, 1, [1, 3, 99]).keys() == {1, 3}
    assert queries.curves(engine, 1, range(1, 1000)).keys() == {1, 2, 3}
    assert queries.curves(engine, 1, []) == {}
    engine.dispose()


def test_params_mean_here_what_they_mean_to_optuna(any_url: str) -> None:
    study = optuna.create_study(storage=StudyStorage(any_url), study_name="s")
    for _ in range(5):
        trial = study.ask()
        trial.suggest_categorical("c", [None, True, 1, 1.5, "x", float("inf")])
        trial.suggest_int("i", 0, 100, step=5)
        trial.suggest_float("f", 0, 1, step=0.25)
        study.tell(trial, trial.number)
    engine = open_read_only(any_url)
    found = queries.trials(engine, queries.study(engine, "s").id)
    engine.dispose()
    for record, theirs in zip(found, study.trials, strict=True):
        assert repr(record.params) == repr(theirs.params)
        assert record.values == (record.number,)
        assert (record.outcome, record.fingerprint, record.training) == ("complete", None, {})


def test_the_number_of_statements_does_not_grow_with_the_trials(url: str) -> None:
    begin(url)
    ledger = hold(url)
    engine = open_read_only(url)
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *details: statements.append(details[2]))
    counts = []
    for _ in range(2):
        for _ in range(3):
            run_trial(ledger, [0.5])
        ledger.flush()
        statements.clear()
        queries.trials(engine, 1)
        counts.append(len([statement for statement in statements if statement.startswith("SELECT")]))
    assert counts == [3, 3]
    engine.dispose()
    ledger.close("done")


def test_a_reader_never_sees_half_a_trial(any_url: str) -> None:
    begin(any_url)
    engine = open_read_only(any_url)
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            with snapshot(engine) as connection:
                records = queries.trials(connection, 1)
                curves = queries.curves(connection, 1)
                counts = queries.study(connection, "digits").counts
            seen.append(len(records))
            assert counts["complete"] == len([record for record in records if record.outcome == "complete"])
            for record in records:
                assert record.epochs == len(curves.get(record.number, ()))
                assert record.outcome is None or (record.values, record.epochs, record.attempts) == ((0.5,), 3, 1)

    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            read()
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=guarded)
    reader.start()
    ledger = hold(any_url)
    for _ in range(15):
        run_trial(ledger, [0.1, 0.2, 0.5])
        ledger.flush()
    ledger.close("done")
    done.set()
    reader.join()
    assert not failures
    assert seen
    engine.dispose()


def test_a_trial_that_only_waits_has_no_outcome(url: str) -> None:
    begin(url)
    study = optuna.load_study(study_name="digits", storage=StudyStorage(url))
    study.enqueue_trial({"width": 8})
    engine = open_read_only(url)
    (record,) = queries.trials(engine, 1)
    assert (record.outcome, record.started) == (None, None)
    assert set(queries.study(engine, "digits").counts.values()) == {0}
    engine.dispose()
    assert study.trials[0].state == TrialState.WAITING
