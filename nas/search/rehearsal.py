"""A dry run: build a few members of every family, train a few steps, and say what the study would cost.

Nothing is written to the database; the prepared data is kept, for the real run will use it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import optuna
from rich.console import Console

from nas.conversation import Ask, Built, Continue, Epoch, Failed, Finished, Skip, Start, Train, Value
from nas.data_card import DataCard
from nas.errors import plural
from nas.search.asking import an_idle
from nas.search.files import worker_logs
from nas.search.hold import pool_settings, within_machine
from nas.search.limits import over_limit
from nas.search.orders import dry_order
from nas.search.origin import find_origin
from nas.search.pool.local import LocalPool
from nas.search.pool.pool import Pool
from nas.search.preparing import prepare_data, with_families
from nas.search.progress import watching
from nas.search.suggest import suggest
from nas.store.engine import require_usable, storage_url
from nas.store.files import files_root
from nas.study_file import Study, read_study

RANDOM_MEMBERS = 2
"""Drawn at random of each family, built and not trained."""
START_SECONDS = 5.0
"""Until the first trial begins: importing TensorFlow, loading the data."""
PRUNED_SHARE = 0.5
"""What successive halving usually leaves of the epochs; the estimate says so."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member that was built. `problem` if it would not be trained.

    Of the default one also: `seconds_per_epoch`, and `seconds_before`, which building and tracing take.
    """

    family: str
    label: str
    weights: int | None
    macs: int | None
    seconds_per_epoch: float | None
    seconds_before: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a study would be like. `estimate_seconds` is wall clock, ``None`` where nothing could be timed."""

    name: str
    card: DataCard
    members: tuple[Member, ...]
    estimate_seconds: float | None
    notes: tuple[str, ...]


def rehearse(path: str | Path, *, storage: str | None = None, console: Console | None = None) -> Rehearsal:
    """Check the study file at `path`, prepare its data, build and time a few members.

    Raises:
        StudyFileError: The file has problems.
        BadInput: No family fits the data, or what the study is to start from cannot be.
        DataError: The data cannot be searched on.
        StorageError: No study can be kept in the database.
    """
    study, _ = read_study(path)
    base = Path(path).absolute().parent
    url = storage_url(storage)
    require_usable(url)
    root, origin = files_root(url), find_origin(url, study.space.start_from)
    with (
        watching(console or Console(stderr=True), study.name) as observer,
        worker_logs(root) as logs,
        LocalPool(pool_settings(study := within_machine(study, observer), logs)) as pool,
    ):
        card = prepare_data(study, pool, root / "data", base, observer)
        study = with_families(study, card, origin)
        start = origin.start if origin is not None else None
        draws = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=study.search.seed))
        members = []
        for family in study.space.families:
            for index in range(1 + RANDOM_MEMBERS):
                observer.note(f"{family}: {'the default member' if index == 0 else f'random member {index}'}")
                member = _try(study, pool, draws.ask(), family, card, base, start, default=index == 0)
                members.append(replace(member, label=f"random {index}" if index else "default"))
    return Rehearsal(study.name, card, tuple(members), *_estimate(study, members))


def _try(
    study: Study,
    pool: Pool,
    trial: optuna.Trial,
    family: str,
    card: DataCard,
    base: Path,
    start: Start | None,
    *,
    default: bool,
) -> Member:
    """Build one member; time an epoch of it if it is the family's default and within the limits."""
    worker = an_idle(pool)
    order = dry_order(study, trial.number, family, card, str(base), start)
    order = replace(order, latency=study.needs_latency)
    started = perf_counter()
    pool.give(worker, order)
    weights = macs = seconds = problem = None
    while True:
        for speaker, message in pool.messages(timeout=0.2):
            match message:
                case Ask():
                    try:
                        speaker.send(Value(suggest(trial, message, default=default, start=start)))
                    except ValueError as error:
                        problem = f"{message.name} cannot be asked like this: {error}"
                        speaker.send(Skip(problem))
                case Built(architecture, _, latency):
                    weights, macs = architecture.cost.weights, architecture.cost.macs
                    problem = over_limit(trial, architecture.cost, study.limits, latency)
                    speaker.send(Train() if default and problem is None else Skip("a rehearsal"))
                case Epoch():
                    seconds = message.seconds
                    speaker.send(Continue())
                case Finished() | Failed():
                    if isinstance(message, Failed):
                        problem = f"{message.kind}: {message.message}"
                    before = None if seconds is None else perf_counter() - started
                    return Member(family, "", weights, macs, seconds, before, problem)


def _estimate(study: Study, members: list[Member]) -> tuple[float | None, tuple[str, ...]]:
    """Return the wall clock a study would take, and what the figure rests on."""
    timed = [member.seconds_per_epoch for member in members if member.seconds_per_epoch is not None]
    if not timed:
        return None, ("No default member could be timed: see the problems above.",)
    search = study.search
    before = median(member.seconds_before for member in members if member.seconds_before is not None)
    per_trial = before / PRUNED_SHARE + median(timed) * search.epochs  # of these only the epochs can be pruned
    hours = None if search.hours is None else search.hours * 3600
    if search.trials is None:
        fits = int((hours or 0) * search.workers / (per_trial * PRUNED_SHARE))
        fitting = plural(fits, "trial fits", "trials fit")
        return hours, (f"In {search.hours:g} h about {fitting}, if pruning saves half of the epochs.",)
    estimate = START_SECONDS + search.trials * per_trial * PRUNED_SHARE / search.workers
    of_epochs = plural(search.epochs, "epoch")
    workers = plural(search.workers, "worker")
    notes = [f"{plural(search.trials, 'trial')} of {of_epochs} on {workers}, half of the epochs pruned."]
    if hours is not None and hours < estimate:
        notes.append(f"The {search.hours:g} h allowed end it earlier.")
        estimate = hours
    return estimate, tuple(notes)
