"""The order of a study whose best architectures were raced: estimates instead of the best scores of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan, sqrt
from statistics import fmean, variance
from typing import TYPE_CHECKING, Literal

from nas.shares import NORMAL_95
from nas.store.evaluation_records import EvaluationRecord
from nas.store.records import TrialRecord

if TYPE_CHECKING:
    from nas.ranking.racing import Race, Ranking

BETWEEN = "between"
"""Where the plan of a race's training holds the trials that the race was between."""
HANDED_OVER = (1, 2, 3, 5)


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
    collapsed: int = 0
    """How many ended far below all others, and are left out of the estimate: see `nas.ranking.collapse`."""


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
    collapsed: frozenset[tuple[int, int]] = frozenset()
    """Trials and seeds of the trainings that collapsed: they are left out of whatever is averaged."""


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

    race = _replayed(trials, ended, sign)
    ranking, gone = race.ranking(), race.collapsed()
    fresh = [record for record in ended if record.outcome == "complete"]
    trust = {
        number: _trust(
            ranking,
            number,
            sign,
            seeds=sum(record.trial == number for record in fresh),
            failed=sum(record.trial == number and record.outcome == "failed" for record in ended),
            collapsed=sum(evaluation.candidate == number for evaluation in gone),
        )
        for number in ranking.order
    }
    regret = {count: handoff_regret(ranking.draws, count) for count in HANDED_OVER if count < ranking.draws.shape[1]}
    collapsed = frozenset((evaluation.candidate, evaluation.seed) for evaluation in gone)
    return Raced(trust, ranking.seed_sigma, ranking.order, regret, collapsed)


def _replayed(trials: Sequence[TrialRecord], ended: Sequence[EvaluationRecord], sign: float) -> Race[int]:
    from nas.ranking.racing import Race

    candidates = list(dict.fromkeys(number for record in ended for number in record.plan[BETWEEN]))
    by_number = {trial.number: trial for trial in trials}
    prior = {number: [sign * value for value in (by_number[number].values or ())[:1]] for number in candidates}
    race: Race[int] = Race(candidates, len(ended), prior)
    for record in ended:
        race.tell(record.trial, record.seed, sign * record.score if record.outcome == "complete" else nan)
    return race


def _trust(ranking: Ranking[int], number: int, sign: float, *, seeds: int, failed: int, collapsed: int) -> Trust:
    low, high = sorted(sign * end for end in ranking.interval(number))
    estimate = sign * ranking.estimate(number)
    return Trust(estimate, low, high, seeds, ranking.p_best(number), number in ranking.tie_group, failed, collapsed)


def shrunk(
    scores: Mapping[int, float], raced: Raced, direction: Literal["minimize", "maximize"] = "maximize"
) -> dict[int, Trust]:
    """Return what is to be thought of architectures that were not raced.

    Their scores are drawn towards the mean of all: the parametric empirical Bayes estimate of one score of noise σ
    among K, with what is not known of mean and scatter in its interval, and the σ that the race has shown. The best of
    a search are better than that by luck alone more often: whoever was not raced is thought no better than the line
    says that the race draws from its candidates' scores to their estimates (see `nas.ranking.posterior`).

    Source:
        Morris 1983, JASA 78(381), "Parametric empirical Bayes inference", equations 1.14 to 1.17 with r = 1.

    Args:
        scores: By trial: the first objective's value of the training that stands for each architecture, raced or not.
        raced: What the race came to.
        direction: Which way the first objective is better.
    """
    told = [score for score in scores.values() if isfinite(score)]
    if len(told) < 2 or not isfinite(raced.seed_sigma):
        return {}
    count, middle, noise = len(told), fmean(told), raced.seed_sigma**2
    share = noise / max(variance(told), noise) if noise > 0 else 0.0
    drawn = share * max(0, count - 3) / (count - 1)
    worse = min if direction == "maximize" else max
    line = _line(scores, raced)
    found = {}
    for number, score in scores.items():
        if number not in raced.trust:
            off = score - middle
            estimate = score - drawn * off
            if line is not None:
                estimate = worse(estimate, line(score))
            spread = noise * (1 - drawn * (count - 1) / count)
            spread += 2 / (count - 3) * (drawn * off) ** 2 if count > 3 else 0.0
            margin = NORMAL_95 * sqrt(spread)
            found[number] = Trust(estimate, estimate - margin, estimate + margin, 0, None, None)
    return found


def _line(scores: Mapping[int, float], raced: Raced) -> Callable[[float], float] | None:
    """Return the line from score to estimate of who was raced, of least squares, with a slope from 0 to 1.

    Outside their range it is level: there it says nothing. ``None`` where too few were raced to draw one.
    """
    pairs = [
        (scores[number], trust.estimate)
        for number, trust in raced.trust.items()
        if number in scores and isfinite(trust.estimate)
    ]
    if len(pairs) < 2:
        return None
    low, high = min(score for score, _ in pairs), max(score for score, _ in pairs)
    centre, height = fmean(score for score, _ in pairs), fmean(estimate for _, estimate in pairs)
    squares = sum((score - centre) ** 2 for score, _ in pairs)
    slope = sum((score - centre) * (estimate - height) for score, estimate in pairs) / squares if squares > 0 else 0.0
    slope = min(max(slope, 0.0), 1.0)
    return lambda score: height + slope * (min(max(score, low), high) - centre)


def estimated(trial: TrialRecord, trust: Trust | None) -> TrialRecord:
    """Return `trial` with the estimate in place of its score: what it is to be ordered by."""
    if trust is None or not trial.values:
        return trial
    return replace(trial, values=(trust.estimate, *trial.values[1:]))
