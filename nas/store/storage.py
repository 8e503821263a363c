# ruff: noqa: D102  (Optuna documents the methods of BaseStorage)
"""Optuna's storage interface over our schema: samplers, importances and optuna-dashboard work on it directly."""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy as copy_deeply
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from nas.store import queries
from nas.store.columns import to_json
from nas.store.engine import display_url, open_for_writing, snapshot, storage_url
from nas.store.files import files_root, study_folder
from nas.store.frozen import insert_trial, load_trials, outcome_of, param_row, read_distribution, value_rows
from nas.store.lease import refuse_if_held
from nas.store.models import (
    Architecture,
    Base,
    Epoch,
    Latency,
    Study,
    StudyAttr,
    Trial,
    TrialAttr,
    TrialParam,
    TrialValue,
)
from nas.store.writing import upsert

_FEW = 500
"""More unfinished trials than this are not named one by one when they are read again."""


def load_study(name: str, storage: str | None = None) -> optuna.Study:
    """Return the study `name` as a plain `optuna.Study`. A database of an older schema is upgraded, after a backup.

    Args:
        name: The study's name.
        storage: A URL or a file, as ``--storage`` takes it; without one, ``NAS_STORAGE`` or ``studies/nas.db``.

    Raises:
        NotFound: There is no such study, or no database.
        StorageError: The database cannot be opened or written, or is not this package's.
    """
    url = storage_url(storage)
    engine = open_for_writing(url, create=False)  # StudyStorage would create what is not there
    try:
        queries.study(engine, name)
    finally:
        engine.dispose()
    return optuna.load_study(study_name=name, storage=StudyStorage(url))


@dataclass
class _Known:
    """What has been read of a study. A finished trial never changes; the numbers of the others are kept."""

    trials: list[FrozenTrial] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)


class StudyStorage(BaseStorage):
    """Any number of studies in one database. Every write is saved when its method returns.

    Thread-safe. A study that a living process runs can be read, and be given attributes; making, changing or
    deleting trials under that process is refused with `StudyRunning`.

    Args:
        url: A URL or a file, as ``--storage`` takes it; without one, ``NAS_STORAGE`` or ``studies/nas.db``. A
            database that is not there is created.

    Raises:
        StorageError: The database cannot be opened or written.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = storage_url(url)
        self._engine = open_for_writing(self._url)
        weakref.finalize(self, self._engine.dispose)
        self._lock = threading.Lock()
        self._known: dict[int, _Known] = {}

    def __repr__(self) -> str:
        return f"StudyStorage({display_url(self._url)!r})"

    def __getstate__(self) -> dict[str, str]:
        return {"url": storage_url(display_url(self._url))}  # no password travels

    def __setstate__(self, state: dict[str, str]) -> None:
        StudyStorage.__init__(self, state["url"])

    def close(self) -> None:
        """Close the connections to the database. A storage that nobody holds any more does so by itself."""
        self._engine.dispose()

    # ------------------------------------------------------------ studies

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        name = f"no-name-{uuid4()}" if study_name is None else study_name
        row = {
            "name": name,
            "created": datetime.now(UTC),
            "base": "",
            "objectives": ["value"] if len(directions) == 1 else [f"value_{i}" for i in range(len(directions))],
            "directions": [direction.name.lower() for direction in directions],
        }
        try:
            with self._engine.begin() as connection:
                study_id: int | None = connection.scalar(insert(Study).returning(Study.id), row)
        except IntegrityError:
            raise DuplicatedStudyError(f"A study named {name!r} is in {display_url(self._url)} already.") from None
        assert study_id is not None
        return study_id

    def delete_study(self, study_id: int) -> None:
        with self._engine.begin() as connection:
            self._lock_study(connection, study_id)
            connection.execute(delete(Study).where(Study.id == study_id))
            built = exists().where(Trial.fingerprint == Architecture.fingerprint)
            unused = select(Architecture.fingerprint).where(~built)
            connection.execute(delete(Latency).where(Latency.fingerprint.in_(unused)))
            connection.execute(delete(Architecture).where(~built))
        with self._lock:
            self._known.pop(study_id, None)
        # After the commit: a study that is still there keeps its weights.
        shutil.rmtree(study_folder(files_root(self._url), study_id), ignore_errors=True)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attr(study_id, "user", key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attr(study_id, "system", key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        study_id: int = self._study(Study.name == study_name).id
        return study_id

    def get_study_name_from_id(self, study_id: int) -> str:
        name: str = self._study(Study.id == study_id).name
        return name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [StudyDirection[way.upper()] for way in self._study(Study.id == study_id).directions]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._study_attrs(study_id, "user")

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._study_attrs(study_id, "system")

    def get_all_studies(self) -> list[FrozenStudy]:
        with snapshot(self._engine) as connection:
            rows = connection.execute(select(Study.id, Study.name, Study.directions).order_by(Study.id)).all()
            attrs: dict[tuple[int, str], dict[str, Any]] = {}
            for id, scope, key, value in connection.execute(
                select(StudyAttr.study_id, StudyAttr.scope, StudyAttr.key, StudyAttr.value)
            ):
                attrs.setdefault((id, scope), {})[key] = value
        return [
            FrozenStudy(
                study_name=name,
                direction=None,
                directions=[StudyDirection[way.upper()] for way in directions],
                user_attrs=attrs.get((id, "user"), {}),
                system_attrs=attrs.get((id, "system"), {}),
                study_id=id,
            )
            for id, name, directions in rows
        ]

    # ------------------------------------------------------------ trials

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        with self._engine.begin() as connection:
            self._lock_study(connection, study_id)
            last = connection.scalar(select(func.max(Trial.number)).where(Trial.study_id == study_id))
            trial = insert_trial(connection, study_id, 0 if last is None else last + 1, template_trial)
        return trial._trial_id

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        with self._changing(trial_id) as (connection, study_id, _):
            self._check_compatible(connection, study_id, param_name, distribution)
            names = list(
                connection.scalars(
                    select(TrialParam.name).where(TrialParam.trial_id == trial_id).order_by(TrialParam.position)
                )
            )
            position = names.index(param_name) if param_name in names else len(names)
            row = param_row(trial_id, param_name, position, param_value_internal, distribution)
            upsert(connection, TrialParam, [row])

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        with self._changing(trial_id) as (connection, _, before):
            if state == TrialState.RUNNING and before != TrialState.WAITING:
                return False
            now = datetime.now(UTC)
            columns: dict[str, Any] = {"state": state.name, "outcome": outcome_of(state)}
            if state == TrialState.RUNNING:
                columns["started"] = now
            if state.is_finished():
                columns["ended"] = now
            connection.execute(update(Trial).where(Trial.id == trial_id).values(columns))
            if values is not None:
                upsert(connection, TrialValue, value_rows(trial_id, values))
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        self._put(trial_id, Epoch, step=step, value=intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._put(trial_id, TrialAttr, scope="user", key=key, value=value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._put(trial_id, TrialAttr, scope="system", key=key, value=value)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        with snapshot(self._engine) as connection:
            found = load_trials(connection, Trial.id == trial_id)
        if not found:
            raise KeyError(f"No trial has the id {trial_id}.")
        return found[0]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        with self._lock:
            trials = [trial for trial in self._refresh(study_id).trials if states is None or trial.state in states]
        return copy_deeply(trials) if deepcopy else trials

    # ------------------------------------------------------------ how

    def _refresh(self, study_id: int) -> _Known:
        """Read what is new or was not finished. Trials are numbered in the order of their transactions."""
        known = self._known.setdefault(study_id, _Known())
        new = Trial.number >= len(known.trials)
        again: ColumnElement[bool] = Trial.number.in_(known.unfinished)
        if len(known.unfinished) > _FEW:
            again = Trial.number >= min(known.unfinished)
        with snapshot(self._engine) as connection:
            if connection.scalar(select(Study.id).where(Study.id == study_id)) is None:
                del self._known[study_id]
                raise KeyError(f"No study has the id {study_id}.")
            fresh = load_trials(connection, (Trial.study_id == study_id) & (new | again))
        for trial in fresh:
            known.trials[trial.number : trial.number + 1] = [trial]
            if trial.state.is_finished():
                known.unfinished.discard(trial.number)
            else:
                known.unfinished.add(trial.number)
        return known

    @contextmanager
    def _changing(self, trial_id: int) -> Iterator[tuple[Connection, int, TrialState]]:
        """Begin a transaction that changes a trial; give its connection, the trial's study and its state."""
        with self._engine.begin() as connection:
            row = connection.execute(
                select(Trial.study_id, Trial.number, Trial.state).where(Trial.id == trial_id).with_for_update()
            ).first()
            if row is None:
                raise KeyError(f"No trial has the id {trial_id}.")
            if TrialState[row.state].is_finished():
                raise UpdateFinishedTrialError(f"Trial {row.number} is finished and cannot be changed.")
            self._refuse_if_held(connection, row.study_id)
            yield connection, row.study_id, TrialState[row.state]

    def _put(self, trial_id: int, model: type[Base], **columns: Any) -> None:
        with self._changing(trial_id) as (connection, _, _):
            upsert(connection, model, [{"trial_id": trial_id, **columns}])

    def _check_compatible(
        self, connection: Connection, study_id: int, name: str, distribution: BaseDistribution
    ) -> None:
        with self._lock:
            distributions = self._known.setdefault(study_id, _Known()).distributions
        if name not in distributions:
            first = connection.scalar(
                select(TrialParam.distribution)
                .join(Trial)
                .where(Trial.study_id == study_id, TrialParam.name == name)
                .limit(1)
            )
            if first is None:
                return  # nothing to remember yet: this transaction may still be rolled back
            distributions[name] = read_distribution(to_json(first))
        check_distribution_compatibility(distributions[name], distribution)

    def _lock_study(self, connection: Connection, study_id: int) -> None:
        """Keep others from numbering trials of the study until the transaction ends."""
        if connection.scalar(select(Study.id).where(Study.id == study_id).with_for_update()) is None:
            raise KeyError(f"No study has the id {study_id}.")
        self._refuse_if_held(connection, study_id)

    def _refuse_if_held(self, connection: Connection, study_id: int) -> None:
        name = connection.scalar(select(Study.name).where(Study.id == study_id))
        refuse_if_held(connection, study_id, name or "")

    def _study(self, which: ColumnElement[bool]) -> Any:
        with snapshot(self._engine) as connection:
            row = connection.execute(select(Study.id, Study.name, Study.directions).where(which)).first()
        if row is None:
            raise KeyError("No such study is in the database.")
        return row

    def _study_attrs(self, study_id: int, scope: str) -> dict[str, Any]:
        self._study(Study.id == study_id)
        with snapshot(self._engine) as connection:
            rows = connection.execute(
                select(StudyAttr.key, StudyAttr.value).where(StudyAttr.study_id == study_id, StudyAttr.scope == scope)
            ).all()
        return {row.key: row.value for row in rows}

    def _set_study_attr(self, study_id: int, scope: str, key: str, value: Any) -> None:
        row = {"study_id": study_id, "scope": scope, "key": key, "value": value}
        with self._engine.begin() as connection:
            if connection.scalar(select(Study.id).where(Study.id == study_id)) is None:
                raise KeyError(f"No study has the id {study_id}.")
            upsert(connection, StudyAttr, [row])
