"""Which values a metric can have: told by the words of its name, as the way it is better by (`nas.study_file.ERRORS`).

Names are the tasks', those of models that come compiled, and those of tasks from other packages. Of one that none of
these words is in, nothing is known: it may have any value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isclose, isfinite
from typing import Literal

SHARES = frozenset({"accuracy", "auc", "eer", "f1", "map", "mrr", "ndcg", "precision", "recall"})
"""From 0 to 1."""
AMOUNTS = frozenset({"cer", "loss", "mae", "mse", "rmse", "wer", "weights", "macs", "memory", "latency"})
"""From 0 on: errors, losses and costs."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the greatest value there can be; infinite where there is none."""

    low: float = -inf
    high: float = inf

    def clip(self, value: float) -> float:
        """Return the nearest value there can be; NaN of NaN."""
        return min(max(value, self.low), self.high)

    def holding(self, values: Iterable[float]) -> Bounds:
        """Return the same bounds, as far out as `values`: what was measured there is, whatever its name says."""
        known = [value for value in values if isfinite(value)]
        return Bounds(min([self.low, *known]), max([self.high, *known]))

    def best(self, direction: Literal["minimize", "maximize"]) -> float | None:
        """Return the best value there can be; ``None`` where there always may be a better one."""
        end = self.high if direction == "maximize" else self.low
        return end if isfinite(end) else None

    def __str__(self) -> str:
        if isfinite(self.low) and isfinite(self.high):
            return f"from {self.low:g} to {self.high:g}"
        return f"{self.low:g} or more" if isfinite(self.low) else f"{self.high:g} or less"


ANY = Bounds()


def bounds(metric: str) -> Bounds:
    """Return what values a metric or a cost can have.

    >>> bounds("val_macro_f1"), bounds("val_rmse"), bounds("val_r2"), bounds("val_of_ours") == ANY
    (Bounds(low=0.0, high=1.0), Bounds(low=0.0, high=inf), Bounds(low=-inf, high=1.0), True)
    """
    words = set(metric.split("_"))
    if words & AMOUNTS:
        return Bounds(low=0.0)
    if words & SHARES:
        return Bounds(0.0, 1.0)
    return Bounds(high=1.0) if "r2" in words else ANY


def is_perfect(value: float, metric: str, direction: Literal["minimize", "maximize"]) -> bool:
    """Whether no value of `metric` could be better than `value`."""
    best = bounds(metric).best(direction)
    return best is not None and isclose(value, best, rel_tol=0.0, abs_tol=1e-9)
