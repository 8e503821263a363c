"""What fine-tuning came to: the best model of each finalist on validation and test, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.conversation import Examine, Examined, Member
from nas.finetune.diagnosis import Finding, doubt
from nas.finetune.jobs import TuningJobs
from nas.finetune.plan import plan_of
from nas.ranking import Ranked
from nas.search.asking import CannotBeDone, ask
from nas.search.hold import Hold
from nas.store.evaluation_records import EnsembleMember, EvaluationRecord, Interval, LookRecord


@dataclass(frozen=True, slots=True)
class Tuned:
    """What became of one finalist. `searched` is its place before, `best` its best training, `None` where all failed.

    `scratch` and `from_search` are the scores at full length, before anything was refined, by where the first weights
    came from; `seeds` are the scores of the best recipe's trainings, one a seed. `looks` are all measurements of this
    architecture on the test split, the last one of this model, unless there is a `problem`. `unjudged` says why the
    labels were not looked at for errors, where they could have been.
    """

    searched: Ranked
    trainings: tuple[EvaluationRecord, ...]
    best: EvaluationRecord | None
    scratch: float | None
    from_search: float | None
    seeds: tuple[float, ...]
    validation: Interval | None
    looks: tuple[LookRecord, ...]
    findings: tuple[Finding, ...]
    problem: str | None = None
    unjudged: str | None = None

    @property
    def look(self) -> LookRecord | None:
        """The measurement of this model on the test split; ``None`` where it could not be measured."""
        return next((look for look in self.looks if self.best and look.evaluation == self.best.number), None)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Finalists together: how often each trial's model was chosen, and what they come to."""

    members: dict[int, int]
    validation: Interval
    look: LookRecord


def measured(held: Hold, jobs: TuningJobs, chosen: Sequence[Ranked]) -> tuple[tuple[Tuned, ...], Ensemble | None]:
    """Look at the test split, once for each finalist's best model, and once for all of them together."""
    seen = {look.evaluation for look in held.ledger.evaluations.looks}
    best = [record for entry in chosen if (record := jobs.best(entry.trial.number)) is not None]
    if any(record.number not in seen for record in best):
        held.observer.note("Measuring on the test split.")
    elif best:
        held.observer.note("Nothing new to measure on the test split: what it said of each of these models is stored.")
    tuned = [_tuned(held, jobs, entry) for entry in chosen]
    tuned.sort(key=lambda each: -(jobs.goodness(each.best) if each.best is not None else float("-inf")))
    return tuple(tuned), _ensemble(held, jobs, tuned)


def _tuned(held: Hold, jobs: TuningJobs, entry: Ranked) -> Tuned:
    trial = entry.trial.number
    records, best = jobs.records(trial), jobs.best(trial)
    if best is None:
        failed = next((record for record in records if record.outcome == "failed"), None)
        findings = tuple(jobs.diagnose(failed)) if failed is not None else ()
        problem = (failed.message or failed.kind) if failed is not None else "It was not trained in the time there was."
        return Tuned(entry, tuple(records), None, None, None, (), None, (), findings, problem)
    validation, problem, unjudged = None, None, None
    said = jobs.diagnose(best)
    try:
        answer = _look(held, jobs, trial, best)
        validation = _interval(answer.validation, jobs.metric[0])
        if answer.doubtful is not None:
            unjudged = jobs.cannot_judge(best)
            found = doubt(answer.doubtful, answer.suspects) if unjudged is None else None
            said += [found] if found is not None else []
    except CannotBeDone as error:
        problem = str(error)
    looks = [look for look in held.ledger.evaluations.looks if look.trial == trial]
    looks.sort(key=lambda look: look.evaluation == best.number)
    complete = [record for record in records if record.outcome == "complete"]
    recipe = plan_of(best)
    same = [
        record.score
        for record in complete
        if (plan_of(record).origin, plan_of(record).params, record.epochs)
        == (recipe.origin, recipe.params, best.epochs)
    ]
    whole = [record for record in complete if plan_of(record).stage == "full length"]
    scores = {plan_of(record).origin: record.score for record in sorted(whole, key=lambda record: record.epochs)}
    return Tuned(
        entry,
        tuple(records),
        best,
        scores.get("scratch"),
        scores.get("search"),
        tuple(same),
        validation,
        tuple(looks),
        tuple(said),
        problem,
        unjudged,
    )


def _look(held: Hold, jobs: TuningJobs, trial: int, best: EvaluationRecord) -> Examined:
    """Measure one model on the test split; that is a look at it, unless this very model was measured before."""
    answer = _examined(held, jobs, (jobs.member(best),))
    evaluations = held.ledger.evaluations
    if not any(look.evaluation == best.number for look in evaluations.looks):
        metrics = {name: Interval(*values) for name, values in answer.test.items()}
        evaluations.look(trial, best.number, answer.examples, metrics)
        held.ledger.flush()
    return answer


def _examined(held: Hold, jobs: TuningJobs, members: tuple[Member, ...]) -> Examined:
    order = Examine(members, *jobs.metric, seed=held.study.search.seed)
    stopped = "Stopped. What had been trained by then is saved."
    answer = ask(held.pool, order, held.signals, stopped=stopped, renew=held.ledger.renew)
    assert isinstance(answer, Examined)
    return answer


def _ensemble(held: Hold, jobs: TuningJobs, tuned: Sequence[Tuned]) -> Ensemble | None:
    """Choose some of the finalists' models that do best together."""
    best = [each.best for each in tuned if each.best is not None and each.problem is None]
    if len(best) < 2:
        return None
    try:
        answer = _examined(held, jobs, tuple(jobs.member(record) for record in best))
    except CannotBeDone as error:
        held.observer.note(f"There is no ensemble: {error}")
        return None
    evaluations = held.ledger.evaluations
    metrics = {name: Interval(*values) for name, values in answer.test.items()}
    of = tuple(EnsembleMember(each.trial, each.number, n) for each, n in zip(best, answer.counts, strict=True) if n)
    if len(of) == 1:  # then it was measured already
        same = [look for look in evaluations.looks if look.evaluation == of[0].evaluation]
    else:
        same = [look for look in evaluations.looks if look.trial is None and look.members == of]
    if not same:
        held.observer.note("Measured on the test split, too: what they come to together.")
    look = same[-1] if same else evaluations.look(None, None, answer.examples, metrics, of)
    held.ledger.flush()
    return Ensemble({one.trial: one.count for one in of}, _interval(answer.validation, jobs.metric[0]), look)


def _interval(found: dict[str, tuple[float, float, float]], metric: str) -> Interval:
    return Interval(*found[metric])
