"""What is trained and measured outside the search, as it is stored: races, fine-tuning, looks, embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from nas.conversation import FailureKind

Purpose: TypeAlias = Literal["race", "finetune"]
"""What an evaluation is for."""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch of a trial or an evaluation. `value` is the first objective: what a pruner sees."""

    step: int
    value: float
    metrics: dict[str, float]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """A training outside the search: what trial number `trial` built, trained once more.

    `seed` of a race counts from 0 and is the same for every architecture. `plan` holds what was different from how the
    trial was trained. `score` is the first objective's value, NaN where there is none.
    """

    number: int
    purpose: Purpose
    trial: int
    seed: int
    plan: dict[str, Any]
    epochs: int
    outcome: Literal["complete", "failed"] | None
    """``None`` while it runs, or waits to be gone on with."""
    kind: FailureKind | None
    message: str | None
    traceback: str | None
    score: float
    curve: tuple[EpochRecord, ...]
    attempts: int
    started: datetime
    ended: datetime | None

    @property
    def seconds(self) -> float:
        """What its epochs took."""
        return sum(epoch.seconds or 0.0 for epoch in self.curve)


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value and a 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EnsembleMember:
    """One of the models of an ensemble: an evaluation of a trial, and how often it counts in the mean."""

    trial: int
    evaluation: int
    count: int


@dataclass(frozen=True, slots=True)
class LookRecord:
    """One measurement on the test split, of `examples` examples. `trial` ``None``: of an ensemble of `members`."""

    number: int
    trial: int | None
    evaluation: int | None
    at: datetime
    examples: int
    metrics: dict[str, Interval]
    members: tuple[EnsembleMember, ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    """Some examples on two principal components, and the share of the variance that each of these explains.

    `labels` are places in `names`, those of the classes.
    """

    explained: tuple[float, float]
    x: tuple[float, ...]
    y: tuple[float, ...]
    labels: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbeddingRecord:
    """What the vectors that a trial's model gives of a split are worth.

    Its weights are those of `evaluation`, or of the search where that is ``None``. `layer` is ``None`` for the
    encoder's features. `knn` and `probe` are accuracies on so many `examples`, learned from so many of `train`.
    """

    trial: int
    evaluation: int | None
    at: datetime
    split: str
    layer: str | None
    normalised: bool
    width: int
    neighbours: int
    knn: Interval
    probe: Interval
    converged: bool
    """Whether the probe came to an end."""
    train: int
    examples: int
    projection: Projection
