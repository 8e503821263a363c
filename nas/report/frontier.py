"""What is said of a frontier, on a page and on a terminal alike."""

from __future__ import annotations

from collections.abc import Sequence

from nas.language import _
from nas.ranking.tradeoff import Tradeoff
from nas.report import words

SURE = 0.95
"""A chance of being on the frontier from which on nothing is said about it."""


def volume_sentence(found: Tradeoff, objectives: Sequence[str]) -> str | None:
    """Return how good the frontier is; ``None`` where a volume cannot be had."""
    if found.hypervolume is None:
        return None
    ends = words.series(
        f"{words.short(metric, 40)} {words.score(value, metric)}"
        for metric, value in zip(objectives, found.reference, strict=True)
    )
    return _(
        "The frontier dominates a volume of {volume} up to {ends}.", volume=words.digits(found.hypervolume), ends=ends
    )


def unsure_sentence(found: Tradeoff) -> str | None:
    """Return who may not be on it; ``None`` where all surely are, or nobody knows."""
    unsure = {trial: found.chances[trial] for trial in found.trials if found.chances.get(trial, 1.0) < SURE}
    parts = words.series(
        _("trial {trial} with {chance}", trial=trial, chance=words.percent(chance)) for trial, chance in unsure.items()
    )
    return _("Not surely on it, by what fresh trainings say: {trials}.", trials=parts) if unsure else None
