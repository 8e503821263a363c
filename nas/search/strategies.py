"""Named pairs of a sampler and a pruner that go well together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strategy:
    """A sampler and a pruner, by their names in `nas.catalogue`."""

    sampler: str
    pruner: str


AUTO = Strategy("tpe", "asha")
TPE = Strategy("tpe", "asha")
RANDOM = Strategy("random", "asha")
EVOLUTION = Strategy("nsga2", "none")  # it breeds from complete trials alone: pruning would leave it none
QMC = Strategy("qmc", "asha")
