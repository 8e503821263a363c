"""The coordinator's hold on one study: its lease, its trials in memory, and writes gathered into few transactions.

A transaction costs two or three waits for the disk, so it is the unit to save: nothing but a new trial, which needs
its id, opens one of its own, and that one carries along whatever was waiting. What must not be lost is flushed by
whoever knows that it must not.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Literal

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from nas.architecture import Architecture, Cost, Latency
from nas.conversation import Epoch, FailureKind, Scalar
from nas.errors import StudyExists
from nas.store import lease, models, queries
from nas.store.engine import display_url, open_for_writing, snapshot
from nas.store.evaluations import Evaluations
from nas.store.frozen import insert_trial, load_trials, outcome_of, to_utc
from nas.store.latencies import latency_row
from nas.store.mirror import Mirror
from nas.store.records import NewSession, Outcome, StudyRecord, TrialRecord, counted_as
from nas.store.writing import Row


def create_study(
    url: str,
    *,
    name: str,
    file: str,
    base: str,
    objectives: Sequence[tuple[str, str]],
    trials: int | None,
    hours: float | None,
) -> None:
    """Write a new study into the database at `url`, which is created where it is missing.

    Args:
        url: As `nas.store.engine.storage_url` returns it.
        name: The study's; taken once in a database.
        file: The text of the study file.
        base: The folder that relative paths in the file start from.
        objectives: ``(metric, "maximize" | "minimize")``, the one that pruning goes by first.
        trials: The trials it may make in all, or ``None``.
        hours: The hours it may run in all, or ``None``.

    Raises:
        StudyExists: The database has a study of that name.
        StorageError: The database cannot be written.
    """
    engine = open_for_writing(url)
    try:
        with engine.begin() as connection:
            connection.execute(
                insert(models.Study).values(
                    name=name,
                    created=datetime.now(UTC),
                    file=file,
                    base=base,
                    objectives=[metric for metric, _ in objectives],
                    directions=[direction for _, direction in objectives],
                    trials_budget=trials,
                    hours_budget=hours,
                )
            )
    except IntegrityError:
        raise StudyExists(name, display_url(url)) from None
    finally:
        engine.dispose()


class Ledger(Mirror):
    """The one writer of a running study. Reads are answered from memory, writes wait for `flush`.

    `study` is a plain `optuna.Study` on top of it, `record` the study as it was when it was opened. Every transaction
    renews the lease and checks that it is still ours. Not thread-safe: one owner, one thread.
    """

    study: optuna.Study
    record: StudyRecord
    evaluations: Evaluations
    """Trainings outside the search; what is written there is saved by `flush` too."""

    def __init__(self, engine: Engine, record: StudyRecord, session_id: int) -> None:
        super().__init__(record.id, record.name, [StudyDirection[way.upper()] for way in record.directions])
        self.record = record
        self._engine = engine
        self._session_id = session_id
        self._closed = False
        self._records: dict[int, TrialRecord] = {}  # what Optuna's trials do not hold; the rest of it is not kept up
        self._seconds: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._attempts: dict[int, Row] = {}  # the open one of each trial
        self._twins: dict[tuple[str, str], int] = {}
        self.evaluations = Evaluations(record.id, session_id, self._pending)

    @classmethod
    def open(cls, url: str, name: str, session: NewSession) -> Ledger:
        """Take the lease of study `name` and load its trials.

        Attempts that a dead holder left open are ended as ``lost``; their trials stay RUNNING, see `unfinished`.

        Raises:
            NotFound: There is no such study or database.
            StudyRunning: A living process holds the lease.
            StorageError: The database cannot be read or written.
        """
        engine = open_for_writing(url, create=False)
        try:
            with engine.begin() as connection:
                study_id = connection.scalar(select(models.Study.id).where(models.Study.name == name))
                if study_id is None:
                    raise queries.no_such_study(connection, name)
                session_id = lease.take(connection, study_id, name, session)
            with snapshot(engine) as connection:
                ledger = cls(engine, queries.study(connection, name), session_id)
                ledger._load(connection)
        except BaseException:
            engine.dispose()
            raise
        ledger.study = optuna.Study(study_name=name, storage=ledger)
        return ledger

    # ------------------------------------------------------------ the study

    def set_budget(self, trials: int | None, hours: float | None, race: int = 0) -> None:
        """Set the totals the study may spend; ``None`` is no limit. `race` are those of `trials` left to it. Saved."""
        self._pending.change(models.Study, self._study_id, trials_budget=trials, hours_budget=hours, race_budget=race)
        self.flush()

    def set_data(self, card: dict[str, Any]) -> None:
        """Keep the data card. Saved at once."""
        self._pending.change(models.Study, self._study_id, data=card)
        self.flush()

    def event(self, kind: str, message: str, trial: int | None = None) -> None:
        """Keep an event; `trial` is the number of the trial it is about."""
        self._pending.add(
            models.Event,
            {
                "study_id": self._study_id,
                "session_id": self._session_id,
                "trial": trial,
                "at": datetime.now(UTC),
                "kind": kind,
                "message": message,
            },
        )

    def counts(self) -> dict[str, int]:
        """Return trials by outcome, with the keys of `StudyRecord.counts`."""
        counts = dict.fromkeys(queries.COUNTED, 0)
        for trial in self._trials:
            record = self._records[trial._trial_id]
            if record.outcome is not None or trial.state == TrialState.RUNNING:
                counts[counted_as(record.outcome, record.kind, is_duplicate=record.duplicate_of is not None)] += 1
        return counts

    def unfinished(self) -> list[FrozenTrial]:
        """Return the RUNNING trials, by number: after `open`, those that were cut short."""
        return self.get_all_trials(self._study_id, deepcopy=False, states=(TrialState.RUNNING,))

    def twin(self, fingerprint: str, training: dict[str, Scalar]) -> int | None:
        """Return the number of the first trial with that architecture and those training choices, whatever its state.

        A trial that is gone on with may find itself.
        """
        return self._twins.get(_twin_key(fingerprint, training))

    # ------------------------------------------------------------ a trial

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a trial, in a transaction of its own: its id is the database's, where other studies may run too."""
        self._check_study(study_id)
        with self._transaction() as connection:
            trial = insert_trial(connection, study_id, len(self._trials), template_trial)
        self._append(trial)
        self._records[trial._trial_id] = _blank_record(trial)
        return trial._trial_id

    def start_attempt(self, trial_id: int, *, worker: int, family: str) -> int:
        """Return the number, from 1, of a new attempt at a trial of `family` by the worker with that pid."""
        self._updatable(trial_id)
        record = self._records[trial_id]
        number = record.attempts + 1
        self._records[trial_id] = replace(record, attempts=number, family=family)
        self._pending.change(models.Trial, trial_id, family=family)
        self._attempts[trial_id] = {
            "trial_id": trial_id,
            "number": number,
            "session_id": self._session_id,
            "worker": worker,
            "started": datetime.now(UTC),
            "ended": None,
            "outcome": None,
            "message": None,
        }
        self._pending.put(models.Attempt, self._attempts[trial_id])
        return number

    def built(
        self,
        trial_id: int,
        *,
        architecture: Architecture,
        training: dict[str, Scalar] | None,
        duplicate_of: int | None,
        latency: Latency | None = None,
    ) -> None:
        """Keep what a trial built. `training` is ``None`` where nobody can know: such a trial has no twins."""
        trial = self._updatable(trial_id)
        record = self._records[trial_id]
        self._records[trial_id] = replace(
            record,
            training=training or {},
            fingerprint=architecture.fingerprint,
            cost=architecture.cost,
            duplicate_of=duplicate_of,
        )
        if training is not None and duplicate_of is None:
            self._twins.setdefault(_twin_key(architecture.fingerprint, training), trial.number)
        self._pending.put(models.Architecture, _architecture_row(architecture))
        if latency is not None:
            self._pending.add(models.Latency, latency_row(architecture.fingerprint, latency, alone=False))
        self._pending.change(
            models.Trial,
            trial_id,
            training=training,
            fingerprint=architecture.fingerprint,
            duplicate_of=duplicate_of,
        )

    def epoch(self, trial_id: int, epoch: Epoch, value: float) -> None:
        """Keep one epoch; `value` is what the pruner sees. Idempotent by step."""
        self.set_trial_intermediate_value(trial_id, epoch.step, value)
        row = {"trial_id": trial_id, "step": epoch.step, "metrics": dict(epoch.metrics), "seconds": epoch.seconds}
        self._pending.put(models.Epoch, row)
        self._seconds[trial_id][epoch.step] = epoch.seconds
        self._records[trial_id] = replace(self._records[trial_id], metrics=dict(epoch.metrics))

    def finish(
        self,
        trial_id: int,
        *,
        state: TrialState,
        values: Sequence[float] | None,
        outcome: Outcome,
        kind: FailureKind | None = None,
        message: str | None = None,
        traceback: str | None = None,
        metrics: dict[str, float],
    ) -> None:
        """End a trial and its open attempt; all of it is saved in one transaction.

        Args:
            trial_id: The trial's id.
            state: What Optuna takes it for.
            values: One per objective. Where they are ``None``, a PRUNED trial of a study with one objective gets
                the last value it reported, as from `optuna.Study.tell`.
            outcome: What we take it for.
            kind: Why it failed, if it did.
            message: The same for people.
            traceback: The same for the one who mends it.
            metrics: Of the last epoch, with what was measured at the end; they add to those of the last `epoch`.

        Raises:
            optuna.exceptions.UpdateFinishedTrialError: It is finished already.
        """
        trial = self._updatable(trial_id)
        if values is None and state == TrialState.PRUNED and len(self._directions) == 1:
            values = _last_reported(trial)
        record = self._records[trial_id]
        metrics = {**record.metrics, **metrics}
        self._records[trial_id] = replace(
            record, outcome=outcome, kind=kind, message=message, traceback=traceback, metrics=metrics
        )
        self.set_trial_state_values(trial_id, state, values)
        self._pending.change(
            models.Trial, trial_id, outcome=outcome, kind=kind, message=message, traceback=traceback, metrics=metrics
        )

    def end_attempt(self, trial_id: int, outcome: Literal["interrupted", "lost"], message: str) -> None:
        """End the open attempt at a trial, which stays RUNNING, to be gone on with."""
        self._end_attempt(trial_id, outcome, message)

    def trial_record(self, trial_id: int) -> TrialRecord:
        """Return the record of one trial, from memory."""
        trial = self.get_trial(trial_id)
        values = trial.values
        if values is None and trial.state == TrialState.PRUNED:
            values = _last_reported(trial)
        return replace(
            self._records[trial_id],
            values=tuple(values) if values is not None else None,
            params=dict(trial.params),
            started=to_utc(trial.datetime_start),
            ended=to_utc(trial.datetime_complete),
            epochs=len(trial.intermediate_values),
            seconds=math.fsum(self._seconds[trial_id].values()),
        )

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Change the state of a trial, as Optuna does; its open attempt ends with it."""
        changed = super().set_trial_state_values(trial_id, state, values)
        if state.is_finished():
            record = self._records[trial_id]
            outcome = record.outcome or outcome_of(state)
            self._records[trial_id] = replace(record, outcome=outcome)
            self._end_attempt(trial_id, outcome, record.message)
        return changed

    def _end_attempt(self, trial_id: int, outcome: str | None, message: str | None) -> None:
        attempt = self._attempts.pop(trial_id, None)
        if attempt is not None:
            ended = {"ended": datetime.now(UTC), "outcome": outcome, "message": message}
            self._pending.put(models.Attempt, attempt | ended)

    # ------------------------------------------------------------ saving

    def flush(self) -> None:
        """Save what waits, in one transaction. Nothing is forgotten where that fails: a later one tries again.

        Raises:
            StorageError: The database cannot be written.
            StudyRunning: Another process has taken the lease over.
            NotFound: The study was deleted.
        """
        if self._pending:
            self.renew()

    def renew(self) -> None:
        """Say that the holder lives, and save what waits. Due at least every minute. Raises as `flush`."""
        with self._transaction():
            pass

    def close(self, ending: str) -> None:
        """Save what waits, end the session and let the lease go. Closing twice is harmless. Raises as `flush`."""
        if self._closed:
            return
        self._pending.change(models.Session, self._session_id, ended=datetime.now(UTC), ending=ending)
        self.renew()
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            lease.renew(connection, self._study_id, self._session_id, self._name)
            self._pending.write(connection)
            yield connection
        self._pending.clear()

    def _load(self, connection: Connection) -> None:
        """Fill the mirror from the database."""
        of_study = models.Trial.study_id == self._study_id
        for trial in load_trials(connection, of_study):
            self._append(trial)
        for record in queries.trials(connection, self._study_id):
            self._records[self._trials[record.number]._trial_id] = record
        for trial_id, step, seconds in connection.execute(
            select(models.Epoch.trial_id, models.Epoch.step, models.Epoch.seconds).join(models.Trial).where(of_study)
        ):
            self._seconds[trial_id][step] = seconds or 0.0
        for number, fingerprint, training in connection.execute(
            select(models.Trial.number, models.Trial.fingerprint, models.Trial.training)
            .where(of_study, models.Trial.fingerprint.is_not(None), models.Trial.training.is_not(None))
            .where(models.Trial.duplicate_of.is_(None))  # a duplicate waits for its original, never the other way
            .order_by(models.Trial.number)
        ):
            self._twins.setdefault(_twin_key(fingerprint, training), number)
        for scope, key, value in connection.execute(
            select(models.StudyAttr.scope, models.StudyAttr.key, models.StudyAttr.value).where(
                models.StudyAttr.study_id == self._study_id
            )
        ):
            self._attrs[scope][key] = value
        self.evaluations.load(connection)


def _twin_key(fingerprint: str, training: dict[str, Scalar]) -> tuple[str, str]:
    return fingerprint, json.dumps(training, sort_keys=True)  # as text 1, 1.0 and true are three values


def _architecture_row(architecture: Architecture) -> Row:
    return {
        "fingerprint": architecture.fingerprint,
        "graph": [asdict(node) for node in architecture.graph],
        **asdict(architecture.cost),
    }


def _last_reported(trial: FrozenTrial) -> list[float] | None:
    if trial.last_step is None or math.isnan(trial.intermediate_values[trial.last_step]):
        return None
    return [trial.intermediate_values[trial.last_step]]


def _blank_record(trial: FrozenTrial) -> TrialRecord:
    return TrialRecord(
        number=trial.number,
        outcome=outcome_of(trial.state),
        kind=None,
        message=None,
        traceback=None,
        values=None,
        params={},
        family=None,
        training={},
        fingerprint=None,
        cost=Cost(),
        duplicate_of=None,
        started=None,
        ended=None,
        epochs=0,
        seconds=0.0,
        metrics={},
        attempts=0,
    )
