"""Questions to the database, answered with frozen records. Nothing here writes, or costs a statement a trial.

Every function takes an engine, or the connection of a `nas.store.engine.snapshot` where several answers have to be
of one moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal, select

from nas.architecture import Node
from nas.errors import NoSuchTrial, NotFound, did_you_mean
from nas.store.embeddings import embeddings as embeddings
from nas.store.engine import Source, snapshot
from nas.store.evaluation_records import EpochRecord
from nas.store.evaluations import evaluations as evaluations
from nas.store.evaluations import looks as looks
from nas.store.evaluations import raced
from nas.store.latencies import latencies as latencies
from nas.store.lease import is_alive
from nas.store.models import Architecture, Attempt, Epoch, Event, Session, Study, Trial
from nas.store.records import (
    AttemptRecord,
    EventRecord,
    Holder,
    SessionRecord,
    StudyRecord,
    TrialDetail,
    TrialRecord,
    counted_as,
)
from nas.store.trial_records import trial_records

COUNTED = ("complete", "pruned", "failed", "running", "duplicate", "rejected")
"""The keys of `StudyRecord.counts`."""
_FEW = 500
"""More bound values than this in one statement are not worth it: everything is read and sorted out here."""


def studies(source: Source) -> list[StudyRecord]:
    """Return every study, the newest last."""
    with snapshot(source) as connection:
        return _studies(connection, None)


def study(source: Source, name: str) -> StudyRecord:
    """Return the study `name`.

    Raises:
        NotFound: There is none of that name; the message has the nearest one.
    """
    with snapshot(source) as connection:
        found = _studies(connection, Study.name == name)
        if not found:
            raise no_such_study(connection, name)
    return found[0]


def no_such_study(connection: Connection, name: str) -> NotFound:
    """Return the error that says so, with what there is instead."""
    names = list(connection.scalars(select(Study.name).order_by(Study.id.desc())))
    there = f"There are: {', '.join(names[:10])}{' …' if len(names) > 10 else ''}." if names else "There are none yet."
    return NotFound(f"No study is named {name!r}.{did_you_mean(name, names)} {there}")


def trials(source: Source, study_id: int) -> list[TrialRecord]:
    """Return the trials of a study, by number: three statements, however many there are."""
    with snapshot(source) as connection:
        return trial_records(connection, Trial.study_id == study_id)


def trial(source: Source, study_id: int, number: int) -> TrialDetail:
    """Return everything about one trial.

    Raises:
        NotFound: The study has no trial of that number.
    """
    with snapshot(source) as connection:
        found = trial_records(connection, (Trial.study_id == study_id) & (Trial.number == number))
        if not found:
            name = connection.scalar(select(Study.name).where(Study.id == study_id))
            count = connection.scalar(select(func.count()).where(Trial.study_id == study_id)) or 0
            raise NoSuchTrial(name or "", number, count)
        fingerprint = found[0].fingerprint
        return TrialDetail(
            trial=found[0],
            epochs=curves(connection, study_id, [number]).get(number, ()),
            graph=graph(connection, study_id, number),
            attempts=_attempts(connection, study_id, number),
            latencies=() if fingerprint is None else latencies(connection, [fingerprint]).get(fingerprint, ()),
            evaluations=tuple(one for one in evaluations(connection, study_id) if one.trial == number),
        )


def curves(
    source: Source, study_id: int, numbers: Collection[int] | None = None, *, metrics: bool = True
) -> dict[int, tuple[EpochRecord, ...]]:
    """Return the epochs, by step, of the trials with these `numbers` (of all where ``None``), by trial number.

    Without `metrics` they have none: most of the time of reading many goes into these.
    """
    found: dict[int, list[EpochRecord]] = defaultdict(list)
    statement = (
        select(Trial.number, Epoch.step, Epoch.value, Epoch.metrics if metrics else literal(None), Epoch.seconds)
        .join(Trial)
        .where(Trial.study_id == study_id)
        .order_by(Trial.number, Epoch.step)
    )
    if numbers is not None and len(numbers) <= _FEW:
        statement = statement.where(Trial.number.in_(numbers))
    wanted = None if numbers is None else set(numbers)
    with snapshot(source) as connection:
        for number, step, value, told, seconds in connection.execute(statement):
            if wanted is None or number in wanted:
                found[number].append(EpochRecord(step, value, told or {}, seconds))
    return {number: tuple(epochs) for number, epochs in found.items()}


def graph(source: Source, study_id: int, number: int) -> tuple[Node, ...]:
    """Return what a trial built, in topological order; nothing where it built nothing."""
    return graphs(source, study_id, [number]).get(number, ())


def graphs(source: Source, study_id: int, numbers: Collection[int]) -> dict[int, tuple[Node, ...]]:
    """Return what each of the trials with these `numbers` built, in topological order; those that built nothing lack.

    Raises:
        ValueError: More are asked for than one statement takes.
    """
    if len(numbers) > _FEW:
        raise ValueError(f"Graphs are large: at most {_FEW} at once. Received: {len(numbers)} trials.")
    statement = (
        select(Trial.number, Architecture.graph)
        .join(Trial, Trial.fingerprint == Architecture.fingerprint)
        .where(Trial.study_id == study_id, Trial.number.in_(sorted(numbers)))
        .order_by(Trial.number)
    )
    with snapshot(source) as connection:
        return {number: tuple(map(_node, nodes)) for number, nodes in connection.execute(statement) if nodes}


def _node(stored: dict[str, Any]) -> Node:
    return Node(**{**stored, "shape": tuple(stored["shape"]), "inputs": tuple(stored["inputs"])})


def events(source: Source, study_id: int) -> list[EventRecord]:
    """Return what happened while a study ran, the latest last."""
    statement = (
        select(Event.at, Event.kind, Event.message, Event.trial, Event.session_id)
        .where(Event.study_id == study_id)
        .order_by(Event.at, Event.id)
    )
    with snapshot(source) as connection:
        return [EventRecord(*row) for row in connection.execute(statement)]


def _studies(connection: Connection, which: ColumnElement[bool] | None) -> list[StudyRecord]:
    statement = select(*Study.__table__.columns).order_by(Study.id)
    rows = connection.execute(statement if which is None else statement.where(which)).all()
    only = [row.id for row in rows] if which is not None else None
    sessions = _sessions(connection, only)
    counts = _counts(connection, only)
    races = raced(connection)
    return [_study_record(row, tuple(sessions[row.id]), counts[row.id], races.get(row.id, 0)) for row in rows]


def _study_record(
    row: Row[*tuple[Any, ...]], sessions: tuple[SessionRecord, ...], counts: dict[str, int], raced: int
) -> StudyRecord:
    newest = sessions[-1] if sessions else None
    running = newest is not None and newest.ended is None and is_alive(newest.holder, newest.renewed)
    return StudyRecord(
        id=row.id,
        name=row.name,
        created=row.created,
        file=row.file,
        base=row.base,
        directions=tuple(row.directions),
        objectives=tuple(row.objectives),
        trials_budget=row.trials_budget,
        hours_budget=row.hours_budget,
        data=row.data,
        sessions=sessions,
        counts=counts,
        running=newest.holder if newest is not None and running else None,
        race_budget=row.race_budget or 0,
        raced=raced,
    )


def _sessions(connection: Connection, study_ids: list[int] | None) -> dict[int, list[SessionRecord]]:
    statement = select(*Session.__table__.columns).order_by(Session.id)
    found: dict[int, list[SessionRecord]] = defaultdict(list)
    for row in connection.execute(statement if study_ids is None else statement.where(Session.study_id.in_(study_ids))):
        found[row.study_id].append(
            SessionRecord(
                id=row.id,
                command=row.command,
                holder=Holder(row.pid, row.host, row.boot_id, row.process_started),
                seed=row.seed,
                versions=row.versions,
                space_fingerprints=row.space_fingerprints,
                data_fingerprint=row.data_fingerprint,
                commit=row.commit,
                started=row.started,
                renewed=row.renewed,
                ended=row.ended,
                ending=row.ending,
                machine=row.machine,
            )
        )
    return found


def _counts(connection: Connection, study_ids: list[int] | None) -> dict[int, dict[str, int]]:
    statement = select(
        Trial.study_id, Trial.state, Trial.outcome, Trial.kind, func.count(), func.count(Trial.duplicate_of)
    ).group_by(Trial.study_id, Trial.state, Trial.outcome, Trial.kind)
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTED, 0))
    for study_id, state, outcome, kind, count, duplicates in connection.execute(
        statement if study_ids is None else statement.where(Trial.study_id.in_(study_ids))
    ):
        if outcome is not None or state == "RUNNING":
            found[study_id]["duplicate"] += duplicates
            found[study_id][counted_as(outcome, kind, is_duplicate=False)] += count - duplicates
    return found


def _attempts(connection: Connection, study_id: int, number: int) -> tuple[AttemptRecord, ...]:
    statement = (
        select(
            Attempt.number,
            Attempt.session_id,
            Attempt.worker,
            Attempt.started,
            Attempt.ended,
            Attempt.outcome,
            Attempt.message,
        )
        .join(Trial)
        .where(Trial.study_id == study_id, Trial.number == number)
        .order_by(Attempt.number)
    )
    rows: list[Any] = list(connection.execute(statement))
    return tuple(AttemptRecord(*row) for row in rows)
