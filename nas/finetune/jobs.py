"""What fine-tuning trains next; see `nas.search.evaluating.Jobs`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nas.conversation import Evaluate, Keep, Member, Start
from nas.finetune.diagnosis import Finding, cannot_judge, diagnose
from nas.finetune.plan import Finalist, Plan, Wishes, next_plans, plan_of
from nas.finetune.requirement import Requirement
from nas.ranking import best_first
from nas.search.evaluating import Job
from nas.search.hold import Hold
from nas.search.orders import order_again
from nas.search.origin import start_of
from nas.search.samplers import mixed
from nas.search.standing import left
from nas.store.evaluation_records import EvaluationRecord
from nas.store.records import TrialRecord
from nas.worth import Direction, worth

_SEEDS = 0xF17E
"""What sets these seeds apart from those of trials and races."""
PATIENCE = 0.4
"""It ends early that has not got better for so much of its epochs: a decaying learning rate helps late."""
FEWEST = 5
"""But never before so many."""
FINAL = ("nan", "timeout")
"""Failures that would come again. Others (code that is restored by now, say) the next command tries again."""


@dataclass(frozen=True, slots=True)
class TuningStanding:
    """How fine-tuning stands."""

    done: int
    total: int
    best: float | None
    best_trial: int | None
    seconds_left: float | None

    @property
    def line(self) -> str:
        """How many trainings of at most how many, and the best."""
        return f"{self.done} of at most {self.total} trainings{self.detail}"

    @property
    def detail(self) -> str:
        """The best, and how long it takes."""
        best = "" if self.best is None else f", best {self.best:.4f} (trial {self.best_trial})"
        return best + left(self.seconds_left)


class TuningJobs:
    """Fine-tunes some finalists, in turns.

    Args:
        held: The study.
        trials: Those of the finalists, best first.
        finalists: The same, as plans need them.
        wishes: What was asked for.
        requirement: What has to be reached, if anything.
        baseline: What can be had without an encoder.
        seconds_left: Tells how much time there is, if that is limited.
    """

    def __init__(
        self,
        held: Hold,
        trials: Sequence[TrialRecord],
        finalists: Sequence[Finalist],
        wishes: Wishes,
        *,
        requirement: Requirement | None,
        baseline: float | None,
        seconds_left: Callable[[], float | None],
    ) -> None:
        self._held, self._wishes, self.requirement = held, wishes, requirement
        self._trials = {trial.number: trial for trial in trials}
        self._finalists = list(finalists)
        self._baseline, self._seconds_left = baseline, seconds_left
        self._running: set[int] = set()
        self._forgotten = {
            record.number
            for record in held.ledger.evaluations.all("finetune")
            if record.outcome == "failed" and record.kind not in FINAL
        }

    # ------------------------------------------------------------------ what there is

    @property
    def metric(self) -> tuple[str, Direction]:
        """The first objective and its direction."""
        name, direction = self._held.study.objectives[0]
        return name, "maximize" if direction == "maximize" else "minimize"

    def records(self, trial: int) -> list[EvaluationRecord]:
        """Return the trainings of one finalist that this command would have asked for, in order.

        Those that failed before it for reasons that may be gone are left out: they are tried again.
        """
        every = self._held.ledger.evaluations.all("finetune")
        asked = [record for record in every if record.trial == trial and record.epochs >= self._wishes.epochs]
        return [record for record in asked if record.number not in self._forgotten]

    def goodness(self, record: EvaluationRecord) -> float:
        """Return how good a training is, greater is better; minus infinity where it failed or still runs."""
        if record.outcome != "complete":
            return -math.inf
        return record.score if self.metric[1] == "maximize" else -record.score

    def best(self, trial: int) -> EvaluationRecord | None:
        """Return the best training of one finalist."""
        return self._first(self.records(trial))

    def diagnose(self, record: EvaluationRecord) -> list[Finding]:
        """Return what is wrong with a training."""
        return diagnose(record, *self.metric, self._baseline)

    def cannot_judge(self, record: EvaluationRecord) -> str | None:
        """Return why what a training left is no judge of labels, or ``None`` where it is one."""
        sign = 1.0 if self.metric[1] == "maximize" else -1.0
        return cannot_judge(self.diagnose(record), record.score, self._baseline, sign)

    def member(self, record: EvaluationRecord) -> Member:
        """Return the model that a training left: how it is built, and its best weights."""
        trial = self._trials[record.trial]
        assert trial.fingerprint is not None
        order = replace(self._order(record, plan_of(record)), start=None)  # it has all of its weights
        return Member(order, trial.fingerprint, str(self._held.files.kept(record.number)))

    @property
    def out_of_time(self) -> bool:
        """Whether the time is used up, if it is limited."""
        return self._seconds_left() == 0.0

    @property
    def met(self) -> bool:
        """Whether some training reaches what is required."""
        if self.requirement is None:
            return False
        best = (self.best(finalist.trial) for finalist in self._finalists)
        return any(self.requirement.is_met(record.score) for record in best if record is not None)

    # ------------------------------------------------------------------ Jobs

    def next(self) -> Job | None:
        """Return the next training: first of all one that was cut short, then of whoever had the fewest."""
        for finalist in self._finalists:
            for record in self.records(finalist.trial):
                if record.outcome is None and record.number not in self._running:
                    return self._job(record, plan_of(record))
        for finalist in sorted(self._finalists, key=lambda each: len(self.records(each.trial))):
            plans = self._plans(finalist)
            if plans:
                plan = plans[0]
                record = self._held.ledger.evaluations.begin(
                    "finetune", finalist.trial, seed=plan.seed, plan=plan.as_dict(), epochs=plan.epochs
                )
                for path in (self._held.files.evaluation(record.number), self._held.files.kept(record.number)):
                    self._held.files.forget(path)  # of an earlier database of the same name, say
                return self._job(record, plan)
        return None

    def enough(self, record: EvaluationRecord) -> str | None:
        """End a training that has long not got better."""
        curve = record.curve
        if not curve:
            return None
        values = [self._value(epoch.metrics) for epoch in curve]
        since = len(values) - 1 - values.index(max(values))
        patience = max(FEWEST, math.ceil(PATIENCE * record.epochs))
        return f"no better for {since} epochs" if since >= patience else None

    def score(self, record: EvaluationRecord) -> float:
        """Return the best epoch's value, of averaged weights or not: those weights are kept."""
        best = max((self._value(epoch.metrics) for epoch in record.curve), default=-math.inf)
        if best == -math.inf:
            return math.nan
        return best if self.metric[1] == "maximize" else -best

    def ended(self, record: EvaluationRecord) -> None:
        """Learn from one; its weights stay if they are the best of their finalist, or another seed of those."""
        self._running.discard(record.number)
        files = self._held.files
        files.forget(files.evaluation(record.number))
        best = self.best(record.trial)
        for other in self.records(record.trial):
            if other.outcome is not None and (best is None or not _same_recipe(other, best)):
                files.forget(files.kept(other.number))

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        cut_short = any(record.outcome is None for each in self._finalists for record in self.records(each.trial))
        return not cut_short and not any(self._plans(finalist) for finalist in self._finalists)

    @property
    def more(self) -> int | None:
        """How many trainings there would have to be for one more, where a finalist has none left.

        Where all have some left, nothing is left that could be tried.
        """
        done = [len(self.records(each.trial)) for each in self._finalists]
        return min((count + 1 for count in done if count >= self._wishes.trainings), default=None)

    def standing(self) -> TuningStanding:
        """Return how it stands."""
        best = [record for each in self._finalists if (record := self.best(each.trial)) is not None]
        first = self._first(best)
        ended = [record for each in self._finalists for record in self.records(each.trial) if record.outcome]
        return TuningStanding(
            len(ended),
            self._wishes.trainings * len(self._finalists),
            None if first is None else first.score,
            None if first is None else first.trial,
            self._seconds_left(),
        )

    def _first(self, records: Sequence[EvaluationRecord]) -> EvaluationRecord | None:
        places = {finalist.trial: place for place, finalist in enumerate(self._finalists)}
        return next(iter(best_first(records, places, self.metric[1])), None)

    def _value(self, metrics: dict[str, float]) -> float:
        return worth(metrics, *self.metric)[0]

    def _plans(self, finalist: Finalist) -> list[Plan]:
        return next_plans(
            finalist,
            self.records(finalist.trial),
            self._wishes,
            goodness=self.goodness,
            met=self.met,
            asked=self.requirement is not None,
            diagnose=self.diagnose,
        )

    def _job(self, record: EvaluationRecord, plan: Plan) -> Job:
        self._running.add(record.number)
        trial = self._trials[record.trial]
        seed = f", seed {plan.seed}" if plan.seed else ""
        detail = f"{trial.family}, trial {trial.number}, {plan.why}{seed}"
        return Job(record.number, self._order(record, plan), f"training {record.number}", detail, trial.fingerprint)

    def _order(self, record: EvaluationRecord, plan: Plan) -> Evaluate:
        held, trial = self._held, self._trials[record.trial]
        return replace(
            order_again(held.study, trial, held.card, str(held.base), self._start(trial, plan)),
            params={**trial.params, **plan.params},
            seed=mixed(held.study.search.seed ^ _SEEDS, plan.seed) % 2**31,
            epochs=plan.epochs,
            horizon=plan.epochs,
            checkpoint=str(held.files.evaluation(record.number)),
            keep=Keep(*self.metric, str(held.files.kept(record.number))),
        )

    def _start(self, trial: TrialRecord, plan: Plan) -> Start | None:
        """Return the search's own encoder, where it is trained on."""
        held = self._held
        if plan.origin == "scratch":
            return held.start
        return start_of(held.ledger.record, trial, held.files.checkpoint(trial.number))


def _same_recipe(one: EvaluationRecord, other: EvaluationRecord) -> bool:
    return replace(plan_of(one), seed=0).key == replace(plan_of(other), seed=0).key
