# ruff: noqa: D102  (Optuna documents the methods of BaseStorage)
"""One study's trials in memory: what samplers and pruners ask is answered here, what they write waits to be saved."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Sequence
from copy import copy, deepcopy
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from nas.store.frozen import outcome_of, param_row, to_utc, value_rows
from nas.store.models import Epoch, StudyAttr, Trial, TrialAttr, TrialParam, TrialValue
from nas.store.writing import Pending


class Mirror(BaseStorage):
    """Optuna's storage interface over the trials of one study, held in memory.

    A trial is replaced, never changed, when something is written: whoever holds the old one keeps it as it was.
    Not thread-safe.
    """

    def __init__(self, study_id: int, name: str, directions: Sequence[StudyDirection]) -> None:
        self._study_id = study_id
        self._name = name
        self._directions = list(directions)
        self._trials: list[FrozenTrial] = []
        self._numbers: dict[int, int] = {}
        self._waiting: set[int] = set()
        self._distributions: dict[str, BaseDistribution] = {}
        self._attrs: dict[str, dict[str, Any]] = {"user": {}, "system": {}}
        self._pending = Pending()

    # ------------------------------------------------------------ the study

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        raise NotImplementedError("A ledger holds one study. nas.store.ledger.create_study makes another.")

    def delete_study(self, study_id: int) -> None:
        raise NotImplementedError("A ledger holds its study while it runs. Delete it through StudyStorage.")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attr(study_id, "user", key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._set_study_attr(study_id, "system", key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        if study_name != self._name:
            raise KeyError(f"This ledger holds the study {self._name!r}, not {study_name!r}.")
        return self._study_id

    def get_study_name_from_id(self, study_id: int) -> str:
        self._check_study(study_id)
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        self._check_study(study_id)
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        self._check_study(study_id)
        return self._attrs["user"]

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        self._check_study(study_id)
        return self._attrs["system"]

    def get_all_studies(self) -> list[FrozenStudy]:
        user, system = deepcopy(self._attrs["user"]), deepcopy(self._attrs["system"])
        return [FrozenStudy(self._name, None, user, system, self._study_id, directions=self._directions)]

    # ------------------------------------------------------------ reading trials

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[self.get_trial_number_from_id(trial_id)]

    def get_trial_number_from_id(self, trial_id: int) -> int:
        if trial_id not in self._numbers:
            raise KeyError(f"The study {self._name!r} has no trial with the id {trial_id}.")
        return self._numbers[trial_id]

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        self._check_study(study_id)
        if not 0 <= trial_number < len(self._trials):
            raise KeyError(f"The study {self._name!r} has no trial {trial_number}.")
        return self._trials[trial_number]._trial_id

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        self._check_study(study_id)
        if states == (TrialState.WAITING,):  # asked before every trial: not worth a walk over all of them
            trials = [self._trials[number] for number in sorted(self._waiting)]
        else:
            trials = [trial for trial in self._trials if states is None or trial.state in states]
        return _deepcopy(trials) if deepcopy else trials

    # ------------------------------------------------------------ writing trials

    @abstractmethod
    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int: ...

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        trial = self._updatable(trial_id)
        if param_name in self._distributions:
            check_distribution_compatibility(self._distributions[param_name], distribution)
        params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
        position = list(params).index(param_name)
        self._pending.put(TrialParam, param_row(trial_id, param_name, position, param_value_internal, distribution))
        self._distributions.setdefault(param_name, distribution)
        self._replace(trial, params=params, distributions={**trial.distributions, param_name: distribution})

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        trial = self._updatable(trial_id)
        if state == TrialState.RUNNING and trial.state != TrialState.WAITING:
            return False
        changes: dict[str, Any] = {"state": state}
        if values is not None:
            changes["values"] = list(values)
        if state == TrialState.RUNNING:
            changes["datetime_start"] = datetime.now()
        if state.is_finished():
            changes["datetime_complete"] = datetime.now()
        trial = self._replace(trial, **changes)
        for row in value_rows(trial_id, values):
            self._pending.put(TrialValue, row)
        self._pending.change(
            Trial,
            trial_id,
            state=state.name,
            outcome=outcome_of(state),
            started=to_utc(trial.datetime_start),
            ended=to_utc(trial.datetime_complete),
        )
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        trial = self._updatable(trial_id)
        self._pending.put(Epoch, {"trial_id": trial_id, "step": step, "value": intermediate_value})
        self._replace(trial, intermediate_values={**trial.intermediate_values, step: intermediate_value})

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self._updatable(trial_id)
        self._pending.put(TrialAttr, {"trial_id": trial_id, "scope": "user", "key": key, "value": value})
        self._replace(trial, user_attrs={**trial.user_attrs, key: value})

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self._updatable(trial_id)
        self._pending.put(TrialAttr, {"trial_id": trial_id, "scope": "system", "key": key, "value": value})
        self._replace(trial, system_attrs={**trial.system_attrs, key: value})

    # ------------------------------------------------------------ the mirror itself

    def _append(self, trial: FrozenTrial) -> None:
        """Take in a trial as the database has it: the next one by number."""
        self._numbers[trial._trial_id] = trial.number
        self._trials.append(trial)
        if trial.state == TrialState.WAITING:
            self._waiting.add(trial.number)
        for name, distribution in trial.distributions.items():
            self._distributions.setdefault(name, distribution)

    def _replace(self, trial: FrozenTrial, **changes: Any) -> FrozenTrial:
        trial = copy(trial)
        for name, value in changes.items():
            setattr(trial, name, value)
        self._trials[trial.number] = trial
        if trial.state != TrialState.WAITING:
            self._waiting.discard(trial.number)
        return trial

    def _updatable(self, trial_id: int) -> FrozenTrial:
        trial = self.get_trial(trial_id)
        self.check_trial_is_updatable(trial_id, trial.state)
        return trial

    def _set_study_attr(self, study_id: int, scope: str, key: str, value: Any) -> None:
        self._check_study(study_id)
        self._attrs[scope] = {**self._attrs[scope], key: value}
        self._pending.put(StudyAttr, {"study_id": study_id, "scope": scope, "key": key, "value": value})

    def _check_study(self, study_id: int) -> None:
        if study_id != self._study_id:
            raise KeyError(f"This ledger holds the study with the id {self._study_id}, not {study_id}.")


_deepcopy = deepcopy  # BaseStorage names an argument so
