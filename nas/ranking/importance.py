"""Which choices matter: how differently the best trials are distributed over a choice from all trials.

PED-ANOVA: of each choice alone, the Pearson divergence of two densities, that of the best trials and that of all. A
choice that the best make like all others has none; what is not a number is placed by its index.

Source:
    Watanabe, Bansal & Hutter 2023, IJCAI, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
    subspaces", equation (14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import TYPE_CHECKING

import numpy as np

from nas.conversation import Scalar

if TYPE_CHECKING:
    from nas.ranking.posterior import Floats

FEWEST = 10
"""Trials with a choice before anything is said of it."""
BEST_SHARE, FEWEST_BEST = 0.1, 5
GRID = 50
FEW_VALUES = 8
"""Up to so many distinct numbers are compared one by one."""
LOG_RATIO = 30.0
"""Positive numbers that range over more than this factor are compared by their logarithm."""


@dataclass(frozen=True, slots=True)
class Importance:
    """What one choice has to do with being among the best. `share` is of the sum over all choices."""

    choice: str
    share: float
    trials: int
    """How many made this choice: a choice of one family is compared within that family."""


def importances(params: Sequence[Mapping[str, Scalar]], losses: Sequence[float]) -> tuple[Importance, ...]:
    """Return how much each choice matters, the most important first; nothing where too few trials say anything.

    Args:
        params: What each trial chose.
        losses: Less is better; infinite of a trial that was pruned, which only tells that it is not among the best.
    """
    names = dict.fromkeys(name for chosen in params for name in chosen)
    found = []
    for name in names:
        having = [(chosen[name], loss) for chosen, loss in zip(params, losses, strict=True) if name in chosen]
        values, its_losses = [value for value, _ in having], np.array([loss for _, loss in having])
        if len(having) < FEWEST or len(set(map(repr, values))) < 2 or not np.isfinite(its_losses).any():
            continue
        count = max(FEWEST_BEST, ceil(BEST_SHARE * len(having)))
        best = np.argsort(its_losses, kind="stable")[: min(count, int(np.isfinite(its_losses).sum()))]
        weight = len(having) / len(params)  # what few trials ever choose matters to few
        found.append((name, weight * _divergence(places(values), best), len(having)))
    total = sum(value for _, value, _ in found)
    if total <= 0:
        return ()
    shares = [Importance(name, value / total, trials) for name, value, trials in found]
    return tuple(sorted(shares, key=lambda one: (-one.share, one.choice)))


def is_number(value: Scalar) -> bool:
    """Return whether `value` is a finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def is_logarithmic(values: Sequence[Scalar]) -> bool:
    """Return whether `values` are positive numbers over so wide a range that their logarithms are to be compared."""
    numbers = [float(value) for value in values if is_number(value) and not isinstance(value, str) and value]
    return len(numbers) == len(values) > 0 and min(numbers) > 0 and max(numbers) / min(numbers) > LOG_RATIO


def places(values: Sequence[Scalar]) -> tuple[Floats, int]:
    """Return where each of `values` lies in 0 … 1, and how many categories there are, 0 for numbers."""
    if all(is_number(value) for value in values):
        numbers = np.array([float(value or 0) for value in values])
        if is_logarithmic(values):
            numbers = np.log(numbers)
        low, high = numbers.min(), numbers.max()
        return (numbers - low) / ((high - low) or 1.0), 0
    kinds = sorted(set(map(repr, values)))
    return np.array([kinds.index(repr(value)) / max(1, len(kinds) - 1) for value in values]), len(kinds)


def _divergence(placed: tuple[Floats, int], best: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> float:
    positions, categories = placed
    distinct, index = np.unique(positions, return_inverse=True)
    if categories or len(distinct) <= FEW_VALUES:
        counts = [np.bincount(part, minlength=len(distinct)).astype(float) for part in (index, index[best])]
    else:
        # One width for both, that of the few: else all would look narrower than the best for their number alone.
        width = max(0.5 / GRID, 1.059 * float(positions.std()) * len(best) ** -0.2)  # Scott's rule
        counts = [_smoothed(part, width) for part in (positions, positions[best])]
    everywhere, among_best = (_density(count) for count in counts)
    return float(np.sum(everywhere * (among_best / everywhere - 1) ** 2))


def _smoothed(positions: Floats, width: float) -> Floats:
    """Return how many of `positions` are about each point of a grid."""
    grid = np.linspace(0.0, 1.0, GRID)
    kernels = np.exp(-0.5 * ((grid[None] - positions[:, None]) / width) ** 2)
    counts: Floats = (kernels / kernels.sum(axis=1, keepdims=True)).sum(axis=0)
    return counts


def _density(counts: Floats) -> Floats:
    """Return shares, one more observation spread evenly over all: nothing is impossible."""
    density: Floats = (counts + 1.0 / len(counts)) / (counts.sum() + 1.0)
    return density
