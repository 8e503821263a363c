"""Trainings outside the search, of races and fine-tuning, and looks at the test split: read and written.

They are few, next to trials: a row holds its whole curve, and a study's are read in one statement.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from nas.conversation import Epoch, FailureKind
from nas.store.engine import Source, snapshot
from nas.store.evaluation_records import EnsembleMember, EpochRecord, EvaluationRecord, Interval, LookRecord, Purpose
from nas.store.models import Evaluation, Look
from nas.store.writing import Pending


class Evaluations:
    """Those of the study that a ledger holds, in memory; what changes waits in `pending` for the ledger to save it."""

    def __init__(self, study_id: int, session_id: int, pending: Pending) -> None:
        self._study_id, self._session_id, self._pending = study_id, session_id, pending
        self._records: list[EvaluationRecord] = []
        self._looks: list[LookRecord] = []

    def load(self, connection: Connection) -> None:
        """Read what there is."""
        self._records = evaluations(connection, self._study_id)
        self._looks = looks(connection, self._study_id)

    def all(self, purpose: Purpose) -> list[EvaluationRecord]:
        """Return those for a `purpose`, in the order in which they were begun."""
        return [record for record in self._records if record.purpose == purpose]

    @property
    def looks(self) -> list[LookRecord]:
        """Every measurement on the test split."""
        return list(self._looks)

    def get(self, number: int) -> EvaluationRecord:
        """Return one as it stands."""
        return self._records[number]

    def begin(self, purpose: Purpose, trial: int, *, seed: int, plan: dict[str, Any], epochs: int) -> EvaluationRecord:
        """Return a new one. `plan` is what is different from how the trial was trained."""
        record = EvaluationRecord(
            number=len(self._records),
            purpose=purpose,
            trial=trial,
            seed=seed,
            plan=plan,
            epochs=epochs,
            outcome=None,
            kind=None,
            message=None,
            traceback=None,
            score=math.nan,
            curve=(),
            attempts=0,
            started=datetime.now(UTC),
            ended=None,
        )
        self._records.append(record)
        self._put(record)
        return record

    def attempt(self, number: int) -> None:
        """Note that a worker has been given it, for the first time or once more."""
        self._change(number, attempts=self._records[number].attempts + 1)

    def epoch(self, number: int, epoch: Epoch, value: float) -> None:
        """Keep one epoch; idempotent by step."""
        done = EpochRecord(epoch.step, value, dict(epoch.metrics), epoch.seconds)
        curve = [old for old in self._records[number].curve if old.step < epoch.step]
        self._change(number, curve=(*curve, done))

    def end(
        self,
        number: int,
        outcome: Literal["complete", "failed"],
        *,
        score: float = math.nan,
        kind: FailureKind | None = None,
        message: str | None = None,
        traceback: str | None = None,
    ) -> EvaluationRecord:
        """Give it its outcome; return it."""
        self._change(
            number,
            outcome=outcome,
            score=score,
            kind=kind,
            message=message,
            traceback=traceback,
            ended=datetime.now(UTC),
        )
        return self._records[number]

    def look(
        self,
        trial: int | None,
        evaluation: int | None,
        examples: int,
        metrics: dict[str, Interval],
        members: tuple[EnsembleMember, ...] = (),
    ) -> LookRecord:
        """Keep a measurement on the test split, of an ensemble with its `members`; return it."""
        record = LookRecord(len(self._looks), trial, evaluation, datetime.now(UTC), examples, metrics, members)
        self._looks.append(record)
        row = asdict(record) | {
            "study_id": self._study_id,
            "metrics": {name: [found.value, found.low, found.high] for name, found in metrics.items()},
            "members": [[one.trial, one.evaluation, one.count] for one in members] or None,
        }
        self._pending.put(Look, row)
        return record

    def _change(self, number: int, **columns: Any) -> None:
        self._records[number] = replace(self._records[number], **columns)
        self._put(self._records[number])

    def _put(self, record: EvaluationRecord) -> None:
        row = asdict(record)
        self._pending.put(Evaluation, row | {"study_id": self._study_id, "session_id": self._session_id})


def evaluations(source: Source, study_id: int) -> list[EvaluationRecord]:
    """Return the trainings of a study outside its search, by number."""
    columns = [column for column in Evaluation.__table__.columns if column.name not in ("study_id", "session_id")]
    statement = select(*columns).where(Evaluation.study_id == study_id).order_by(Evaluation.number)
    with snapshot(source) as connection:
        rows = [dict(row._mapping) for row in connection.execute(statement)]
    return [EvaluationRecord(**row | {"curve": tuple(EpochRecord(**one) for one in row["curve"])}) for row in rows]


def looks(source: Source, study_id: int) -> list[LookRecord]:
    """Return each measurement that a study made on its test split, the first one first."""
    columns = [column for column in Look.__table__.columns if column.name != "study_id"]
    statement = select(*columns).where(Look.study_id == study_id).order_by(Look.number)
    with snapshot(source) as connection:
        rows = [dict(row._mapping) for row in connection.execute(statement)]
    return [
        LookRecord(
            **row
            | {
                "metrics": {name: Interval(*found) for name, found in row["metrics"].items()},
                "members": tuple(EnsembleMember(*one) for one in row["members"] or ()),
            }
        )
        for row in rows
    ]


def raced(connection: Connection) -> dict[int, int]:
    """Return how many trainings of a race have ended, by study."""
    statement = (
        select(Evaluation.study_id, func.count())
        .where(Evaluation.purpose == "race", Evaluation.outcome.is_not(None))
        .group_by(Evaluation.study_id)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
