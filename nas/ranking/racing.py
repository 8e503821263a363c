"""A race: the foremost of a search are trained anew, with seeds of their own, until a budget is spent.

The search's scores are kept (`posterior`), and who is trained next depends on what is known by then (`allocation`).
The j-th fresh training of every candidate has seed j: what a seed does to all alike does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import inf, isfinite, nan
from statistics import fmean
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from nas.ranking.allocation import next_candidate
from nas.ranking.collapse import collapsed
from nas.ranking.posterior import Floats, Posterior, Scores, posterior

C = TypeVar("C", bound=Hashable)
Rng: TypeAlias = np.random.Generator | int | None
Prior: TypeAlias = Mapping[C, Sequence[float] | float]

DRAWS = 4096
"""Draws from the posterior behind `Ranking.p_best` and the tie group: ± 0.8 percentage points at most."""
FIRST_ROUND = 2 / 3
"""At most this share of a budget goes to first trainings: the rest tells the best from its rivals."""
TIED = 0.05
"""A candidate with at least this chance of being better than the best cannot be told from it."""


class Evaluation(NamedTuple, Generic[C]):
    """One fresh training."""

    candidate: C
    seed: int
    score: float
    """Greater is better; not finite: the training failed."""


class Ranking(Generic[C]):
    """Candidates in order, and how sure that is.

    A candidate with a failed training is last, by its other scores among several, its estimate is ``nan`` and its
    chance of being best 0. Where none of the others has a score, these are tied and every estimate is ``nan``.
    """

    def __init__(
        self,
        candidates: Sequence[C],
        known: Posterior | None,
        failed: Sequence[C],
        evaluations: Sequence[Evaluation[C]],
        rng: Rng = None,
        *,
        has_scores: bool = True,
    ) -> None:
        estimates = known.estimate if known else np.zeros(0)
        places = sorted(range(len(candidates)), key=lambda index: -estimates[index])
        self.order: tuple[C, ...] = (*(candidates[index] for index in places), *failed)
        """All candidates, best first."""
        self.evaluations: tuple[Evaluation[C], ...] = tuple(evaluations)
        """Fresh trainings in the order they were told: as many as were spent."""
        self.seed_sigma: float = known.seed_sigma if known else nan
        """Standard deviation of one training's score about its candidate's true value, common to all."""
        self._known = known
        # Without any score the posterior is about differences alone: its heights are nobody's.
        self._has_scores = has_scores
        self._index = {candidates[index]: index for index in places}
        self._estimates = estimates
        self._draws = self._drawn(rng, places)
        best = np.bincount(np.argmax(self._draws, axis=1), minlength=len(places)) / len(self._draws) if places else ()
        self._p_best = dict(zip(self.order, map(float, best), strict=False))
        tied = np.mean(self._draws >= self._draws[:, :1], axis=0) >= TIED if places else (True,)
        self.tie_group: tuple[C, ...] = tuple(c for c, one in zip(self.order, tied, strict=False) if one)
        """Who cannot be told from the best: better than it with a chance of 5 % at least. Best first, with the best."""

    def _drawn(self, rng: Rng, places: Sequence[int]) -> Floats:
        if self._known is None:
            return np.zeros((DRAWS, 0))
        known = self._known
        ordered = Posterior(
            known.weight, known.sigma, known.mean[:, places], known.shared[:, places], known.own[:, places]
        )
        return ordered.draws(DRAWS, np.random.default_rng(0 if rng is None else rng))

    @property
    def best(self) -> C:
        """The candidate to take."""
        return self.order[0]

    @property
    def draws(self) -> Floats:
        """(draws, candidates that did not fail): draws of all true values together, columns as in `order`."""
        return self._draws

    def estimate(self, candidate: C) -> float:
        """Return the posterior mean of a candidate's true value, what many trainings would average to."""
        index = self._at(candidate)
        return nan if index is None or not self._has_scores else float(self._estimates[index])

    def interval(self, candidate: C, level: float = 0.95) -> tuple[float, float]:
        """Return where a candidate's true value is with probability `level`, as much of the rest below as above."""
        if not 0 < level < 1:
            raise ValueError(f"The level of an interval must be between 0 and 1. Received: level={level!r}.")
        index = self._at(candidate)
        if index is None or self._known is None or not self._has_scores:
            return nan, nan
        low, high = self._known.quantile(index, ((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    def p_best(self, candidate: C) -> float:
        """Return the chance that a candidate's true value is the largest of all."""
        return 0.0 if self._at(candidate) is None else self._p_best[candidate]

    def _at(self, candidate: C) -> int | None:
        if candidate not in self.order:
            raise ValueError(f"A ranking tells of the candidates of its race. Received: {candidate!r}.")
        return self._index.get(candidate)


class Race(Generic[C]):
    """A race as a conversation: `ask` what to train, `tell` what came out, in any order, several at a time.

    What was told decides, not how: a race that is told again what another was told is where that one was.
    """

    def __init__(self, candidates: Sequence[C], budget: int, prior: Prior[C] | None = None, rng: Rng = None) -> None:
        self._candidates = tuple(candidates)
        if not self._candidates:
            raise ValueError("A race needs at least one candidate. Received: none.")
        if len(set(self._candidates)) < len(self._candidates):
            twice = sorted({repr(c) for c in self._candidates if self._candidates.count(c) > 1})
            raise ValueError(f"Each candidate can be in a race once. Received more than once: {', '.join(twice)}.")
        if budget < 0:
            raise ValueError(f"The budget of a race must be at least 0 trainings. Received: budget={budget}.")
        self._budget = budget
        self._search = {c: _finite((prior or {}).get(c, ())) for c in self._candidates}
        self._rng = rng
        self._told: dict[tuple[C, int], float] = {}
        self._pending: set[tuple[C, int]] = set()
        self._known: Posterior | None = None

    def ask(self) -> tuple[C, int] | None:
        """Return which candidate to train with which seed, ``None`` if the budget is spent or nobody is left.

        May be asked again before what was handed out has been told: what is under way is taken into account.
        """
        failed = self._failed()
        if len(self._told) + len(self._pending) >= self._budget or len(failed) == len(self._candidates):
            return None
        places = range(len(self._candidates))
        place = dict(zip(self._candidates, places, strict=True))
        trained, pending = (
            np.bincount([place[c] for c, _ in trainings], minlength=len(places)).astype(float)
            for trainings in (self._told, self._pending)
        )
        allowed = np.array([c not in failed for c in self._candidates])
        everybody = len(self._told) + len(self._pending) < FIRST_ROUND * self._budget
        known = self._known = self._known or self._posterior(self._candidates)
        candidate = self._candidates[next_candidate(known, trained, pending, allowed, everybody=everybody)]
        taken = {seed for c, seed in (*self._told, *self._pending) if c == candidate}
        seed = next(seed for seed in range(len(taken) + 1) if seed not in taken)
        self._pending.add((candidate, seed))
        return candidate, seed

    def handed_out(self, candidate: C, seed: int) -> None:
        """Take note of a training that was not asked for here and is under way: its score will be told.

        Raises:
            ValueError: The candidate is not in the race.
        """
        if candidate not in self._search:
            raise ValueError(f"Only candidates of the race can be trained. Received: {candidate!r}.")
        self._pending.add((candidate, seed))

    def tell(self, candidate: C, seed: int, score: float) -> None:
        """Take in a training's score, asked for or not. A score that is not finite: the training failed.

        Raises:
            ValueError: The candidate is not in the race, or this training has been told before.
        """
        if candidate not in self._search:
            raise ValueError(f"Only candidates of the race can be told. Received: {candidate!r}.")
        if (candidate, seed) in self._told:
            raise ValueError(f"Each training is told once. Received again: {candidate!r} with seed {seed}.")
        self._pending.discard((candidate, seed))
        self._told[candidate, seed] = float(score)
        self._known = None

    def collapsed(self) -> list[Evaluation[C]]:
        """Return the fresh trainings that ended far below all others: they are left out of every estimate."""
        fresh = {c: [(s, score) for (d, s), score in self._told.items() if d == c] for c in self._candidates}
        finite = [[(seed, score) for seed, score in fresh[c] if isfinite(score)] for c in self._candidates]
        gone = collapsed([self._search[c] for c in self._candidates], [[score for _, score in own] for own in finite])
        return [
            Evaluation(c, *own[at])
            for c, own, places in zip(self._candidates, finite, gone, strict=True)
            for at in places
        ]

    def ranking(self) -> Ranking[C]:
        """Return who is best by what is known now."""
        failed = self._failed()
        sound = [c for c in self._candidates if c not in failed]
        last = sorted((c for c in self._candidates if c in failed), key=self._seen, reverse=True)
        evaluations = [Evaluation(c, seed, score) for (c, seed), score in self._told.items()]
        known = self._posterior(sound) if sound else None
        has_scores = any(self._seen(c) > -inf for c in sound)
        return Ranking(sound, known, last, evaluations, self._rng, has_scores=has_scores)

    def _seen(self, candidate: C) -> float:
        """Return the mean of a candidate's fresh scores, of the search's where there are none, and then nothing."""
        fresh = [score for (c, _), score in self._told.items() if c == candidate and isfinite(score)]
        scores = fresh or self._search[candidate]
        return fmean(scores) if scores else -inf

    def _failed(self) -> set[C]:
        return {c for (c, _), score in self._told.items() if not isfinite(score)}

    def _posterior(self, candidates: Sequence[C]) -> Posterior:
        fresh: dict[C, list[float]] = {c: [] for c in candidates}
        for (c, _), score in self._told.items():
            if c in fresh and isfinite(score):
                fresh[c].append(score)
        search, scores = [self._search[c] for c in candidates], [fresh[c] for c in candidates]
        sound = [
            [score for at, score in enumerate(own) if at not in gone]
            for own, gone in zip(scores, collapsed(search, scores), strict=True)
        ]
        return posterior(Scores.of(search, sound))


def race(
    candidates: Sequence[C],
    evaluate: Callable[[C, int], float],
    budget: int,
    prior: Prior[C] | None = None,
    rng: Rng = None,
) -> Ranking[C]:
    """Find the best of `candidates` with `budget` fresh trainings.

    Args:
        candidates: Whatever can be told apart, in any order.
        evaluate: Trains a candidate with a seed and returns its score: greater is better, not finite if it failed.
            Seeds are small numbers from 0, the same for all candidates.
        budget: How often `evaluate` is called at most.
        prior: Scores of candidates in the search, one or several each. Some may lack, others are not looked at.
        rng: For the draws behind chances of being best; ``None`` draws the same every time.

    Raises:
        ValueError: No candidates, one of them twice, or a negative budget.
    """
    running = Race(candidates, budget, prior, rng)
    while (asked := running.ask()) is not None:
        running.tell(*asked, evaluate(*asked))
    return running.ranking()


def _finite(scores: Sequence[float] | float) -> tuple[float, ...]:
    several = scores if isinstance(scores, Sequence) or hasattr(scores, "__iter__") else (scores,)
    return tuple(float(score) for score in several if isfinite(score))
