"""Fine-tune the finalists of a study: what `nas finetune` calls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console

from nas import catalogue
from nas.conversation import Examine, Examined, Member
from nas.errors import BadInput, Interrupted, NASError, NotFound
from nas.finetune.diagnosis import Finding, doubt
from nas.finetune.jobs import TuningJobs
from nas.finetune.plan import OPTIMIZER, Finalist, Origin, Wishes, plan_of
from nas.finetune.requirement import Requirement, parse_requirement
from nas.ranking import Ranked, bar, rank
from nas.search.asking import ask
from nas.search.chosen import SHORTEST
from nas.search.hold import Hold, hold
from nas.search.run import command_line, records_of, stored_study
from nas.store.ledger import Ledger
from nas.store.records import EvaluationRecord, Interval, LookRecord

From: TypeAlias = Literal["scratch", "search", "both"]
ORIGINS: dict[str, tuple[Origin, ...]] = {"scratch": ("scratch",), "search": ("search",), "both": ("scratch", "search")}
TOP, SEEDS, TRAININGS = 3, 2, 8
"""How many finalists, seeds of the best recipe, and trainings of each finalist at most, where nothing is asked for."""
LENGTHEN = 3
"""Full length is so many times the epochs of the search, where nothing else was asked for."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What became of one finalist. `searched` is its place before, `best` its best training, `None` where all failed.

    `scratch` and `from_search` are the scores at full length, before anything was refined, by where the first weights
    came from; `seeds` are the scores of the
    best recipe's trainings, one a seed. `looks` are all measurements of this architecture on the test split, the last
    one of this model.
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


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Finalists together: how often each trial's model was chosen, and what they come to."""

    members: dict[int, int]
    validation: Interval
    look: LookRecord


@dataclass(frozen=True, slots=True)
class Tuning:
    """How fine-tuning ended: finalists best first, by validation."""

    name: str
    metric: str
    exit_code: int
    message: str
    finalists: tuple[Tuned, ...]
    ensemble: Ensemble | None
    requirement: str | None
    met: bool | None


def finetune(
    name: str,
    *,
    storage: str | None = None,
    top: int = TOP,
    architecture: str | None = None,
    seeds: int = SEEDS,
    epochs: int | None = None,
    origin: From = "both",
    trainings: int = TRAININGS,
    hours: float | None = None,
    until: str | None = None,
    allow_changed: frozenset[str] = frozenset(),
    console: Console | None = None,
) -> Tuning:
    """Train the best architectures of study `name` at full length, refine how, and measure them on the test split.

    What has been trained already is not trained again: the same call goes on where it was stopped.

    Args:
        name: The study's name.
        storage: URL or path of the database.
        top: How many of the ranking are finalists.
        architecture: A fingerprint, or the beginning of one: it alone is the finalist.
        seeds: How often the best recipe is trained, with a seed each.
        epochs: Of full length; three times those of the search where it is ``None``.
        origin: Where the first weights come from: new ones, the search's encoder, or both are tried.
        trainings: At most so many for each finalist.
        hours: At most so long.
        until: A requirement, e.g. ``"val_accuracy>=0.93"``: it is adjusted until that is met.
        allow_changed: As for `nas.resume`.
        console: Where progress goes.

    Raises:
        NotFound: No such study or architecture, or no trial of it is complete.
        BadInput: The requirement cannot be understood.
        StudyRunning: A living process runs it.
        StudyChanged: Space, data or versions differ and are not allowed to.
    """
    url, record, study = stored_study(name, storage)
    task = catalogue.tasks[study.task.kind]
    if task.makes_labels:
        raise BadInput(
            f"The task of {name!r}, {study.task.kind!r}, makes its labels as it trains: there is nothing to measure "
            f"on a test split. Begin a study of the task the encoder is for, with space.start_from = {name!r}."
        )
    requirement = None if until is None else parse_requirement(until, study.objectives[0], task.metrics)
    given = {
        "--top": _unless(top, TOP), "--architecture": architecture, "--seeds": _unless(seeds, SEEDS),
        "--epochs": epochs, "--from": _unless(origin, "both"), "--trainings": _unless(trainings, TRAININGS),
        "--hours": hours, "--until": until, "--allow-changed": ",".join(sorted(allow_changed)) or None,
    }  # fmt: skip
    command = command_line("finetune", name, storage, **given)
    wishes = Wishes(epochs or LENGTHEN * study.search.epochs, seeds, ORIGINS[origin], max(trainings, seeds))
    base = Path(record.base)
    with hold(study, url, base, console=console, command=command, record=record, allow_changed=allow_changed) as held:
        chosen = _finalists(held.ledger, top, architecture)
        known = bar(record)
        ends = None if hours is None else time.monotonic() + 3600.0 * hours
        jobs = TuningJobs(
            held,
            [entry.trial for entry in chosen],
            [_finalist(held, entry, wishes) for entry in chosen],
            wishes,
            requirement=requirement,
            baseline=None if known is None else known.value,
            seconds_left=lambda: None if ends is None else max(0.0, ends - time.monotonic()),
        )
        stopped = held.evaluator(lambda: ends is not None and time.monotonic() >= ends).run(jobs)
        if held.signals.received is not None:
            held.ending = f"Stopped by {stopped}; what has been trained is saved. Go on with `{command}`."
            return Tuning(name, jobs.metric[0], held.signals.exit_code, held.ending, (), None, until, None)
        try:
            tuned, ensemble = _measured(held, jobs, chosen)
        except Interrupted as stop:
            raise Interrupted(f"{stop} Go on with `{command}`.", stop.exit_code) from None
        met = jobs.met if requirement is not None else None
        code, message = _ending(jobs, tuned, requirement, stopped, command)
        together = ensemble is not None and requirement is not None and requirement.is_met(ensemble.validation.value)
        if together and not met:
            message += " The finalists together do meet it on the validation split."
        held.ending = message
        return Tuning(name, jobs.metric[0], code, message, tuned, ensemble, until, met)


def _unless(value: object, usual: object) -> object:
    return None if value == usual else value


def _finalists(ledger: Ledger, top: int, architecture: str | None) -> list[Ranked]:
    ranking = rank(records_of(ledger), ledger.record.directions, ledger.evaluations.all("race"))
    name = ledger.record.name
    if not ranking:
        raise NotFound(f"No trial of {name!r} is complete yet: there is nothing to fine-tune.")
    if architecture is None:
        return ranking[:top]
    digits = architecture.lower()
    if len(digits) < SHORTEST or not set(digits) <= set("0123456789abcdef"):
        raise BadInput(
            f"--architecture takes a fingerprint, or its first {SHORTEST} hexadecimal digits or more. Received: "
            f"{architecture!r}. {_known(ranking)}"
        )
    found = [entry for entry in ranking if (entry.trial.fingerprint or "").startswith(digits)]
    if not found:
        raise NotFound(f"No complete architecture of {name!r} begins with {digits}. {_known(ranking)}")
    if len(found) > 1:
        raise BadInput(f"{len(found)} architectures begin with {digits}. {_known(found)}")
    return found


def _known(ranking: Sequence[Ranked]) -> str:
    told = [f"{(entry.trial.fingerprint or '')[:12]} (trial {entry.trial.number})" for entry in ranking[:5]]
    return f"There are: {', '.join(told)}{' …' if len(ranking) > 5 else ''}."


def _finalist(held: Hold, entry: Ranked, wishes: Wishes) -> Finalist:
    trial = entry.trial
    ledger = held.ledger
    id = ledger.get_trial_id_from_study_id_trial_number(ledger.study._study_id, trial.number)
    distributions = ledger.get_trial(id).distributions
    choices = {
        name: tuple(getattr(distribution, "choices", ()))
        for name, distribution in distributions.items()
        if name.startswith("training/") and name.endswith("augmentation")
    }
    compiled = OPTIMIZER not in trial.params
    has_weights = held.files.checkpoint(trial.number).exists() and not compiled
    if "search" in wishes.origins and not has_weights:
        why = "comes compiled, and has no encoder by itself" if compiled else "has no weights kept by the search"
        held.observer.note(f"Trial {trial.number} {why}: it is trained from scratch alone.")
    return Finalist(trial.number, trial.params, has_weights, choices)


def _measured(held: Hold, jobs: TuningJobs, chosen: Sequence[Ranked]) -> tuple[tuple[Tuned, ...], Ensemble | None]:
    """Look at the test split, once for each finalist's best model, and once for all of them together."""
    if any(jobs.best(entry.trial.number) is not None for entry in chosen):
        held.observer.note("Measuring on the test split.")
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
    validation, problem = None, None
    said = jobs.diagnose(best)
    try:
        answer = _look(held, jobs, trial, best)
        validation = _interval(answer.validation, jobs.metric[0])
        said += [each for each in (doubt(answer.doubtful, answer.suspects),) if each is not None]
    except Interrupted:
        raise
    except NASError as error:
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
    answer = ask(held.pool, Examine(members, *jobs.metric, seed=held.study.search.seed), held.signals)
    assert isinstance(answer, Examined)
    return answer


def _ensemble(held: Hold, jobs: TuningJobs, tuned: Sequence[Tuned]) -> Ensemble | None:
    """Choose some of the finalists' models that do best together."""
    best = [each.best for each in tuned if each.best is not None and each.problem is None]
    if len(best) < 2:
        return None
    try:
        answer = _examined(held, jobs, tuple(jobs.member(record) for record in best))
    except Interrupted:
        raise
    except NASError as error:
        held.observer.note(f"There is no ensemble: {error}")
        return None
    evaluations = held.ledger.evaluations
    metrics = {name: Interval(*values) for name, values in answer.test.items()}
    members = {record.trial: count for record, count in zip(best, answer.counts, strict=True) if count}
    alone = next(iter(members)) if len(members) == 1 else None  # then it was measured already
    same = [
        look for look in evaluations.looks if look.trial == alone and (alone is not None or look.metrics == metrics)
    ]
    look = same[-1] if same else evaluations.look(None, None, answer.examples, metrics)
    held.ledger.flush()
    return Ensemble(members, _interval(answer.validation, jobs.metric[0]), look)


def _interval(found: dict[str, tuple[float, float, float]], metric: str) -> Interval:
    return Interval(*found[metric])


def _ending(
    jobs: TuningJobs, tuned: Sequence[Tuned], requirement: Requirement | None, stopped: str | None, command: str
) -> tuple[int, str]:
    """Return the exit code and a sentence."""
    best = next((each.best for each in tuned if each.best is not None), None)
    if best is None:
        if stopped == "hours":
            return 6, f"The hours were used up before a training was complete. Go on with `{command}`."
        return 1, "No finalist could be trained; the causes are below. When they are mended, the same command goes on."
    if requirement is not None and not jobs.met:
        used_up = (
            "the hours are" if stopped == "hours" else "the trainings are" if jobs.used_up else "all there is to try is"
        )
        return 1, (
            f"The requirement {requirement} is not met: the best came to {best.score:.4f}, and {used_up} used up. "
            "What may help is said below for each finalist; more --trainings, --hours or --epochs go on from here."
        )
    if any(each.best is not None and each.problem is not None for each in tuned):
        return 1, "Not every finalist could be measured on the test split; the causes are below."
    if stopped == "hours":
        return 6, f"The hours are used up before all was tried. Go on with `{command}`."
    reached = f"The requirement {requirement} is met." if requirement is not None else "The finalists are fine-tuned."
    return 0, reached
