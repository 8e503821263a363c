"""The race of a study: fresh-seed trainings of its best architectures, run on its workers.

Which architecture is trained next is decided by `nas.ranking.Race`; a training is that of the best trial of an
architecture over again, at full length and from scratch, with another seed. Seeds are common: the first training of
every architecture has the same one, for its initial weights, the order of its examples and its augmentation.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace

from nas.conversation import Start
from nas.data_card import DataCard
from nas.metrics import bounds
from nas.ranking import Race, rank
from nas.ranking.trusted import BETWEEN
from nas.search.evaluating import Evaluator, Job
from nas.search.files import StudyFiles
from nas.search.observer import Observer
from nas.search.orders import order_again
from nas.search.samplers import mixed
from nas.search.standing import RaceStanding
from nas.store.evaluation_records import EvaluationRecord
from nas.store.ledger import Ledger
from nas.store.records import TrialRecord
from nas.study_file import Study

FEWEST = 3
"""A race of fewer trainings tells nothing."""
_SEEDS = 0x7ACE
"""What sets the seeds of a race apart from those of trials."""


def race_size(trials: int | None, share: float) -> int:
    """Return how many of a budget of `trials` trainings are left to the race; 0 where that were too few."""
    size = 0 if trials is None else math.floor(share * trials + 1e-9)
    return size if size >= FEWEST else 0


def racers(records: list[TrialRecord], study: Study, top: int) -> list[TrialRecord]:
    """Return whom a race is between: the best trial of each of the `top` architectures, and the first family's default.

    The default is there to be beaten: a search that cannot is told so.
    """
    directions = [direction for _, direction in study.objectives]
    ranked = rank(records, directions)  # type: ignore[arg-type]
    found = [entry.trial for entry in ranked[:top]]
    default = next((entry.trial for entry in ranked if 0 in entry.trials), None)
    return found if default is None or default in found else [*found, default]


class RaceJobs:
    """What a race trains next; see `nas.search.evaluating.Jobs`.

    Args:
        study: The checked study file, with its families.
        ledger: The hold on the study: results are kept there, and earlier ones are taken from there.
        card: The prepared data.
        files: Where checkpoints go.
        base: The folder that relative paths in the study file start from.
        budget: Trainings in all, those of earlier sessions included; ``None`` for as many as there is time for.
        start: The encoder that every trial started from, if there is one.
        seconds_left: Tells how much time there is, if that is limited.
    """

    def __init__(
        self,
        study: Study,
        ledger: Ledger,
        *,
        card: DataCard,
        files: StudyFiles,
        base: str,
        budget: int | None,
        start: Start | None = None,
        seconds_left: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._study, self._ledger, self._files = study, ledger, files
        self._card, self._base, self._start, self._seconds_left = card, base, start, seconds_left
        records = [ledger.trial_record(trial._trial_id) for trial in ledger.study.get_trials(deepcopy=False)]
        before = ledger.evaluations.all("race")
        chosen = {trial.number: trial for trial in racers(records, study, study.race.top)}
        chosen |= {number: records[number] for record in before for number in record.plan[BETWEEN]}
        self._trials = chosen
        self._sign = 1.0 if study.objectives[0][1] == "maximize" else -1.0
        prior = {number: [self._sign * trial.values[0]] for number, trial in chosen.items() if trial.values}
        self._budget = budget
        self._race: Race[int] = Race(list(chosen), sys.maxsize if budget is None else budget, prior, study.search.seed)
        self._unfinished = [record for record in before if record.outcome is None]
        self._running = 0
        self._over = False
        for record in before:
            if record.outcome is not None:
                self._tell(record)
            else:
                self._race.handed_out(record.trial, record.seed)

    @property
    def architectures(self) -> int:
        """How many are in the race."""
        return len(self._trials)

    @property
    def without_weights(self) -> int:
        """How many of these have no weights of the search: more are raced than it was told to keep."""
        return sum(not self._files.checkpoint(number).exists() for number in self._trials)

    @property
    def left(self) -> int | None:
        """How many trainings have no outcome yet; ``None`` where only time says how many there will be."""
        if self._budget is None:
            return None
        records = self._ledger.evaluations.all("race")
        ended = sum(record.outcome is not None for record in records)
        return max(len(records) - ended, self._budget - ended)

    @property
    def total(self) -> int | None:
        """How many trainings there will be; ``None`` where the time ends them before the budget does."""
        clock, left = self._seconds_left(), self.left
        if left is None or (clock is not None and self._by_pace(left) > clock):
            return None
        return self._budget

    @property
    def possible(self) -> bool:
        """Whether there is anything to race: two architectures at least, and something to spend.

        A race is not begun in a time in which it cannot tell anything.
        """
        if self.architectures < 2 or self.left == 0:
            return False
        begun = bool(self._ledger.evaluations.all("race"))
        rounds = 1 if begun else math.ceil(FEWEST / self._study.search.workers)
        return bool(self._unfinished) or self._is_time_for(rounds)

    def next(self) -> Job | None:
        """Return the next training: first of all one that was cut short."""
        if self._unfinished:
            record = self._unfinished.pop(0)
        else:
            asked = self._race.ask() if self._is_time_for(1) else None
            self._over = asked is None and self._running == 0
            if asked is None:
                return None
            number, seed = asked
            epochs, plan = self._study.search.epochs, {BETWEEN: list(self._trials)}
            record = self._ledger.evaluations.begin("race", number, seed=seed, plan=plan, epochs=epochs)
            self._files.forget(self._files.evaluation(record.number))  # of an earlier database of the same name, say
        self._running += 1
        return self._job(record)

    def enough(self, record: EvaluationRecord) -> str | None:
        """A race trains at full length."""
        return None

    def score(self, record: EvaluationRecord) -> float:
        """Return what the last epoch came to, as in the search."""
        return record.curve[-1].value if record.curve else math.nan

    def ended(self, record: EvaluationRecord) -> None:
        """Learn from one."""
        self._running -= 1
        self._tell(record)
        self._files.forget(self._files.evaluation(record.number))

    @property
    def done(self) -> bool:
        """Whether the budget is spent, there is no time for another training, or every architecture has failed."""
        return self._over

    def standing(self) -> RaceStanding:
        """Return who is ahead."""
        spent = [record for record in self._ledger.evaluations.all("race") if record.outcome is not None]
        if not spent:
            return RaceStanding(0, self.total, 0, None, None, self._time_left())
        ranking = self._race.ranking()
        within = bounds(self._study.objectives[0][0]).holding(each.score for each in spent)
        estimate = within.clip(self._sign * ranking.estimate(ranking.best))
        if not math.isfinite(estimate):  # all have failed
            return RaceStanding(len(spent), self.total, 0, None, None, self._time_left())
        return RaceStanding(len(spent), self.total, len(ranking.tie_group), ranking.best, estimate, self._time_left())

    def _typical(self) -> float:
        """Return the seconds that one training takes: the mean of those so far, before that of the search's."""
        done = [record for record in self._ledger.evaluations.all("race") if record.outcome == "complete"]
        took = [_seconds(each) for each in (done or self._trials.values())]
        return sum(took) / len(took) if took else 0.0

    def _is_time_for(self, rounds: float) -> bool:
        """Tell whether so many trainings, one after another, would come to their end."""
        clock = self._seconds_left()
        return clock is None or clock > rounds * self._typical()

    def _time_left(self) -> float | None:
        clock, left = self._seconds_left(), self.left
        if not left:
            return clock if left is None else None
        return self._by_pace(left) if clock is None else min(clock, self._by_pace(left))

    def _by_pace(self, trainings: int) -> float:
        """Return the seconds that so many take, on all workers."""
        return trainings * self._typical() / self._study.search.workers

    def _tell(self, record: EvaluationRecord) -> None:
        score = self._sign * record.score if record.outcome == "complete" else math.nan
        self._race.tell(record.trial, record.seed, score)

    def _job(self, record: EvaluationRecord) -> Job:
        trial = self._trials[record.trial]
        order = order_again(self._study, trial, self._card, self._base, self._start)
        order = replace(
            order,
            seed=mixed(self._study.search.seed ^ _SEEDS, record.seed) % 2**31,
            epochs=record.epochs,
            horizon=record.epochs,
            checkpoint=str(self._files.evaluation(record.number)),
        )
        label = f"race {record.number}"
        return Job(
            record.number, order, label, f"{trial.family}, trial {trial.number}, seed {record.seed}", trial.fingerprint
        )


def _seconds(training: EvaluationRecord | TrialRecord) -> float:
    """Return what a training took from its beginning to its end; its epochs alone, where it was cut in between."""
    if training.attempts > 1 or training.started is None or training.ended is None:
        return training.seconds
    return (training.ended - training.started).total_seconds()


def run_race(jobs: RaceJobs, evaluator: Evaluator, ledger: Ledger, observer: Observer) -> str | None:
    """Run a race to its end; return why it was stopped early, or ``None``."""
    left = None if jobs.total is None else jobs.left
    many = {None: "as many trainings as there is time for", 1: "1 training"}.get(left, f"{left} trainings")
    told = f"{many} with new seeds, between {jobs.architectures} architectures"
    observer.note(f"Race: {told}.")
    ledger.event("race", told)
    return evaluator.run(jobs)
