"""One trial in conversation with one worker: what it is about, and how it is going to end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import optuna

from nas.architecture import Architecture, Latency
from nas.conversation import FailureKind, Scalar


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial ends. ``interrupted`` and ``twin`` leave it unfinished for now.

    A ``twin`` waits for the trial that is training the same architecture at this moment.
    """

    outcome: Literal["complete", "pruned", "failed", "interrupted", "twin"]
    kind: FailureKind | None = None
    message: str | None = None
    traceback: str | None = None


@dataclass(slots=True)
class LiveTrial:
    """A trial that a worker is at.

    `default` marks a family's default member: it takes every choice's default and is never pruned.
    `known` is the last epoch the store had when this attempt began. `at_random`: no sampler is asked, see `Budget`.
    `spared`: it would have been pruned and runs on, to show whether that were right.
    """

    trial: optuna.Trial
    family: str
    default: bool
    known: int
    at_random: bool
    spared: bool = False
    architecture: Architecture | None = None
    training: dict[str, Scalar] | None = None
    latency: Latency | None = None
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    twin_of: int | None = None

    @property
    def id(self) -> int:
        """Optuna's id of the trial, unique in the database."""
        return self.trial._trial_id

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number
