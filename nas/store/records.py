"""What the store hands out: frozen records, never live rows.

Times are aware UTC datetimes, durations seconds, scores whatever the study's objectives are. Floats that are
not finite stay so here; whoever prints them decides how.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from nas.architecture import Cost, Latency, Node
from nas.conversation import FailureKind, Scalar
from nas.store.evaluation_records import EpochRecord, EvaluationRecord

Outcome: TypeAlias = Literal["complete", "pruned", "failed"]
"""How a trial ended. A candidate over a limit is ``failed`` with kind ``rejected``: Optuna's state of it is
PRUNED, because samplers learn nothing from FAIL."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that runs a study.

    `boot_id`, with the namespace of pids, and `process_started` (seconds from boot) tell a process from another one of
    the same pid.
    """

    pid: int
    host: str
    boot_id: str
    process_started: float


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is known when a launch or a resume begins."""

    holder: Holder
    command: str
    seed: int
    versions: dict[str, str]
    space_fingerprints: dict[str, str]
    """By family."""
    data_fingerprint: str
    commit: str | None
    machine: str | None = None
    """Its cores, memory, system and Python, for people."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One launch or resume of a study, or a race or a fine-tuning after it."""

    id: int
    command: str
    holder: Holder
    seed: int
    versions: dict[str, str]
    space_fingerprints: dict[str, str]
    data_fingerprint: str
    commit: str | None
    started: datetime
    renewed: datetime
    """When the holder last said that it lives."""
    ended: datetime | None
    """``None`` while it runs, and for ever if it was killed."""
    ending: str | None
    """How it ended, for people: "budget used up", "interrupted by Ctrl-C" …"""
    machine: str | None = None
    """See `NewSession`."""

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of this session, as far as is known."""
        return ((self.ended or self.renewed) - self.started).total_seconds()

    @property
    def searches(self) -> bool:
        """Whether it was one of the search: not ``nas race`` or ``nas finetune``, which have budgets of their own."""
        return self.command.split()[1:2] not in (["race"], ["finetune"])


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as a whole."""

    id: int
    name: str
    created: datetime
    file: str | None
    """The text of the study file; ``None`` for a study made through Optuna's own API."""
    base: str
    """The folder that relative paths in the file start from."""
    directions: tuple[Literal["minimize", "maximize"], ...]
    objectives: tuple[str, ...]
    trials_budget: int | None
    hours_budget: float | None
    data: dict[str, Any] | None
    """The data card as a plain dict (see `nas.data_card.DataCard`)."""
    sessions: tuple[SessionRecord, ...]
    counts: dict[str, int]
    """Trials by ``complete``, ``pruned``, ``failed``, ``running`` where they cost something; apart from these the
    ``duplicate`` and the ``rejected``, on which no epoch was spent. Each trial is counted once, so they add up."""
    running: Holder | None
    """Who runs it now, as far as the lease tells."""
    race_budget: int = 0
    """How many of the trials in its budget are not trials of the search but trainings of its race."""
    raced: int = 0
    """How many trainings of a race have ended."""

    @property
    def search_budget(self) -> int | None:
        """The trials that the search may make: what the race leaves of the budget."""
        return None if self.trials_budget is None else max(0, self.trials_budget - self.race_budget)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds over all sessions of the search: what its hours are counted by."""
        return sum(session.seconds for session in self.sessions if session.searches)

    @property
    def hours_bind(self) -> bool:
        """Whether its hours end it before its trials do, at its pace so far."""
        if self.hours_budget is None or self.trials_budget is None:
            return self.hours_budget is not None
        if over := used_up(self):
            return "trials" not in over
        done = spent(self.counts) - self.counts.get("running", 0) + min(self.raced, self.race_budget)
        left = 3600 * self.hours_budget - self.seconds
        return done > 1 and (self.trials_budget - done) * self.seconds / done > left


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try at a trial. `outcome` is ``None`` while it runs; ``lost`` when worker or coordinator died."""

    number: int
    session: int
    worker: int
    started: datetime
    ended: datetime | None
    outcome: Literal["complete", "pruned", "failed", "interrupted", "lost"] | None
    message: str | None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial, without its curve and graph (see `nas.store.queries.curves` and `graph`)."""

    number: int
    outcome: Outcome | None
    """``None`` while it runs or waits."""
    kind: FailureKind | None
    message: str | None
    traceback: str | None
    values: tuple[float, ...] | None
    """One per objective; for a pruned trial the last value reported of the first objective."""
    params: dict[str, Scalar]
    family: str | None
    training: dict[str, Scalar]
    """The training choices; ``params`` holds them too, under ``training/``."""
    fingerprint: str | None
    cost: Cost
    duplicate_of: int | None
    started: datetime | None
    ended: datetime | None
    epochs: int
    """How many were trained."""
    seconds: float
    """What they took."""
    metrics: dict[str, float]
    """Of the last epoch."""
    attempts: int

    @property
    def architecture(self) -> dict[str, Scalar]:
        """The params that shape the architecture: all but the training choices."""
        return {name: value for name, value in self.params.items() if not name.startswith("training/")}


@dataclass(frozen=True, slots=True)
class LatencyRecord:
    """What an architecture took on one machine. `alone`: with nothing else of ours running there."""

    at: datetime
    host: str
    alone: bool
    latency: Latency


@dataclass(frozen=True, slots=True)
class TrialDetail:
    """Everything about one trial."""

    trial: TrialRecord
    epochs: tuple[EpochRecord, ...]
    graph: tuple[Node, ...]
    attempts: tuple[AttemptRecord, ...]
    latencies: tuple[LatencyRecord, ...] = ()
    evaluations: tuple[EvaluationRecord, ...] = ()
    """Trainings of what it built outside the search."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something worth remembering that happened while a study ran."""

    at: datetime
    kind: str
    message: str
    trial: int | None = None
    session: int | None = field(default=None)


def spent(counts: Mapping[str, int]) -> int:
    """Return how many of a study's trials count against the budget of its search."""
    return sum(counts.get(key, 0) for key in ("complete", "pruned", "failed", "running"))


def counted_as(outcome: str | None, kind: str | None, *, is_duplicate: bool) -> str:
    """Return under which key of `StudyRecord.counts` a trial is counted."""
    if is_duplicate:
        return "duplicate"
    return "rejected" if kind == "rejected" else outcome or "running"


USED_UP = "The budget is used up"
EXHAUSTED = "The space is exhausted"
"""How the endings of sessions begin after which nothing is left to do."""

State: TypeAlias = Literal["running", "stopped", "finished"]


def state(study: StudyRecord) -> State:
    """Return ``running`` while a living process holds `study`, ``finished`` when there is nothing left to do."""
    if study.running is not None:
        return "running"
    return "finished" if used_up(study) or is_exhausted(study) else "stopped"


def used_up(study: StudyRecord) -> tuple[Literal["trials", "hours"], ...]:
    """Return which of the study's budgets nothing is left of. A trial that was interrupted has yet to be trained."""
    done = spent(study.counts) - study.counts.get("running", 0)
    trials = study.search_budget is not None and done >= study.search_budget and study.raced >= study.race_budget
    hours = study.hours_budget is not None and study.seconds >= 3600 * study.hours_budget
    if study.hours_budget is not None and not trials:  # or what is left of them is too little for another training
        hours = hours or _ending_of_the_search(study).startswith(USED_UP)
    return (*(("trials",) if trials else ()), *(("hours",) if hours else ()))


def is_exhausted(study: StudyRecord) -> bool:
    """Tell whether the last session found nothing new to try; only its ending says so."""
    return _ending_of_the_search(study).startswith(EXHAUSTED)


def _ending_of_the_search(study: StudyRecord) -> str:
    """Return how the last launch or resume ended: what was trained outside the search leaves that as it was."""
    searched = [session for session in study.sessions if session.searches]
    return (searched[-1].ending or "") if searched else ""


def can_be_fine_tuned(study: StudyRecord) -> bool:
    """Tell whether the task of `study` has labels to measure a trained model on."""
    from nas import catalogue  # which looks for entry points

    kind = tomllib.loads(study.file or "").get("task", {}).get("kind", "classification")
    return study.file is not None and kind in catalogue.tasks and not catalogue.tasks[kind].makes_labels


def unfinished(study: StudyRecord) -> Literal["running", "interrupted"]:
    """Return what to call a trial of `study` that has no outcome."""
    return "interrupted" if study.running is None else "running"
