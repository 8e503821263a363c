"""What several charts need: where an axis ends, and a point's words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from nas.language import _
from nas.report import words
from nas.store.records import TrialRecord

FEW = 4
"""From the first to the last of so many whole numbers each has its tick."""


def ends(values: Sequence[float], direction: str) -> tuple[float, float]:
    """Return the ends of the axis: all finite values, but for outliers on the bad side."""
    ordered = sorted(value for value in values if isfinite(value))
    if not ordered:
        return 0.0, 1.0
    low, high = ordered[0], ordered[-1]
    inner = ordered[len(ordered) // 20 : len(ordered) - len(ordered) // 20]
    spread = inner[-1] - inner[0]
    if spread > 0 and direction == "maximize":
        low = max(low, inner[0] - 0.5 * spread)
    elif spread > 0:
        high = min(high, inner[-1] + 0.5 * spread)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def counting(numbers: Sequence[float]) -> dict[str, Any]:
    """Return what an axis of whole `numbers` is drawn with: a tick at each where they are few, or else at whole ones.

    Vega's ``tickMinStep`` alone will not do: from 1 to 3 it has one at every half, each written as a whole number.
    """
    low, high = round(min(numbers, default=0)), round(max(numbers, default=0))
    few = {"values": list(range(low, high + 1))} if high - low <= FEW else {}
    return {"tickMinStep": 1, "format": "d", **few}


def held(value: float, limits: tuple[float, float]) -> float:
    """Return `value`, or the end of the axis that it lies beyond."""
    return min(max(value, limits[0]), limits[1])


def tip(trial: TrialRecord, *told: str) -> str:
    """Return what a mark of `trial` says when it is pointed at."""
    family = words.family(trial.family, 32) or _("unknown family")
    said = _("trial {trial}, {family}: {told}", trial=trial.number, family=family, told=words.series(told))
    return f"{trial.number}|{said}"


def magnitude(values: Sequence[float]) -> str:
    """Return the type of scale for costs: a logarithm where they range over more than a factor of ten."""
    return "log" if min(values) > 0 and max(values) > 10 * min(values) else "linear"
