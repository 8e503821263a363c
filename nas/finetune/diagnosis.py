"""What a training curve says went wrong, and what to try: overfitting, too slow, not converging, underfitting, labels.

Rules of thumb, each with its threshold in the sentence it gives; after Goodfellow, Bengio & Courville 2016, Deep
Learning, sections 5.2 and 11.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nas.store.evaluation_records import EpochRecord, EvaluationRecord

Kind: TypeAlias = Literal["not converging", "overfitting", "too slow", "underfitting", "label noise"]
GAP = 0.1
"""A score of training that is so much better than that of validation (relative to it) is a sign of overfitting."""
RISE = 0.1
"""So is a validation loss that has risen by so much from its lowest."""
STILL = 0.01
"""A score that has improved by so much, relatively, over the last quarter is still improving."""
ENOUGH = {"maximize": 0.7, "minimize": 0.3}
"""Who learns has come so far on its own examples: from what can be had without an encoder towards a perfect score."""
GENERAL = 0.5
"""Who judges labels it has not trained on has come so far on them, from the baseline towards a perfect score."""
_COUNTED = re.compile(r"example [0-9]+ of .+")
DOUBTFUL = 0.03
"""So many doubtful labels are worth looking at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong: `what` was seen, and the `remedy`, a sentence each."""

    kind: Kind
    what: str
    remedy: str


def diagnose(
    record: EvaluationRecord, metric: str, direction: Literal["minimize", "maximize"], baseline: float | None = None
) -> list[Finding]:
    """Return what the curve of a training says, the most serious first; nothing is a good sign.

    Args:
        record: The training.
        metric: The first objective, ``val_…``.
        direction: Which way is better.
        baseline: What can be had without an encoder.
    """
    if record.outcome == "failed" and record.kind == "nan":
        return [
            Finding("not converging", record.message or "Its loss is no number any more.", "A lower learning rate.")
        ]
    curve = record.curve
    if len(curve) < 2:
        return []
    sign = 1.0 if direction == "maximize" else -1.0
    enough = ENOUGH[direction]
    checks = (
        _not_converging(curve, baseline, sign, enough),
        _overfitting(curve, metric, sign),
        _too_slow(curve, sign),
        _underfitting(curve, metric, sign, baseline, enough),
    )
    return [found for found in checks if found is not None]


def doubt(share: float | None, suspects: Sequence[str]) -> Finding | None:
    """Return what is to be said of labels that a model, which has not trained on them, doubts.

    Of a model that `cannot_judge` labels nothing is to be said.
    """
    if share is None or share < DOUBTFUL:
        return None
    counted = " (counted from 0)" if any(_COUNTED.fullmatch(name) for name in suspects) else ""
    return Finding(
        "label noise",
        f"Up to {share:.0%} of the validation labels may be wrong: another class is as likely as for examples that "
        f"have its label. The most doubtful{counted}: {', '.join(suspects[:5])}.",
        "Look at these examples; no training gets past wrong labels.",
    )


def cannot_judge(findings: Sequence[Finding], score: float, baseline: float | None, sign: float) -> str | None:
    """Return why a model is no judge of labels, or ``None`` where it is one.

    One that has not learned its own examples, or not what holds for others too, doubts labels because it knows no
    better.

    Args:
        findings: What its curve says.
        score: Its validation score.
        baseline: What can be had without an encoder.
        sign: 1 where more is better, else -1.
    """
    unlearned = [found.kind for found in findings if found.kind in ("not converging", "too slow", "underfitting")]
    if unlearned:
        return f"its training is {unlearned[0]}"
    learned = _learned(score, baseline, sign)
    if learned < GENERAL:
        return f"on the validation split it has come {max(0.0, learned):.0%} of the way from the baseline to perfect"
    return None


def _series(curve: Sequence[EpochRecord], name: str) -> list[float]:
    return [epoch.metrics.get(name, math.nan) for epoch in curve]


def _learned(value: float, baseline: float | None, sign: float) -> float:
    """Return how far `value` is from `baseline` towards a perfect score, which is 1, or 0 where less is better."""
    if baseline is None:
        return math.nan
    return (value - baseline) / max(1.0 - baseline, 1e-9) if sign > 0 else 1.0 - value / max(baseline, 1e-9)


def _not_converging(curve: Sequence[EpochRecord], baseline: float | None, sign: float, enough: float) -> Finding | None:
    loss = [value for value in _series(curve, "loss") if math.isfinite(value)]
    best = max(sign * epoch.value for epoch in curve)
    beaten = baseline is None or best > sign * baseline
    knows_it = _learned(sign * best, baseline, sign) >= enough  # who begins where another training ended
    stuck = len(loss) > 2 and min(loss[1:]) > 0.98 * loss[0] > 0 and not knows_it
    if not stuck and beaten:
        return None
    what = (
        f"The training loss fell by less than 2 % over {len(loss)} epochs ({loss[0]:.3g} to {loss[-1]:.3g})."
        if stuck
        else "No epoch is better than what can be had without an encoder."
    )
    return Finding("not converging", what, "A lower learning rate, or a longer warm-up; look at the data and labels.")


def _overfitting(curve: Sequence[EpochRecord], metric: str, sign: float) -> Finding | None:
    losses = [value for value in _series(curve, "val_loss") if math.isfinite(value)]
    rise = losses[-1] / min(losses) - 1.0 if losses and min(losses) > 0 else 0.0
    train = _series(curve, metric.removeprefix("val_"))[-1]
    last = curve[-1].value
    gap = sign * (train - last) / max(abs(last), 1e-9) if math.isfinite(train) else 0.0
    if rise < RISE and gap < GAP:
        return None
    signs = []
    if rise >= RISE:
        signs.append(f"the validation loss has risen by {rise:.0%} from its lowest (epoch {_lowest(curve)})")
    if gap >= GAP:
        signs.append(f"training is at {train:.3g}, validation at {last:.3g}")
    return Finding(
        "overfitting",
        f"{' and '.join(signs).capitalize()}.",
        "Stronger weight decay or augmentation, fewer epochs, more data, or a smaller architecture.",
    )


def _lowest(curve: Sequence[EpochRecord]) -> int:
    known = [epoch for epoch in curve if math.isfinite(epoch.metrics.get("val_loss", math.nan))]
    return min(known, key=lambda epoch: epoch.metrics["val_loss"]).step


def _too_slow(curve: Sequence[EpochRecord], sign: float) -> Finding | None:
    quarter = max(1, len(curve) // 4)
    before = max(sign * epoch.value for epoch in curve[:-quarter])
    after = max(sign * epoch.value for epoch in curve[-quarter:])
    gain = (after - before) / max(abs(before), 1e-9)
    if gain < STILL:
        return None
    last = "the last epoch" if quarter == 1 else f"the last {quarter} of {len(curve)} epochs"
    return Finding(
        "too slow",
        f"It was still improving when it ended: by {gain:.1%} over {last}.",
        "More epochs (--epochs), or a higher learning rate.",
    )


def _underfitting(
    curve: Sequence[EpochRecord], metric: str, sign: float, baseline: float | None, enough: float
) -> Finding | None:
    train, last = _series(curve, metric.removeprefix("val_"))[-1], curve[-1].value
    learned = _learned(train, baseline, sign)
    if not learned < enough or sign * (train - last) > GAP * abs(last):
        return None
    return Finding(
        "underfitting",
        f"Even on the examples it trains on it reaches only {train:.3g}.",
        "More epochs, a higher learning rate, weaker augmentation, or a larger architecture (raise the limits).",
    )
