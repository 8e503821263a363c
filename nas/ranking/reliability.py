"""How far the order of one study can be trusted: everything that is known of it, from its records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean
from typing import Literal

from nas.ranking.architectures import Ranked
from nas.ranking.trust import RungAgreement, Share, kendall, rung_agreement, wrongly_pruned
from nas.ranking.trusted import Raced
from nas.store.evaluation_records import EpochRecord, EvaluationRecord
from nas.store.records import EventRecord, TrialRecord

BEST = 10
"""A spared trial that ends among so many of the best would have been pruned wrongly."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well scores of the search foretold what fresh trainings average to: Kendall's τ_b, NaN where unknown."""

    architectures: int
    overall: float
    top_half: float
    """Among the half that is best by the fresh trainings."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """What is known. Regrets are by how many are handed over, in the units of the first objective."""

    seed_sigma: float | None
    rungs: tuple[RungAgreement, ...]
    search_to_race: Agreement | None
    regret: Mapping[int, float]
    pruned_wrongly: Share | None
    """Of trials that would have been pruned and ran on to their end: how many were among the best then; ``None`` if
    there is none, or if so few architectures are complete that each is among the best."""


def reliability(
    trials: Sequence[TrialRecord],
    curves: Mapping[int, Sequence[EpochRecord]],
    events: Sequence[EventRecord],
    evaluations: Sequence[EvaluationRecord],
    ranked: Sequence[Ranked],
    race: Raced | None,
    direction: Literal["minimize", "maximize"],
) -> Reliability:
    """Return all that the records of a study say about its order.

    Args:
        trials: All of them.
        curves: Their epochs, by number.
        events: What happened.
        evaluations: Trainings outside the search.
        ranked: The order.
        race: What the race came to.
        direction: Which way the first objective is better.
    """
    sign = 1.0 if direction == "maximize" else -1.0
    return Reliability(
        None if race is None or not isfinite(race.seed_sigma) else race.seed_sigma,
        tuple(_rungs(trials, curves, sign)),
        _search_to_race(trials, evaluations, race, sign),
        {} if race is None else race.regret,
        _pruned_wrongly(trials, events, ranked),
    )


def _rungs(
    trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[EpochRecord]], sign: float
) -> list[RungAgreement]:
    """Compare each epoch that is half, a quarter … of the last one with it."""
    complete = [trial for trial in trials if trial.outcome == "complete" and trial.duplicate_of is None]
    scores = [{epoch.step: sign * epoch.value for epoch in curves.get(trial.number, ())} for trial in complete]
    last = max((max(curve, default=0) for curve in scores), default=0)
    rungs = []
    epoch = last // 2
    while epoch >= 1:
        rungs.append(epoch)
        epoch //= 2
    return [found for found in rung_agreement(scores, rungs[::-1], last) if found.trials > 2]


def _search_to_race(
    trials: Sequence[TrialRecord], evaluations: Sequence[EvaluationRecord], race: Raced | None, sign: float
) -> Agreement | None:
    """Compare scores of the search with means of fresh trainings, without those that collapsed, as in estimates."""
    collapsed = race.collapsed if race is not None else frozenset()
    fresh: dict[int, list[float]] = {}
    for record in evaluations:
        counts = record.outcome == "complete" and (record.trial, record.seed) not in collapsed
        if record.purpose == "race" and counts:
            fresh.setdefault(record.trial, []).append(sign * record.score)
    searched = {trial.number: sign * trial.values[0] for trial in trials if trial.values}
    pairs = sorted(((fmean(scores), searched[number]) for number, scores in fresh.items()), reverse=True)
    if len(pairs) < 3:
        return None
    half = pairs[: max(2, (len(pairs) + 1) // 2)]
    whole, top = (kendall([old for _, old in part], [new for new, _ in part]) for part in (pairs, half))
    return Agreement(len(pairs), whole, top if len(half) > 2 else nan)


def _pruned_wrongly(
    trials: Sequence[TrialRecord], events: Sequence[EventRecord], ranked: Sequence[Ranked]
) -> Share | None:
    ended = {trial.number for trial in trials if trial.outcome is not None}  # of others nobody knows yet
    spared = ended & {event.trial for event in events if event.kind == "spared"}
    if not spared or len(ranked) <= BEST:  # whoever is complete is among the ten best of ten
        return None
    best = {number for entry in ranked[:BEST] for number in entry.trials}
    return wrongly_pruned(len(spared & best), len(spared))
