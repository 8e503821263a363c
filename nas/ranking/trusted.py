"""The order of a study whose best architectures were raced: estimates instead of the best scores of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan, sqrt
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Literal

from nas.store.records import EvaluationRecord, TrialRecord

if TYPE_CHECKING:
    from nas.ranking.racing import Ranking

BETWEEN = "between"
"""Where the plan of a race's training holds the trials that the race was between."""
HANDED_OVER = (1, 2, 3, 5)
NORMAL = 1.959964
"""Standard deviations on either side that hold 95 %."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of the true value of an architecture in the first objective: what many trainings would average to.

    The interval holds it with 95 %. `p_best` is the chance that nobody is better, `tied` says that it cannot be told
    from the best; both are ``None`` of an architecture that was not raced.
    """

    estimate: float
    low: float
    high: float
    seeds: int
    """How many fresh trainings it had."""
    p_best: float | None
    tied: bool | None
    failed: int = 0
    """How many of its fresh trainings failed."""


@dataclass(frozen=True, slots=True)
class Raced:
    """What a race came to. `seed_sigma` is the standard deviation of one training's score from its seed alone."""

    trust: Mapping[int, Trust]
    """By trial."""
    seed_sigma: float
    order: tuple[int, ...]
    """Trials, best first."""
    regret: Mapping[int, float]
    """What handing over the first so many is expected to miss of the best."""


def raced(
    trials: Sequence[TrialRecord],
    evaluations: Sequence[EvaluationRecord],
    direction: Literal["minimize", "maximize"],
) -> Raced | None:
    """Return what the race in `evaluations` says of the `trials` it was between; ``None`` before there is one."""
    ended = [record for record in evaluations if record.purpose == "race" and record.outcome is not None]
    if not ended:
        return None
    sign = 1.0 if direction == "maximize" else -1.0
    from nas.ranking.trust import handoff_regret

    ranking = _replayed(trials, ended, sign)
    fresh = [record for record in ended if record.outcome == "complete"]
    trust = {
        number: _trust(
            ranking,
            number,
            sign,
            seeds=sum(record.trial == number for record in fresh),
            failed=sum(record.trial == number and record.outcome == "failed" for record in ended),
        )
        for number in ranking.order
    }
    regret = {count: handoff_regret(ranking.draws, count) for count in HANDED_OVER if count < ranking.draws.shape[1]}
    return Raced(trust, ranking.seed_sigma, ranking.order, regret)


def _replayed(trials: Sequence[TrialRecord], ended: Sequence[EvaluationRecord], sign: float) -> Ranking[int]:
    from nas.ranking.racing import Race

    candidates = list(dict.fromkeys(number for record in ended for number in record.plan[BETWEEN]))
    by_number = {trial.number: trial for trial in trials}
    prior = {number: [sign * value for value in (by_number[number].values or ())[:1]] for number in candidates}
    race: Race[int] = Race(candidates, len(ended), prior)
    for record in ended:
        race.tell(record.trial, record.seed, sign * record.score if record.outcome == "complete" else nan)
    return race.ranking()


def _trust(ranking: Ranking[int], number: int, sign: float, *, seeds: int, failed: int) -> Trust:
    low, high = sorted(sign * end for end in ranking.interval(number))
    estimate = sign * ranking.estimate(number)
    return Trust(estimate, low, high, seeds, ranking.p_best(number), number in ranking.tie_group, failed)


def shrunk(scores: Mapping[int, float], raced: Raced) -> dict[int, Trust]:
    """Return what is to be thought of architectures that were not raced: their scores, drawn towards the mean of all.

    The empirical Bayes estimate of one score of noise σ among many of mean m and true variance τ²:
    ``m + τ²/(τ² + σ²) · (y − m)`` (Efron & Morris 1975, JASA 70(350), section 2), with the σ that the race has shown.

    Args:
        scores: By trial: the first objective's value of the best training of every architecture, raced or not.
        raced: What the race came to.
    """
    told = [score for score in scores.values() if isfinite(score)]
    if len(told) < 2 or not isfinite(raced.seed_sigma):
        return {}
    noise = raced.seed_sigma**2
    middle, true = fmean(told), max(pvariance(told) - noise, 0.0)
    kept = true / (true + noise) if true + noise > 0 else 1.0
    margin = NORMAL * sqrt(kept * noise)
    found = {}
    for number, score in scores.items():
        if number not in raced.trust:
            estimate = middle + kept * (score - middle)
            found[number] = Trust(estimate, estimate - margin, estimate + margin, 0, None, None)
    return found


def estimated(trial: TrialRecord, trust: Trust | None) -> TrialRecord:
    """Return `trial` with the estimate in place of its score: what it is to be ordered by."""
    if trust is None or not trial.values:
        return trial
    return replace(trial, values=(trust.estimate, *trial.values[1:]))
