"""Between rows and Optuna's `FrozenTrial`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, Text, insert, select, type_coerce

from nas.store.columns import from_json
from nas.store.engine import reading_from
from nas.store.models import Base, Epoch, Trial, TrialAttr, TrialParam, TrialValue
from nas.store.records import Outcome
from nas.store.writing import Row, upsert

_OUTCOMES: dict[TrialState, Outcome] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def outcome_of(state: TrialState) -> Outcome | None:
    """Return the outcome that a trial finished through Optuna's own API has."""
    return _OUTCOMES.get(state)


def load_trials(connection: Connection, which: ColumnElement[bool]) -> list[FrozenTrial]:
    """Return the trials for which `which` (a condition on `Trial`) holds, by number: five statements in all."""
    rows = connection.execute(
        select(Trial.id, Trial.number, Trial.state, Trial.started, Trial.ended).where(which).order_by(Trial.number)
    ).all()
    trials = {
        id: FrozenTrial(
            number=number,
            state=TrialState[state],
            value=None,
            datetime_start=to_local(started),
            datetime_complete=to_local(ended),
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
            trial_id=id,
        )
        for id, number, state, started, ended in rows
    }
    if trials:
        _fill(connection, trials, which)
    return list(trials.values())


def trials_of(url: str, study_id: int) -> list[FrozenTrial]:
    """Return the trials of a study in the database at `url`, by number."""
    with reading_from(url) as connection:
        return load_trials(connection, Trial.study_id == study_id)


def _fill(connection: Connection, trials: dict[int, FrozenTrial], which: ColumnElement[bool]) -> None:
    for id, name, value, text in connection.execute(
        select(TrialParam.trial_id, TrialParam.name, TrialParam.value, type_coerce(TrialParam.distribution, Text))
        .join(Trial)
        .where(which)
        .order_by(TrialParam.trial_id, TrialParam.position)
    ):
        distribution = read_distribution(text)
        trials[id].distributions[name] = distribution
        trials[id].params[name] = distribution.to_external_repr(value)
    values: dict[int, list[float]] = {}
    for id, value in connection.execute(
        select(TrialValue.trial_id, TrialValue.value)
        .join(Trial)
        .where(which)
        .order_by(TrialValue.trial_id, TrialValue.objective)
    ):
        values.setdefault(id, []).append(value)
    for id, scores in values.items():
        trials[id].values = scores
    for id, step, value in connection.execute(
        select(Epoch.trial_id, Epoch.step, Epoch.value).join(Trial).where(which).order_by(Epoch.trial_id, Epoch.step)
    ):
        trials[id].intermediate_values[step] = value
    for id, scope, key, value in connection.execute(
        select(TrialAttr.trial_id, TrialAttr.scope, TrialAttr.key, TrialAttr.value)
        .join(Trial)
        .where(which)
        .order_by(TrialAttr.trial_id, TrialAttr.key)
    ):
        (trials[id].user_attrs if scope == "user" else trials[id].system_attrs)[key] = value


def insert_trial(connection: Connection, study_id: int, number: int, template: FrozenTrial | None) -> FrozenTrial:
    """Write a new trial, RUNNING where there is no `template`, and return it as it now is."""
    trial = deepcopy(template) if template is not None else _new_trial()
    trial.number = number
    row = {
        "study_id": study_id,
        "number": number,
        "state": trial.state.name,
        "outcome": outcome_of(trial.state),
        "started": to_utc(trial.datetime_start),
        "ended": to_utc(trial.datetime_complete),
    }
    id = connection.scalar(insert(Trial).returning(Trial.id), row)
    assert id is not None
    for model, rows in _children(id, trial):
        if rows:
            upsert(connection, model, rows)
    trial._trial_id = id
    return trial


def _children(id: int, trial: FrozenTrial) -> list[tuple[type[Base], list[Row]]]:
    attrs = [("user", trial.user_attrs), ("system", trial.system_attrs)]
    return [
        (
            TrialParam,
            [
                param_row(id, name, position, distribution.to_internal_repr(trial.params[name]), distribution)
                for position, (name, distribution) in enumerate(trial.distributions.items())
            ],
        ),
        (TrialValue, value_rows(id, trial.values)),
        (Epoch, [{"trial_id": id, "step": step, "value": value} for step, value in trial.intermediate_values.items()]),
        (
            TrialAttr,
            [
                {"trial_id": id, "scope": scope, "key": key, "value": value}
                for scope, items in attrs
                for key, value in items.items()
            ],
        ),
    ]


def _new_trial() -> FrozenTrial:
    return FrozenTrial(
        number=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        trial_id=-1,
    )


def param_row(trial_id: int, name: str, position: int, value: float, distribution: BaseDistribution) -> Row:
    """Return the row of one param; `value` is Optuna's internal representation."""
    return {
        "trial_id": trial_id,
        "name": name,
        "position": position,
        "value": value,
        "distribution": json.loads(distribution_to_json(distribution)),
    }


def value_rows(trial_id: int, values: Sequence[float] | None) -> list[Row]:
    """Return the rows of a trial's values."""
    return [{"trial_id": trial_id, "objective": i, "value": value} for i, value in enumerate(values or ())]


@lru_cache(maxsize=4096)
def read_distribution(text: str) -> BaseDistribution:
    """Return the distribution of a stored text: one object for all trials that share it, for it never changes."""
    return json_to_distribution(json.dumps(from_json(text)))


def to_utc(local: datetime | None) -> datetime | None:
    """Return Optuna's naive local time as an aware one."""
    return None if local is None else local.astimezone(UTC)


def to_local(utc: datetime | None) -> datetime | None:
    """Return an aware time as Optuna's naive local one."""
    return None if utc is None else utc.astimezone().replace(tzinfo=None)
