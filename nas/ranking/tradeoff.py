"""Of a study with several objectives: who is on the frontier and how surely, how good it is, and where it bends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from nas.ranking.architectures import Directions, Ranked
from nas.ranking.frontiers import hypervolume, knee
from nas.shares import NORMAL_95

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The frontier of the `ranked` architectures.

    `chances` are, by trial, those of being on it, where a race says how sure the first objective is: true values are
    drawn from the normal distributions that the estimates' intervals are of. `hypervolume` is the volume that the
    frontier dominates up to `reference`, the worst value of each objective; ``None`` of more than three objectives.
    `knee` is the trial where it bends most, of two objectives.
    """

    trials: tuple[int, ...]
    chances: Mapping[int, float]
    hypervolume: float | None
    reference: tuple[float, ...]
    knee: int | None


def tradeoff(ranked: Sequence[Ranked], directions: Directions) -> Tradeoff | None:
    """Return the frontier; ``None`` with one objective, or before there is anything to compare."""
    entries = [entry for entry in ranked if all(isfinite(value) for value in entry.told)]
    if len(directions) < 2 or not entries:
        return None
    signs = np.array([-1.0 if direction == "maximize" else 1.0 for direction in directions])
    losses = np.array([entry.told for entry in entries]) * signs
    believed = np.array([_believed(entry) for entry in entries]) * signs  # not within bounds: these make equals
    worst = losses.max(axis=0)
    front = [index for index, entry in enumerate(entries) if entry.front == 1]
    volume = hypervolume([tuple(row) for row in losses], tuple(worst)) if len(directions) <= 3 else None
    bend = knee([(row[0], row[1]) for row in believed[front]]) if len(directions) == 2 else None
    return Tradeoff(
        tuple(entries[index].trial.number for index in front),
        _chances(entries, believed),
        volume,
        tuple(float(value) for value in worst * signs),
        None if bend is None else entries[front[bend]].trial.number,
    )


def _believed(entry: Ranked) -> tuple[float, ...]:
    belief = entry.belief
    return entry.told if belief is None or not isfinite(belief.estimate) else (belief.estimate, *entry.values[1:])


def _chances(entries: Sequence[Ranked], losses: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> dict[int, float]:
    if not any(entry.belief for entry in entries):
        return {}
    intervals = [(known.low, known.high) if (known := entry.belief) else (0.0, 0.0) for entry in entries]
    spread = np.array([(high - low) / (2 * NORMAL_95) for low, high in intervals])
    first = losses[:, 0] + spread * np.random.default_rng(0).standard_normal((DRAWS, len(entries)))
    others = losses[:, 1:]
    no_worse = (others[:, None] <= others[None]).all(axis=2)  # (beats, beaten), in all but the first
    better = (others[:, None] < others[None]).any(axis=2)
    counts = np.zeros(len(entries))
    for draw in first:
        beats = no_worse & (draw[:, None] <= draw[None]) & (better | (draw[:, None] < draw[None]))
        counts += ~beats.any(axis=0)
    return {entry.trial.number: float(count / DRAWS) for entry, count in zip(entries, counts, strict=True)}
