"""What is said of a frontier, on a page and on a terminal alike."""

from __future__ import annotations

from collections.abc import Sequence

from nas.ranking.tradeoff import Tradeoff
from nas.report import words

SURE = 0.95
"""A chance of being on the frontier from which on nothing is said about it."""


def volume_sentence(found: Tradeoff, objectives: Sequence[str]) -> str | None:
    """Return how good the frontier is; ``None`` where a volume cannot be had."""
    if found.hypervolume is None:
        return None
    ends = ", ".join(
        f"{words.short(metric, 40)} {words.score(value, metric)}"
        for metric, value in zip(objectives, found.reference, strict=True)
    )
    return f"The frontier dominates a volume of {found.hypervolume:.4g} up to {ends}."


def unsure_sentence(found: Tradeoff) -> str | None:
    """Return who may not be on it; ``None`` where all surely are, or nobody knows."""
    unsure = {trial: found.chances[trial] for trial in found.trials if found.chances.get(trial, 1.0) < SURE}
    parts = ", ".join(f"trial {trial} with {chance:.0%}" for trial, chance in unsure.items())
    return f"Not surely on it, by what fresh trainings say: {parts}." if unsure else None
