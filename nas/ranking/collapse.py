"""Trainings that collapsed: scores so far below everything else that they say nothing of the scatter between seeds.

One training in many falls into a hole (a learning rate at the edge, dead units) and ends at a half of what the others
reach. As one more draw of normal noise it would make every interval ten times as wide and every architecture a tie;
what it does tell is that this recipe sometimes fails. So it is counted, and left out of the estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FAR = 14.0
"""So many standard deviations below the other scores of its own candidate, by the scatter within other candidates,"""
ENOUGH = 8
"""if that has so many degrees of freedom in all;"""
SHARE = 0.75
"""it is this quantile of theirs. Two scores lie close together by chance one time in ten: half of a few pairs often do,
and normal noise then seems far out. Up to a quarter of the others may have collapsed themselves."""
RANGES = 5.0
"""Or so many times the range of all other scores below the lowest of them,"""
OTHERS = 5
"""if there are so many others."""


def collapsed(search: Sequence[Sequence[float]], fresh: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return for each candidate which of its fresh scores are of trainings that collapsed: their indices, ascending.

    Args:
        search: Scores of the search, greater is better, one sequence a candidate; finite.
        fresh: Those of fresh trainings, likewise.
    """
    found: list[list[int]] = [[] for _ in fresh]
    while (worst := _worst(search, fresh, found)) is not None:
        candidate, index = worst
        found[candidate] = sorted((*found[candidate], index))
    return found


def _worst(
    search: Sequence[Sequence[float]], fresh: Sequence[Sequence[float]], found: Sequence[Sequence[int]]
) -> tuple[int, int] | None:
    """Return the lowest fresh score that is not among those `found`, if it is of a training that collapsed."""
    left = [
        (score, candidate, index)
        for candidate, (scores, gone) in enumerate(zip(fresh, found, strict=True))
        for index, score in enumerate(scores)
        if index not in gone  # by its index: several that collapsed often have the very same score, that of chance
    ]
    if not left:
        return None
    lowest, candidate, index = min(left)
    still = [
        [*old, *(score for score, at, place in left if at == number and (at, place) != (candidate, index))]
        for number, old in enumerate(search)
    ]
    own, others = still[candidate], [scores for number, scores in enumerate(still) if number != candidate]
    every = [*own, *(score for scores in others for score in scores)]
    if _far_below_its_own(lowest, own, others) or _far_below_all(lowest, every):
        return candidate, index
    return None


def _far_below_its_own(lowest: float, own: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
    variances = [float(np.var(scores, ddof=1)) for scores in others if len(scores) > 1]
    if not own or sum(len(scores) - 1 for scores in others if scores) < ENOUGH:
        return False
    scatter = np.sqrt(np.quantile(variances, SHARE, method="lower"))
    return bool(scatter > 0 and lowest < np.median(own) - FAR * scatter)


def _far_below_all(lowest: float, others: Sequence[float]) -> bool:
    size = max(others) - min(others) if others else 0.0
    return len(others) >= OTHERS and size > 0 and lowest < min(others) - RANGES * size
