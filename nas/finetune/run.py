"""Fine-tune the finalists of a study: what `nas finetune` calls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console

from nas import catalogue
from nas.errors import BadInput, Interrupted, NoneComplete
from nas.finetune.jobs import TuningJobs
from nas.finetune.measuring import Ensemble, Tuned, measured
from nas.finetune.plan import OPTIMIZER, Finalist, Origin, Wishes
from nas.finetune.requirement import parse_requirement
from nas.ranking import Ranked, bar, ranking_of
from nas.search.chosen import whole_fingerprint
from nas.search.endings import command_line, records_of
from nas.search.going_on import going_on_with
from nas.search.hold import Hold, hold
from nas.search.run import stored_study
from nas.store import queries
from nas.store.engine import reading_from
from nas.store.ledger import Ledger
from nas.store.records import StudyRecord

From: TypeAlias = Literal["scratch", "search", "both"]
ORIGINS: dict[str, tuple[Origin, ...]] = {"scratch": ("scratch",), "search": ("search",), "both": ("scratch", "search")}
TOP, SEEDS, TRAININGS = 3, 2, 8
"""How many finalists, seeds of the best recipe, and trainings of each finalist at most, where nothing is asked for.

Who asks for more seeds gets the trainings for them, who asks for fewer trainings fewer seeds.
"""
LENGTHEN = 3
"""Full length is so many times the epochs of the search, where nothing else was asked for."""


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
    seeds: int | None = None,
    epochs: int | None = None,
    origin: From = "both",
    trainings: int | None = None,
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
        seeds: How often the best recipe is trained, with a seed each; `SEEDS` times where it is ``None``.
        epochs: Of full length; three times those of the search where it is ``None``.
        origin: Where the first weights come from: new ones, the search's encoder, or both are tried.
        trainings: At most so many for each finalist; `TRAININGS` where it is ``None``.
        hours: At most so long.
        until: A requirement, e.g. ``"val_accuracy>=0.93"``: it is adjusted until that is met.
        allow_changed: As for `nas.resume`.
        console: Where progress goes.

    Raises:
        NotFound: No such study or architecture, or no trial of it is complete.
        BadInput: The requirement or the fingerprint cannot be understood, there are fewer trainings than seeds, or the
            task makes its own labels.
        StudyRunning: A living process runs it.
        StudyChanged: Space, data or versions differ and are not allowed to.
        DataError: The data cannot be read any more.
        Interrupted: Somebody asked to stop before the first training, or while the test split was measured.
        StorageError: The database cannot be written; `DiskFull` where there is no space left for weights.
    """
    url, record, study = stored_study(name, storage)
    task = catalogue.tasks[study.task.kind]
    if task.makes_labels:
        raise BadInput(
            f"The task of {name!r}, {study.task.kind!r}, makes its labels as it trains: there is nothing to measure "
            f"on a test split. Begin a study of the task the encoder is for, with space.start_from = {name!r}."
        )
    requirement = None
    if until is not None:
        requirement = parse_requirement(until, study.objectives[0], task.metrics, _scores(url, record))
    given = {
        "--top": _unless(top, TOP), "--architecture": architecture, "--seeds": seeds,
        "--epochs": epochs, "--from": _unless(origin, "both"), "--trainings": trainings,
        "--hours": hours, "--until": until, "--allow-changed": ",".join(sorted(allow_changed)) or None,
    }  # fmt: skip
    command = command_line("finetune", name, storage, **given)
    onward = command_line("finetune", name, storage, **(given | {"--hours": None}))  # these hours were too few
    seeds, trainings = _seeds_and_trainings(seeds, trainings)
    wishes = Wishes(epochs or LENGTHEN * study.search.epochs, seeds, ORIGINS[origin], trainings)
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
        return _tune(held, jobs, chosen, until, command, onward)


def _seeds_and_trainings(seeds: int | None, trainings: int | None) -> tuple[int, int]:
    """Return how many there are of each: what was not asked for gives way to what was."""
    if seeds is not None and trainings is not None and seeds > trainings:
        raise BadInput(
            f"--seeds {seeds} with --trainings {trainings}: each seed takes a training. Write --trainings {seeds} or "
            f"more, or --seeds {trainings} at most."
        )
    most = trainings or max(TRAININGS, seeds or 0)
    return seeds or min(SEEDS, most), most


def _tune(
    held: Hold, jobs: TuningJobs, chosen: Sequence[Ranked], until: str | None, command: str, onward: str
) -> Tuning:
    """Train until `jobs` are done, and measure; `command` goes on, and `onward` where its hours are used up."""
    name, metric = held.study.name, jobs.metric[0]
    with going_on_with(lambda: command):
        stopped = held.evaluator(lambda: jobs.out_of_time).run(jobs)
    if held.signals.received is not None:
        held.ending = f"Stopped by {held.signals.asked}; what has been trained is saved. Go on with `{command}`."
        return Tuning(name, metric, held.signals.exit_code, held.ending, (), None, until, None)
    try:
        tuned, ensemble = measured(held, jobs, chosen)
    except Interrupted as stop:
        raise Interrupted(f"{stop} Go on with `{command}`.", stop.exit_code) from None
    code, held.ending, advice = _ending(jobs, tuned, stopped, onward)
    required = jobs.requirement
    if required is not None and not jobs.met and ensemble is not None and required.is_met(ensemble.validation.value):
        advice = f" The finalists together do meet it on the validation split.{advice}"
    met = None if required is None else jobs.met
    return Tuning(name, metric, code, held.ending + advice, tuned, ensemble, until, met)


def _advice(jobs: TuningJobs, stopped: str | None) -> str:
    """Return what goes on where a requirement is not met: said where what it points to is, and not kept."""
    said = " What may help is said below for each finalist;"
    if stopped == "hours":
        return f"{said} more --hours go on from here."
    if jobs.more is not None:
        return f"{said} {jobs.more - 1} trainings are done, --trainings {jobs.more} or more go on from here."
    return f"{said} more --trainings would change nothing, other --epochs would."


def _scores(url: str, record: StudyRecord) -> list[float]:
    """Return the first score of each trial of a study that has some."""
    with reading_from(url) as connection:
        return [trial.values[0] for trial in queries.trials(connection, record.id) if trial.values]


def _unless(value: object, usual: object) -> object:
    return None if value == usual else value


def _finalists(ledger: Ledger, top: int, architecture: str | None) -> list[Ranked]:
    ranking = ranking_of(ledger.record, records_of(ledger), ledger.evaluations.all("race"))
    name = ledger.record.name
    if not ranking:
        raise NoneComplete(name, "there is nothing to fine-tune.")
    if architecture is None:
        return ranking[:top]
    known = [entry.trial.fingerprint for entry in ranking if entry.trial.fingerprint is not None]
    meant = whole_fingerprint(name, known, architecture)
    return [entry for entry in ranking if entry.trial.fingerprint == meant]


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


def _ending(jobs: TuningJobs, tuned: Sequence[Tuned], stopped: str | None, command: str) -> tuple[int, str, str]:
    """Return the exit code, what the study keeps of how it ended, and what only a terminal says beside."""
    requirement = jobs.requirement
    best = next((each.best for each in tuned if each.best is not None), None)
    if best is None:
        if stopped == "hours":
            return 6, f"The hours were used up before a training was complete. Go on with `{command}`.", ""
        advice = " The causes are below. When they are mended, the same command goes on."
        return 1, "No finalist could be trained.", advice
    if requirement is not None and not jobs.met:
        used_up = (
            "the hours are" if stopped == "hours" else "the trainings are" if jobs.more else "all there is to try is"
        )
        ending = f"The requirement {requirement} is not met: the best came to {best.score:.4f}, and {used_up} used up."
        return 1, ending, _advice(jobs, stopped)
    if any(each.best is not None and each.problem is not None for each in tuned):
        return 1, "Not every finalist could be measured on the test split.", " The causes are below."
    if stopped == "hours":
        return 6, f"The hours are used up before all was tried. Go on with `{command}`.", ""
    reached = f"The requirement {requirement} is met." if requirement is not None else "The finalists are fine-tuned."
    return 0, reached, ""
