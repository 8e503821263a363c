from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import delete, event, text

from nas.conversation import Epoch
from nas.errors import NotFound, StorageError, StudyExists, StudyRunning
from nas.store import models, queries
from nas.store.engine import open_for_writing, open_read_only, storage_url
from nas.store.ledger import Ledger
from nas.store.records import TrialRecord
from nas.store.storage import StudyStorage, load_study

from .small import NAN, TRAINING, architecture, begin, hold, run_trial


def stored(url: str, name: str = "digits") -> list[TrialRecord]:
    engine = open_read_only(url)
    found = queries.trials(engine, queries.study(engine, name).id)
    engine.dispose()
    return found


def alike(a: object, b: object) -> bool:
    """Whether two records are the same, NaN being NaN."""
    return repr(a) == repr(b)


def test_a_name_is_taken_once(any_url: str) -> None:
    begin(any_url)
    with pytest.raises(StudyExists, match="nas resume digits"):
        begin(any_url)


def test_a_study_that_is_not_there_is_not_opened(url: str) -> None:
    with pytest.raises(NotFound, match="no database"):
        hold(url)
    begin(url)
    with pytest.raises(NotFound, match="Did you mean 'digits'"):
        hold(url, "digit")


def test_what_memory_says_is_what_the_database_says(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    ids = [run_trial(ledger, [0.5, NAN, 0.75]), run_trial(ledger, [0.25], finished=False)]
    ids.append(run_trial(ledger, [0.1, 0.2], finished=False))
    ledger.finish(ids[2], state=TrialState.PRUNED, values=None, outcome="pruned", message="asha", metrics={})
    ids.append(ledger.study.ask()._trial_id)
    ledger.finish(
        ids[3], state=TrialState.PRUNED, values=None, outcome="failed", kind="rejected", message="too big", metrics={}
    )
    ids.append(ledger.study.ask()._trial_id)
    ledger.built(ids[4], architecture=architecture(0), training=TRAINING, duplicate_of=0)
    ledger.finish(ids[4], state=TrialState.COMPLETE, values=[math.inf], outcome="complete", metrics={})
    ids.append(ledger.study.ask()._trial_id)
    ledger.finish(
        ids[5],
        state=TrialState.FAIL,
        values=None,
        outcome="failed",
        kind="crash",
        traceback="odd \0 \ud800",
        metrics={},
    )
    remembered = [ledger.trial_record(id) for id in ids[:5]]
    counts = ledger.counts()
    ledger.flush()

    found = stored(any_url)
    assert alike(found[:5], remembered)
    assert found[0].metrics["latency_ms"] == 1.25
    assert found[0].seconds == 1.5
    assert found[0].architecture.keys() == {"activation", "width"}
    assert found[2].values == (0.2,)
    assert found[5].traceback == "odd \N{REPLACEMENT CHARACTER} ?"
    assert counts == {"complete": 1, "pruned": 1, "failed": 1, "running": 1, "duplicate": 1, "rejected": 1}
    assert sum(counts.values()) == len(ids)
    engine = open_read_only(any_url)
    assert queries.study(engine, "digits").counts == counts
    engine.dispose()

    ledger.close("interrupted")
    again = hold(any_url)
    assert alike([again.trial_record(id) for id in ids[:5]], remembered)
    assert again.counts() == counts
    assert [trial.number for trial in again.unfinished()] == [1]
    again.close("done")


def test_a_twin_is_the_first_with_that_architecture_and_those_training_choices(url: str) -> None:
    begin(url)
    ledger = hold(url)
    for training in (None, {"rate": 1}, {"rate": 1.0}, {"rate": 1}):
        id = ledger.study.ask()._trial_id
        ledger.built(id, architecture=architecture(5), training=training, duplicate_of=None)
    for _ in range(2):
        fingerprint = architecture(5).fingerprint
        assert ledger.twin(fingerprint, {"rate": 1}) == 1
        assert ledger.twin(fingerprint, {"rate": 1.0}) == 2
        assert ledger.twin(fingerprint, {}) is None
        assert ledger.twin(architecture(6).fingerprint, {"rate": 1}) is None
        ledger.close("done")
        ledger = hold(url)
    ledger.close("done")


def test_an_epoch_told_twice_counts_once(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    id = run_trial(ledger, [0.5], finished=False)
    ledger.flush()
    ledger.epoch(id, Epoch(1, {"val_accuracy": 0.75}, 3.0, replayed=True), 0.75)
    ledger.flush()
    (record,) = stored(any_url)
    assert (record.epochs, record.seconds, record.metrics) == (1, 3.0, {"val_accuracy": 0.75})
    ledger.close("done")


def test_a_trial_takes_two_transactions(url: str) -> None:
    begin(url)
    ledger = hold(url)
    commits = []
    event.listen(ledger._engine, "commit", commits.append)
    run_trial(ledger, [0.5] * 10)
    ledger.flush()
    ledger.flush()
    assert len(commits) == 2
    ledger.close("done")


def test_a_flush_that_fails_forgets_nothing(url: str) -> None:
    begin(url)
    ledger = hold(url)
    pages = limit_pages(ledger, None)
    for _ in range(3):
        run_trial(ledger, [0.5] * 50, finished=False)
        limit_pages(ledger, None)
    id = ledger.unfinished()[0]._trial_id
    for step in range(51, 400):
        ledger.epoch(id, Epoch(step, {"val_accuracy": 0.5, "val_loss": 1.0}, 1.0), 0.5)
    limit_pages(ledger, pages)
    with pytest.raises(StorageError, match="no space left"):
        ledger.flush()
    with pytest.raises(StorageError, match="no space left"):
        ledger.study.ask()
    assert len(ledger.study.get_trials(deepcopy=False)) == 3
    assert stored(url)[0].epochs == 50
    limit_pages(ledger, 1_000_000)
    ledger.flush()
    assert stored(url)[0].epochs == 399
    assert ledger.study.ask().number == 3
    ledger.close("done")


def limit_pages(ledger: Ledger, pages: int | None) -> int:
    """Make the disk full at so many pages (at as many as there are: 1), and return how many there are."""
    with ledger._engine.begin() as connection:
        if pages is not None:
            connection.execute(text(f"PRAGMA max_page_count={pages}"))
        return int(connection.execute(text("PRAGMA page_count")).scalar_one())


def test_two_studies_run_on_one_database(any_url: str) -> None:
    begin(any_url, "one")
    begin(any_url, "two")
    one, two = hold(any_url, "one"), hold(any_url, "two")
    ids = [run_trial(ledger, [0.5]) for ledger in (one, two, two, one)]
    one.close("done")
    two.close("done")
    assert len(set(ids)) == 4
    assert [record.number for record in stored(any_url, "two")] == [0, 1]


def test_a_held_study_is_read_but_not_changed_by_others(url: str) -> None:
    begin(url)
    ledger = hold(url)
    id = run_trial(ledger, [0.5], finished=False)
    ledger.flush()
    study = load_study("digits", url)
    assert study.trials[0].intermediate_values == {1: 0.5}
    with pytest.raises(StudyRunning):
        study.enqueue_trial({})
    with pytest.raises(StudyRunning):
        study.tell(0, 1.0)
    with pytest.raises(StudyRunning):
        optuna.delete_study(study_name="digits", storage=StudyStorage(url))
    ledger.finish(id, state=TrialState.COMPLETE, values=[1.0], outcome="complete", metrics={})
    ledger.close("done")
    study.enqueue_trial({"width": 16})
    again = hold(url)
    assert again.study.ask().suggest_int("width", 8, 64, log=True) == 16
    again.close("done")


def test_who_held_a_study_that_is_deleted_is_told_so(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    engine = open_for_writing(any_url)
    with engine.begin() as connection:  # as if from a host that takes this one for dead
        connection.execute(delete(models.Study))
    engine.dispose()
    with pytest.raises(NotFound, match="'digits' was deleted while it ran"):
        ledger.renew()
    ledger._engine.dispose()


def test_budget_and_data_are_saved_at_once(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    ledger.set_budget(None, 2.5)
    ledger.set_data({"classes": 10, "mean": [NAN]})
    engine = open_read_only(any_url)
    study = queries.study(engine, "digits")
    engine.dispose()
    assert (study.trials_budget, study.hours_budget) == (None, 2.5)
    assert alike(study.data, {"classes": 10, "mean": [NAN]})
    assert study.running is not None
    ledger.close("done")
    ledger.close("twice")


def test_the_last_reported_value_is_a_pruned_trials_only_with_one_objective(url: str) -> None:
    begin(url, objectives=(("val_accuracy", "maximize"), ("macs", "minimize")))
    ledger = hold(url)
    id = run_trial(ledger, [0.1, 0.2], finished=False)
    ledger.finish(id, state=TrialState.PRUNED, values=None, outcome="pruned", metrics={})
    assert ledger.get_trial(id).values is None
    assert ledger.trial_record(id).values == (0.2,)
    ledger.flush()
    assert stored(url)[0].values == (0.2,)
    ledger.close("done")


def test_nothing_flushed_is_lost_to_a_kill(any_url: str) -> None:
    begin(any_url)
    script = """
import sys
from tests.store.small import hold, run_trial
ledger = hold(sys.argv[1])
while True:
    run_trial(ledger, [0.25, 0.5])
    ledger.flush()
    print(len(ledger.study.get_trials(deepcopy=False)), flush=True)
    run_trial(ledger, [0.25] * 30, finished=False)
    ledger.epoch(ledger.unfinished()[-1]._trial_id, __import__("nas").conversation.Epoch(31, {}, 0.0), 0.0)
"""
    process = subprocess.Popen([sys.executable, "-c", script, any_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    flushed = 0
    while flushed < 9:
        flushed = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = [int(line) for line in process.communicate()[0].split()] or [flushed]
    records = stored(any_url)
    assert len(records) >= acknowledged[-1]
    for record in records[: acknowledged[-1] : 2]:
        assert (record.outcome, record.values, record.epochs, record.attempts) == ("complete", (0.5,), 2, 1)
    heir = hold(any_url)  # the lease of the dead one
    heir.close("done")


class LedgerAgainstOptuna(RuleBasedStateMachine):
    """Any sequence of asks, suggestions, reports and tells leaves what an in-memory Optuna study would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = storage_url(str(Path(self.folder.name) / "nas.db"))
        begin(self.url, "s")
        self.ledger = hold(self.url, "s")
        self.model = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
        self.running: list[tuple[optuna.Trial, optuna.Trial]] = []

    def pick(self, which: int) -> tuple[optuna.Trial, optuna.Trial]:
        return self.running[which % len(self.running)]

    @rule()
    def ask(self) -> None:
        self.running.append((self.ledger.study.ask(), self.model.ask()))

    @rule(x=st.floats(0, 1))
    def enqueue(self, x: float) -> None:
        for study in (self.ledger.study, self.model):
            study.enqueue_trial({"x": x}, user_attrs={"from": [x, None]})

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0), name=st.sampled_from(["x", "y"]))
    def suggest(self, which: int, name: str) -> None:
        ours, theirs = self.pick(which)
        if name == "x":
            value = ours.suggest_float("x", 0, 1)
            self.copy_param(theirs, "x", value)
        else:
            choices = [None, True, 1.5, "nan"]
            self.copy_param(theirs, "y", ours.suggest_categorical("y", choices))

    def copy_param(self, trial: optuna.Trial, name: str, value: Any) -> None:
        distribution = self.ledger.get_trial(self.ours_of(trial)).distributions[name]
        self.model._storage.set_trial_param(trial._trial_id, name, distribution.to_internal_repr(value), distribution)

    def ours_of(self, trial: optuna.Trial) -> int:
        return next(ours._trial_id for ours, theirs in self.running if theirs is trial)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0), step=st.integers(0, 5), value=st.floats())
    def report(self, which: int, step: int, value: float) -> None:
        for trial in self.pick(which):
            trial.storage.set_trial_intermediate_value(trial._trial_id, step, value)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0), key=st.sampled_from("ab"), value=st.none() | st.text() | st.floats())
    def attribute(self, which: int, key: str, value: object) -> None:
        for trial in self.pick(which):
            trial.set_user_attr(key, value)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0), state=st.sampled_from([TrialState.PRUNED, TrialState.FAIL]))
    def stop(self, which: int, state: TrialState) -> None:
        ours, theirs = self.pick(which)
        self.running.remove((ours, theirs))
        self.ledger.study.tell(ours, state=state)
        self.model.tell(theirs, state=state)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0), value=st.floats(allow_nan=False))
    def tell(self, which: int, value: float) -> None:
        ours, theirs = self.pick(which)
        self.running.remove((ours, theirs))
        self.ledger.study.tell(ours, value)
        self.model.tell(theirs, value)

    @rule()
    def flush(self) -> None:
        self.ledger.flush()

    @rule()
    def reopen(self) -> None:
        self.ledger.close("again")
        self.ledger = hold(self.url, "s")
        self.running = [(optuna.Trial(self.ledger.study, ours._trial_id), theirs) for ours, theirs in self.running]

    @invariant()
    def they_agree(self) -> None:
        ours, theirs = self.ledger.study.get_trials(deepcopy=False), self.model.get_trials(deepcopy=False)
        assert [seen(trial) for trial in ours] == [seen(trial) for trial in theirs]

    def teardown(self) -> None:
        self.reopen()
        self.they_agree()
        self.ledger.close("done")
        self.folder.cleanup()


def seen(trial: FrozenTrial) -> str:
    steps = dict(sorted(trial.intermediate_values.items()))
    attrs = dict(sorted(trial.user_attrs.items()))
    ended = (trial.datetime_start is None, trial.datetime_complete is None)
    params = dict(sorted(trial.params.items()))
    return repr((trial.number, trial.state.name, trial.values, params, trial.distributions.keys(), steps, attrs, ended))


TestLedgerAgainstOptuna = LedgerAgainstOptuna.TestCase
TestLedgerAgainstOptuna.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
