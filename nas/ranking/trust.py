"""How far a search's order can be trusted: agreement of two orders, what a hand-off may miss, what pruning cost.

Scores are turned so that greater is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, nan, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nas.ranking.posterior import Floats

ROWS = 512
"""Of a matrix of pairs that are in memory at once."""


def kendall(one: Sequence[float], two: Sequence[float]) -> float:
    """Return Kendall's τ_b of two series of scores of the same things: 1 for the same order, -1 for the reverse.

    τ_b = (concordant - discordant) / √((pairs not tied in one)·(pairs not tied in two)); ``nan`` where all of a series
    is tied, or there are fewer than two things.

    Source:
        Kendall 1945, Biometrika 33(3), "The treatment of ties in ranking problems".

    Raises:
        ValueError: The series differ in length, or a score is not finite.
    """
    first, second = np.asarray(one, float), np.asarray(two, float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"Two orders must be of the same things. Received: {first.shape} and {second.shape} scores.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("Scores must be finite. Received one that is not: leave out what failed in either series.")
    agreeing, untied = 0, [0, 0]
    for start in range(0, len(first), ROWS):  # every pair twice, of both signs: all three counts are doubled
        signs = [_signs(values[start : start + ROWS, None], values[None, :]) for values in (first, second)]
        agreeing += int(np.sum(signs[0] * signs[1], dtype=np.int64))
        untied = [count + int(np.count_nonzero(sign)) for count, sign in zip(untied, signs, strict=True)]
    return agreeing / sqrt(untied[0] * untied[1]) if all(untied) else nan


def _signs(one: Floats, two: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return (one > two).astype(np.int8) - (one < two).astype(np.int8)


@dataclass(frozen=True, slots=True)
class RungAgreement:
    """How well scores at an early epoch foretell the order at the last. Each is Kendall's τ_b, ``nan`` if unknown."""

    epoch: int
    trials: int
    """How many have a score at both."""
    overall: float
    top_third: float
    """Among the third that is best at the end: what a search is about."""
    top_ten: float
    """Among the ten that are best at the end."""


def rung_agreement(curves: Sequence[Mapping[int, float]], epochs: Sequence[int], last: int) -> list[RungAgreement]:
    """Return for each of `epochs` how its scores agree with those at epoch `last`.

    Args:
        curves: Scores by epoch, one mapping a trial; trials that lack a finite score at either are left out. Trials
            that were pruned lack the last one: those that are left agree more closely than all would have.
        epochs: Which rungs.
        last: The epoch whose score is the trial's value.
    """
    told = []
    for epoch in epochs:
        pairs = np.array([(curve[epoch], curve[last]) for curve in curves if epoch in curve and last in curve], float)
        pairs = pairs.reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        pairs = pairs[np.argsort(-pairs[:, 1], kind="stable")]
        parts = (len(pairs), ceil(len(pairs) / 3), min(10, len(pairs)))
        told.append(RungAgreement(epoch, len(pairs), *(kendall(pairs[:n, 0], pairs[:n, 1]) for n in parts)))
    return told


def handoff_regret(draws: Floats, count: int) -> float:
    """Return by how much the best of the first `count` is expected to fall short of the best of all.

    Args:
        draws: (draws, candidates) from the posterior of true values, columns in the order handed over:
            `nas.ranking.Ranking.draws`.
        count: How many are handed over, at least 1.

    Raises:
        ValueError: `count` is less than 1, or there are no candidates.
    """
    if count < 1 or draws.shape[1] < 1:
        raise ValueError(f"At least one candidate must be handed over. Received: {count} of {draws.shape[1]}.")
    return float(np.mean(draws.max(axis=1) - draws[:, :count].max(axis=1)))


@dataclass(frozen=True, slots=True)
class Share:
    """A share estimated from a sample, with the interval it is in."""

    found: int
    of: int
    estimate: float
    low: float
    high: float


def wrongly_pruned(found: int, of: int, level: float = 0.95) -> Share:
    """Return which share of pruned trials would have been among the best, from a random sample of them that ran on.

    The estimate is found / of, ``nan`` if nothing ran on; the interval is Jeffreys's, equal-tailed, of Beta(found + ½,
    of - found + ½), with 0 and 1 where none and all were found. It is for *random* trials, run on whatever they score.

    Source:
        Brown, Cai & DasGupta 2001, Statistical Science 16(2), section 3.1.3 and 4.1.1 (the ends).

    Raises:
        ValueError: Not 0 ≤ found ≤ of, or a level outside (0, 1).
    """
    if not 0 <= found <= of or not 0 < level < 1:
        raise ValueError(f"Wanted: 0 ≤ found ≤ of, and a level in (0, 1). Received: {found} of {of}, level={level}.")
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if found == 0 else float(betaincinv(found + 0.5, of - found + 0.5, tail))
    high = 1.0 if found == of else float(betaincinv(found + 0.5, of - found + 0.5, 1 - tail))
    return Share(found, of, found / of if of else nan, low, high)
