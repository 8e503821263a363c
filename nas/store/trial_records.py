"""Trials as they are stored, put together to records."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, func, select, type_coerce

from nas.architecture import Cost
from nas.conversation import Scalar
from nas.store.columns import from_json
from nas.store.models import Architecture, Attempt, Epoch, Trial, TrialParam, TrialValue
from nas.store.records import TrialRecord


def trial_records(connection: Connection, which: ColumnElement[bool]) -> list[TrialRecord]:
    """Return the trials that are meant, by number: three statements, however many there are."""
    params = _params(connection, which)
    values: dict[int, list[float]] = defaultdict(list)
    for id, value in connection.execute(
        select(TrialValue.trial_id, TrialValue.value).join(Trial).where(which).order_by(TrialValue.objective)
    ):
        values[id].append(value)
    trained = (
        select(
            Epoch.trial_id,
            func.count().label("epochs"),
            func.sum(Epoch.seconds).label("seconds"),
            func.max(Epoch.step).label("last"),
        )
        .join(Trial)
        .where(which)
        .group_by(Epoch.trial_id)
        .subquery()
    )
    tried = (
        select(Attempt.trial_id, func.count().label("attempts"))
        .join(Trial)
        .where(which)
        .group_by(Attempt.trial_id)
        .subquery()
    )
    columns = [column for column in Trial.__table__.columns if column.name != "study_id"]
    statement = (
        select(
            *columns,
            Architecture.weights,
            Architecture.macs,
            Architecture.memory,
            Architecture.unknown,
            trained.c.epochs,
            trained.c.seconds,
            tried.c.attempts,
            Epoch.value.label("last_value"),
            Epoch.metrics.label("last_metrics"),
        )
        .outerjoin(Architecture, Architecture.fingerprint == Trial.fingerprint)
        .outerjoin(trained, trained.c.trial_id == Trial.id)
        .outerjoin(tried, tried.c.trial_id == Trial.id)
        .outerjoin(Epoch, (Epoch.trial_id == Trial.id) & (Epoch.step == trained.c.last))
        .where(which)
        .order_by(Trial.number)
    )
    return [_trial_record(row, params.get(row.id, {}), values.get(row.id)) for row in connection.execute(statement)]


def _trial_record(row: Row[*tuple[Any, ...]], params: dict[str, Scalar], values: list[float] | None) -> TrialRecord:
    if values is None and row.outcome == "pruned" and not math.isnan(row.last_value):
        values = [row.last_value]
    return TrialRecord(
        number=row.number,
        outcome=row.outcome,
        kind=row.kind,
        message=row.message,
        traceback=row.traceback,
        values=tuple(values) if values is not None else None,
        params=params,
        family=row.family,
        training=row.training or {},
        fingerprint=row.fingerprint,
        cost=Cost(row.weights, row.macs, row.memory, row.unknown),
        duplicate_of=row.duplicate_of,
        started=row.started,
        ended=row.ended,
        epochs=row.epochs or 0,
        seconds=row.seconds or 0.0,
        metrics=row.metrics if row.outcome is not None else row.last_metrics or {},
        attempts=row.attempts or 0,
    )


def _params(connection: Connection, which: ColumnElement[bool]) -> dict[int, dict[str, Scalar]]:
    found: dict[int, dict[str, Scalar]] = defaultdict(dict)
    for id, name, value, text in connection.execute(
        select(TrialParam.trial_id, TrialParam.name, TrialParam.value, type_coerce(TrialParam.distribution, Text))
        .join(Trial)
        .where(which)
        .order_by(TrialParam.trial_id, TrialParam.position)
    ):
        found[id][name] = _external(value, text)
    return found


def _external(value: float, distribution: str) -> Scalar:
    """Return what a param means to people; read without Optuna, so that ``nas status`` need not load it."""
    kind, choices = _distribution(distribution)
    if kind == "CategoricalDistribution":
        choice: Scalar = choices[int(value)]
        return choice
    return int(value) if kind.startswith("Int") else value


@lru_cache(maxsize=4096)
def _distribution(text: str) -> tuple[str, tuple[Any, ...]]:
    stored = from_json(text)
    return stored["name"], tuple(stored["attributes"].get("choices", ()))
