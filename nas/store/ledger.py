"""The coordinator's hold on one study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from nas.conversation import Architecture, Epoch, FailureKind, Scalar
from nas.store.records import NewSession, Outcome, StudyRecord, TrialRecord


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
    """Write a new study into the database at `url`, which is created where it is missing."""
    raise NotImplementedError


class Ledger(BaseStorage):
    """The coordinator's hold on one study: its lease, a mirror of its trials in memory, and grouped writes."""

    study: optuna.Study
    record: StudyRecord

    @classmethod
    def open(cls, url: str, name: str, session: NewSession) -> Ledger:
        """Take the lease of study `name` and load its trials."""
        raise NotImplementedError

    def set_budget(self, trials: int | None, hours: float | None) -> None:
        """Set the totals the study may spend."""
        raise NotImplementedError

    def set_data(self, card: dict[str, Any]) -> None:
        """Keep the data card."""
        raise NotImplementedError

    def start_attempt(self, trial_id: int, worker: int) -> int:
        """Return the number, from 1, of a new attempt at a trial by the worker of that pid."""
        raise NotImplementedError

    def built(
        self,
        trial_id: int,
        *,
        family: str,
        architecture: Architecture,
        training: dict[str, Scalar] | None,
        duplicate_of: int | None,
    ) -> None:
        """Keep what was built."""
        raise NotImplementedError

    def epoch(self, trial_id: int, epoch: Epoch, value: float) -> None:
        """Keep one epoch; `value` is what the pruner sees. Idempotent by step."""
        raise NotImplementedError

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
        """End a trial and its open attempt."""
        raise NotImplementedError

    def end_attempt(self, trial_id: int, outcome: Literal["interrupted", "lost"], message: str) -> None:
        """End the open attempt; the trial stays RUNNING, to be gone on with."""
        raise NotImplementedError

    def twin(self, fingerprint: str, training: dict[str, Scalar]) -> int | None:
        """Return the number of the first trial with that architecture and those training choices."""
        raise NotImplementedError

    def unfinished(self) -> list[FrozenTrial]:
        """Return the RUNNING trials, by number."""
        raise NotImplementedError

    def trial_record(self, trial_id: int) -> TrialRecord:
        """Return the record of one trial, from memory."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """Return trials by outcome, as `StudyRecord.counts`."""
        raise NotImplementedError

    def event(self, kind: str, message: str, trial: int | None = None) -> None:
        """Keep an event; `trial` is a number."""
        raise NotImplementedError

    def renew(self) -> None:
        """Say that the holder lives."""
        raise NotImplementedError

    def flush(self) -> None:
        """Write what is pending, in one transaction."""
        raise NotImplementedError

    def close(self, ending: str) -> None:
        """Flush, end the session, let the lease go."""
        raise NotImplementedError
