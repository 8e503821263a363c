"""Which architectures did best: pure functions on finished trials. No database, no Keras.

A score here is what *one* training of an architecture reached, with one seed. The best of many such scores is
optimistic (the winner was lucky as well as good), and two architectures whose scores are closer than the scatter
between seeds cannot be told apart by them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isclose, isfinite, nan
from typing import Literal, TypeAlias

from nas.metrics import ANY, Bounds, bounds, is_perfect
from nas.ranking.trusted import Trust, estimated, raced, shrunk
from nas.store.evaluation_records import EvaluationRecord
from nas.store.records import StudyRecord, TrialRecord

Directions: TypeAlias = Sequence[Literal["minimize", "maximize"]]

NO_WIDTH = 1e-6
"""An interval that is so narrow, relatively, is that of scores which are all the same: float32 tells no more apart."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One architecture's place. Its score is that of the training that stands for it."""

    place: int
    """From 1, without gaps and without ties."""
    front: int
    """1 for the frontier, 2 for what is the frontier without it, and so on."""
    trial: TrialRecord
    """The best training found for this architecture; after a race, of those that were raced."""
    trials: tuple[int, ...]
    """Numbers of all complete trials of this architecture, duplicates included, in ascending order."""
    trust: Trust | None = None
    """What fresh trainings say; ``None`` before a race: then nobody knows how much of the score was luck. Within what
    values the metric can have. `low` and `high` are NaN where it cannot be told how far trainings scatter: all that
    there were came to one value, which is no certainty."""
    unbounded: Trust | None = None
    """The same as statistics has it, which knows no bounds: the order and all chances are computed from this."""

    @property
    def values(self) -> tuple[float, ...]:
        """One score per objective."""
        return self.trial.values or ()

    @property
    def belief(self) -> Trust | None:
        """What chances are computed from: `unbounded`, or `trust` where that is all there is."""
        return self.unbounded or self.trust

    @property
    def told(self) -> tuple[float, ...]:
        """`values`, with the estimate in place of the first where fresh trainings gave one."""
        known = self.trust is not None and isfinite(self.trust.estimate)
        return (self.trust.estimate, *self.values[1:]) if self.trust is not None and known else self.values


def rank(
    trials: Sequence[TrialRecord],
    directions: Directions,
    evaluations: Sequence[EvaluationRecord] = (),
    within: Bounds = ANY,
) -> list[Ranked]:
    """Order architectures, best first: by what a race has shown, before one by the best training of each.

    Only complete trials with a finite value for every objective take part. Trials with the same fingerprint are one
    architecture; a trial without a fingerprint stands for itself. With several objectives the order is by front, then
    by the first objective, then by the others. What is still equal is ordered by weights, then MACs (unknown last),
    then trial number. After a race, estimates take the place of scores in the first objective; an architecture that
    failed in it is last. See the module's text for what a score of one training is worth.

    Args:
        trials: Records in any order, of any outcome.
        directions: One per objective.
        evaluations: Trainings outside the search; those of races count.
        within: What values the first objective can have. Estimates and intervals are shown within it; the order is
            that of the estimates as they are.

    Raises:
        ValueError: A complete trial has another number of values than there are directions.
    """
    scored = [trial for trial in trials if _is_scored(trial, directions)]
    race = raced(scored, evaluations, directions[0]) if evaluations else None
    places = {} if race is None else {number: place for place, number in enumerate(race.order)}
    best: dict[str, TrialRecord] = {}
    numbers: dict[str, list[int]] = {}
    for _, trial in _in_order(scored, directions):
        architecture = trial.fingerprint or f"trial {trial.number}"
        numbers.setdefault(architecture, []).append(trial.number)
        first = best.setdefault(architecture, trial)
        if places.get(trial.number, len(places)) < places.get(first.number, len(places)):
            best[architecture] = trial  # who was raced stands for it: of two the one that did better
    trust: dict[int, Trust] = {}
    if race is not None:
        scores = {trial.number: (trial.values or ())[0] for trial in best.values()}
        trust = {**race.trust, **shrunk(scores, race, directions[0])}
        measured = [(trial.values or ())[0] for trial in scored]
        measured += [record.score for record in evaluations if record.purpose == "race"]
        within = within.holding(measured)
    return _placed(best, numbers, trust, directions, within)


def ranking_of(
    study: StudyRecord, trials: Sequence[TrialRecord], evaluations: Sequence[EvaluationRecord] = ()
) -> list[Ranked]:
    """Return the order of the architectures of `study`, with estimates within what its first objective can be."""
    within = bounds(study.objectives[0]) if study.objectives else ANY
    return rank(trials, study.directions, evaluations, within)


def _placed(
    best: Mapping[str, TrialRecord],
    numbers: Mapping[str, list[int]],
    trust: Mapping[int, Trust],
    directions: Directions,
    within: Bounds,
) -> list[Ranked]:
    """Order by estimate where there is one; whoever failed in a race, whose estimate is not a number, comes last."""
    held = {trial.number: trial for trial in best.values()}
    told = [estimated(trial, trust.get(trial.number)) for trial in best.values()]
    sound = [trial for trial in told if isfinite((trial.values or ())[0])]
    ordered = _in_order(sound, directions)
    worst = max((front for front, _ in ordered), default=0)
    known = {trial.number for trial in sound}
    failed = [trial for trial in held.values() if trial.number not in known]
    ordered += [(worst + front, trial) for front, trial in _in_order(failed, directions)]
    return [
        Ranked(
            place,
            front,
            held[trial.number],
            tuple(sorted(numbers[trial.fingerprint or f"trial {trial.number}"])),
            _bounded(trust.get(trial.number), within),
            trust.get(trial.number),
        )
        for place, (front, trial) in enumerate(ordered, start=1)
    ]


def _bounded(trust: Trust | None, within: Bounds) -> Trust | None:
    """Return `trust` within bounds, without an interval where its width is none."""
    if trust is None or not isfinite(trust.estimate):
        return trust
    low, high = within.clip(trust.low), within.clip(trust.high)
    if isclose(low, high, rel_tol=NO_WIDTH, abs_tol=0.01 * NO_WIDTH):
        low = high = nan
    return replace(trust, estimate=within.clip(trust.estimate), low=low, high=high)


def perfect(study: StudyRecord, ranked: Sequence[Ranked]) -> int:
    """Return how many architectures of `study` reached the best score that its first objective can have.

    No validation score tells these apart, nor whether one could be better.
    """
    return sum(is_perfect(entry.values[0], study.objectives[0], study.directions[0]) for entry in ranked)


def are_all_alike(ranked: Sequence[Ranked]) -> bool:
    """Whether the trainings of a race all came to one score: there are estimates then, and no interval of any."""
    known = [entry.trust for entry in ranked if entry.trust is not None and isfinite(entry.trust.estimate)]
    return bool(known) and not any(isfinite(trust.low) for trust in known)


def fewest_macs(entries: Sequence[Ranked]) -> Ranked | None:
    """Return who needs the fewest MACs for an example, of equal ones the best; ``None`` where nobody's are known."""
    known = [entry for entry in entries if entry.trial.cost.macs is not None]
    return min(known, key=lambda entry: (entry.trial.cost.macs, entry.place), default=None)


def frontier(trials: Sequence[TrialRecord], directions: Directions) -> list[TrialRecord]:
    """Return the complete trials that no other one beats: at least as good in all objectives, better in one.

    Trials with equal values do not beat each other, so both may be on the frontier. Best first objective first.

    Raises:
        ValueError: As `rank`.
    """
    scored = [trial for trial in trials if _is_scored(trial, directions)]
    return [trial for front, trial in _in_order(scored, directions) if front == 1]


@dataclass(frozen=True, slots=True)
class Bar:
    """What can be had without any encoder: what architectures have to beat in the first objective."""

    name: str
    metric: str
    value: float
    direction: Literal["minimize", "maximize"]

    def is_beaten_by(self, score: float | None) -> bool:
        """Return whether `score` is better, by more than float32 rounds; after a race that is an estimate."""
        if score is None or isclose(score, self.value, rel_tol=1e-6):
            return False
        return is_better(score, self.value, self.direction)


def bar(study: StudyRecord) -> Bar | None:
    """Return the baseline that was measured when the data of `study` were prepared; ``None`` where there is none."""
    known = (study.data or {}).get("baseline") or {}
    if not study.objectives or study.objectives[0] not in known.get("metrics", {}):
        return None
    metric = study.objectives[0]
    return Bar(str(known["name"]), metric, float(known["metrics"][metric]), study.directions[0])


def is_better(value: float, other: float, direction: Literal["minimize", "maximize"]) -> bool:
    """Return whether `value` is better than `other`; what is not a number never is."""
    return value > other if direction == "maximize" else value < other


def _is_scored(trial: TrialRecord, directions: Directions) -> bool:
    if trial.outcome != "complete" or trial.values is None:
        return False
    if len(trial.values) != len(directions):
        raise ValueError(
            f"A complete trial must have one value per objective ({len(directions)}). "
            f"Received: values={trial.values} of trial {trial.number}."
        )
    return all(value is not None and isfinite(value) for value in trial.values)


def _in_order(trials: Sequence[TrialRecord], directions: Directions) -> list[tuple[int, TrialRecord]]:
    """Return ``(front, trial)``, best first."""
    losses = {trial.number: _losses(trial, directions) for trial in trials}
    fronts = _fronts(sorted(set(losses.values())))
    keyed = [(fronts[losses[trial.number]], trial) for trial in trials]
    return sorted(keyed, key=lambda pair: (pair[0], losses[pair[1].number], *_cost(pair[1]), pair[1].number))


def _losses(trial: TrialRecord, directions: Directions) -> tuple[float, ...]:
    """Return the values turned so that less is better."""
    return tuple(
        -value if direction == "maximize" else value
        for value, direction in zip(trial.values or (), directions, strict=True)
    )


def _cost(trial: TrialRecord) -> tuple[float, float]:
    weights, macs = trial.cost.weights, trial.cost.macs
    return inf if weights is None else weights, inf if macs is None else macs


def _fronts(points: Sequence[tuple[float, ...]]) -> dict[tuple[float, ...], int]:
    """Return the front, from 1, of each of `points`: distinct, ascending, less is better.

    Efficient non-dominated sorting with binary search: in ascending order a later point never beats an earlier one,
    so a point belongs to the first front in which nobody beats it.

    Source:
        Zhang, Tian, Cheng & Jin 2015, IEEE Transactions on Evolutionary Computation 19(2), algorithm 1.
    """
    if points and len(points[0]) == 1:
        return {point: index for index, point in enumerate(points, start=1)}
    fronts: list[list[tuple[float, ...]]] = []
    found = {}
    for point in points:
        index = bisect_left(fronts, True, key=lambda front: not any(_beats(other, point) for other in front))
        if index == len(fronts):
            fronts.append([])
        fronts[index].append(point)
        found[point] = index + 1
    return found


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether `one`, which is not `other`, is nowhere worse than it."""
    return all(a <= b for a, b in zip(one, other, strict=True))
