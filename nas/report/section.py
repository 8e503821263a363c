"""What every section of a page is given, and what it gives."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import inf

from nas.language import N_, _
from nas.ranking import Raced, Ranked, best_first, places_of, raced, ranking_of
from nas.ranking.importance import Importance, importances
from nas.ranking.reliability import Reliability, reliability
from nas.ranking.tradeoff import Tradeoff, tradeoff
from nas.report import words
from nas.report.data import SHOWN, ReportData
from nas.report.vocabulary import OUTCOMES
from nas.store.evaluation_records import EvaluationRecord
from nas.store.records import TrialRecord, unfinished

MOST_COMPARED = 400
"""Architectures whose chances of being on the frontier are worked out: the work grows with their square."""
TITLES = {
    "verdict": N_("Verdict"),
    "health": N_("Health"),
    "ranking": N_("Ranking"),
    "trade-offs": N_("Trade-offs"),
    "progress": N_("Progress"),
    "choices": N_("Choices"),
    "architectures": N_("Architectures"),
    "curves": N_("Curves"),
    "trust": N_("Trust"),
    "failures": N_("Failures"),
    "reproduce": N_("Reproduce"),
    "glossary": N_("Glossary"),
}
"""What the navigation calls the sections."""


@dataclass(frozen=True)
class View:
    """A study, the moment the page is about, and what follows from both. All of it is worked out once."""

    data: ReportData
    now: datetime
    most: int = SHOWN
    """How many architectures are told of."""

    @cached_property
    def ranked(self) -> tuple[Ranked, ...]:
        """The order of architectures, best first."""
        return tuple(ranking_of(self.data.study, self.data.trials, self.data.evaluations))

    @cached_property
    def race(self) -> Raced | None:
        """What the race came to, if there was one."""
        return raced(self.data.trials, self.data.evaluations, self.data.study.directions[0])

    @cached_property
    def reliability(self) -> Reliability:
        """How far the order can be trusted."""
        data = self.data
        return reliability(
            data.trials, data.curves, data.events, data.evaluations, self.ranked, self.race, data.study.directions[0]
        )

    @cached_property
    def tradeoff(self) -> Tradeoff | None:
        """The frontier, of several objectives."""
        some = self.ranked if self.race is None else self.ranked[:MOST_COMPARED]
        return tradeoff(some, self.data.study.directions)

    @cached_property
    def importances(self) -> tuple[tuple[Importance, ...], ...]:
        """Of each objective, how much each choice matters."""
        study, told = self.data.study, []
        trials = [t for t in self.data.trials if t.outcome in ("complete", "pruned") and t.duplicate_of is None]
        for index, direction in enumerate(study.directions):
            sign = -1.0 if direction == "maximize" else 1.0
            losses = [
                sign * t.values[index] if t.outcome == "complete" and t.values and t.values[index] is not None else inf
                for t in trials
            ]
            told.append(importances([t.params for t in trials], losses))
        return tuple(told)

    @cached_property
    def finetuned(self) -> dict[int, tuple[EvaluationRecord, ...]]:
        """The trainings of the fine-tuning that have ended, by trial, the trial with the best one first."""
        over = [one for one in self.data.evaluations if one.purpose == "finetune" and one.outcome is not None]
        ordered = best_first(over, places_of(self.ranked), self.data.study.directions[0])
        trials = dict.fromkeys(one.trial for one in (*ordered, *over))
        return {trial: tuple(one for one in over if one.trial == trial) for trial in trials}

    @property
    def shown(self) -> tuple[Ranked, ...]:
        """The architectures of which a page tells everything."""
        return self.ranked[: self.most]

    def outcome(self, trial: TrialRecord) -> str:
        """Return how `trial` ended or stands; one of `OUTCOMES`."""
        if trial.duplicate_of is not None:
            return "duplicate"
        if trial.kind == "rejected":
            return "over a limit"
        return trial.outcome or unfinished(self.data.study)

    @cached_property
    def tally(self) -> dict[str, int]:
        """Trials by `outcome`, in the order of `OUTCOMES`, without zeros. A trial that only waits is not counted."""
        found = Counter(self.outcome(trial) for trial in self.data.trials if trial.outcome or trial.started)
        return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}

    @property
    def ended(self) -> int:
        """How many trials have ended and count against the budget."""
        return sum(self.tally.get(outcome, 0) for outcome in ("complete", "pruned", "failed"))

    @property
    def objective(self) -> str:
        """The first objective, as a sentence names it."""
        return words.short(self.data.study.objectives[0], 40)

    def command(self, verb: str, *rest: object) -> str:
        """Return ``nas VERB STUDY …`` as a shell takes it, with the database where it is not the default one."""
        storage = [] if self.data.storage is None else ["--storage", self.data.storage]
        return shlex.join(words.clean(str(word)) for word in ("nas", verb, self.data.study.name, *rest, *storage))


@dataclass(frozen=True, slots=True)
class Section:
    """One question, the sentence that answers it, and what the evidence template ``<name>.html.j2`` shows."""

    name: str
    question: str
    answer: str
    evidence: Mapping[str, object]

    @property
    def title(self) -> str:
        """What the navigation calls it."""
        return _(TITLES[self.name])
