"""What a candidate may cost, checked before an epoch is spent."""

from __future__ import annotations

import optuna

from nas.architecture import Cost, Latency
from nas.study_file import LimitsSection

UNITS = {"weights": "weights", "macs": "macs", "memory": "bytes of memory", "latency_ms": "ms"}


def over_limit(trial: optuna.Trial, cost: Cost, limits: LimitsSection, latency: Latency | None = None) -> str | None:
    """Return which limit `cost` exceeds and by how much, or ``None``; tell `trial`'s sampler either way.

    The sampler hears it as a constraint, the relative excess: 0.5 is half as much again, at most 0 is allowed.
    A cost that is not known cannot be held against a candidate.
    """
    excess = []
    told = trial.storage.get_trial(trial._trial_id).constraints  # a resumed trial has told them already
    actuals: dict[str, float | None] = {"weights": cost.weights, "macs": cost.macs, "memory": cost.memory}
    actuals["latency_ms"] = None if latency is None else latency.median_ms
    for name, actual in actuals.items():
        allowed = getattr(limits, name)
        if allowed is None or actual is None:
            continue
        if name not in told:
            trial.set_constraint(name, actual / allowed - 1.0)
        if actual > allowed:
            excess.append(f"{_told(actual)} {UNITS[name]}, {_told(allowed)} allowed (limits.{name})")
    return "; ".join(excess) or None


def _told(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.3g}"
