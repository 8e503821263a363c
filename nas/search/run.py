"""Launch, resume and race a study: what the commands of these names call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from nas.errors import BadInput, NotFound, StorageError, StudyExists, StudyRunning, plural
from nas.search.budget import Budget
from nas.search.coordinator import Coordinator
from nas.search.endings import Ending, command_line, ended, saved, search_ending
from nas.search.going_on import going_on_with
from nas.search.hold import Hold, hold
from nas.search.orders import stored_file
from nas.search.race import FEWEST, RaceJobs, race_size, racers, run_race
from nas.store import queries
from nas.store.engine import display_url, open_for_writing, reading_from, require_usable, storage_url
from nas.store.ledger import Ledger, create_study
from nas.store.records import StudyRecord, spent
from nas.study_file import Study, read_study


def launch(
    path: str | Path,
    *,
    storage: str | None = None,
    trials: int | None = None,
    hours: float | None = None,
    console: Console | None = None,
) -> Ending:
    """Create the study that the file at `path` describes, and run it until its budget is used up.

    Args:
        path: The study file.
        storage: URL or path of the database.
        trials: Another budget of trials than the file's.
        hours: Another budget of wall-clock hours than the file's.
        console: Where progress goes.

    Raises:
        StudyFileError: The file has problems.
        BadInput: No family fits the data, or what the study is to start from cannot be.
        StudyExists: The database has a study of that name.
        StudyRunning: So it has, and a living process runs it.
        DataError: The data cannot be searched on; nothing was created.
        Interrupted: Somebody asked to stop before the first trial.
        StudyFailed: The first trials all failed in the same way.
        StorageError: The database cannot be written; `DiskFull` where there is no space left for weights.
    """
    study, text = read_study(path)
    url = storage_url(storage)
    base = Path(path).absolute().parent
    require_usable(url)
    refuse_existing(url, study.name, text)
    given = {"--trials": trials, "--hours": hours}
    trials, hours = trials or study.search.trials, hours or study.search.hours

    def create() -> None:
        create_study(
            url,
            name=study.name,
            file=text,
            base=str(base),
            objectives=study.objectives,
            trials=trials,
            hours=hours,
        )

    command = command_line("launch", str(path), storage, **given)
    go_on = going_on_with(lambda: command_line("resume", study.name, storage))
    with hold(study, url, base, console=console, command=command, create=create) as held, go_on:
        return _search(held, trials, hours, storage)


def resume(
    name: str,
    *,
    storage: str | None = None,
    trials: int | None = None,
    hours: float | None = None,
    allow_changed: frozenset[str] = frozenset(),
    console: Console | None = None,
) -> Ending:
    """Go on with study `name` up to its total budget, which `trials` and `hours` raise.

    Args:
        name: The study's name.
        storage: URL or path of the database.
        trials: A new total; ``None`` leaves it.
        hours: A new total of wall-clock hours; ``None`` leaves it.
        allow_changed: Any of "space", "data", "versions": go on although these are not what they were.
        console: Where progress goes.

    Raises:
        NotFound: No such study.
        BadInput: It was not launched from a file, or has begun more trials already than `trials`.
        StudyRunning: A living process runs it.
        StudyChanged: Space, data or versions differ and are not allowed to.
        ChoicesChanged: They are, and families ask for other values than the trials so far were asked.
        DataError: The data cannot be read any more.
        Interrupted: Somebody asked to stop before the first trial.
        StudyFailed: The first trials all failed in the same way.
        StorageError: The database cannot be written; `DiskFull` where there is no space left for weights.
    """
    url, record, study = stored_study(name, storage)
    if trials is not None and trials < (done := spent(record.counts) + min(record.raced, record.race_budget)):
        raise BadInput(
            f"--trials {trials} is a total, and {name!r} has begun {plural(done, 'trial')} already. "
            f"Give more, e.g. --trials {2 * done}."
        )
    given = {"--trials": trials, "--hours": hours, "--allow-changed": ",".join(sorted(allow_changed)) or None}
    command = command_line("resume", name, storage, **given)
    base = Path(record.base)
    with hold(
        study,
        url,
        base,
        console=console,
        command=command,
        record=record,
        allow_changed=allow_changed,
        searching=True,
    ) as held:
        trials = trials if trials is not None else record.trials_budget
        with going_on_with(lambda: command_line("resume", name, storage)):
            return _search(held, trials, hours if hours is not None else record.hours_budget, storage)


def race(
    name: str,
    *,
    storage: str | None = None,
    trainings: int = 20,
    top: int | None = None,
    allow_changed: frozenset[str] = frozenset(),
    console: Console | None = None,
) -> Ending:
    """Train the best architectures of study `name` with new seeds, `trainings` times in all beside those there are.

    Args:
        name: The study's name.
        storage: URL or path of the database.
        trainings: How many; those that were cut short before are among them.
        top: Between so many architectures; as the study file says where it is ``None``.
        allow_changed: As for `resume`.
        console: Where progress goes.

    Raises:
        NotFound: No such study.
        BadInput: It was not launched from a file, or fewer than two of its architectures are complete.
        StudyRunning: A living process runs it.
        StudyChanged: Space, data or versions differ and are not allowed to.
        DataError: The data cannot be read any more.
        Interrupted: Somebody asked to stop before the first training.
        StorageError: The database cannot be written; `DiskFull` where there is no space left for weights.
    """
    url, record, study = stored_study(name, storage)
    if top is not None:
        study = study.model_copy(update={"race": study.race.model_copy(update={"top": top})})
    with reading_from(url) as connection:
        found = len(racers(queries.trials(connection, record.id), study, study.race.top))
    if found < 2:
        raise BadInput(
            f"A race is between two architectures at least that were trained to the end, and {name!r} has "
            f"{found or 'none'}. `nas status {name}` says how it stands."
        )
    changed = ",".join(sorted(allow_changed)) or None

    def command(left: int) -> str:
        given = {"--trainings": left, "--top": top, "--allow-changed": changed}
        return command_line("race", name, storage, **given)

    base, typed = Path(record.base), command(trainings)
    with hold(study, url, base, console=console, command=typed, record=record, allow_changed=allow_changed) as held:
        return _race(held, record.raced + trainings, command)


def stored_study(name: str, storage: str | None) -> tuple[str, StudyRecord, Study]:
    """Return the database, the record and the study file of a study that is to be gone on with.

    Raises:
        NotFound: No such study.
        BadInput: It was not launched from a file.
        StudyRunning: A living process runs it.
    """
    url = storage_url(storage)
    open_for_writing(url, create=False).dispose()  # a database of an older schema is upgraded here
    record = _stored(url, name)
    if record.file is None:
        raise BadInput(f"Study {name!r} was not launched from a study file: it can be read, not gone on with.")
    study = stored_file(record)
    if record.running is not None:
        raise StudyRunning(name, record.running.pid, record.running.host)
    return url, record, study


def _search(held: Hold, trials: int | None, hours: float | None, storage: str | None) -> Ending:
    """Search, then race, within the budget; `storage` is what was typed, for the command that goes on."""
    ledger, study = held.ledger, held.study
    racing = 0 if trials is None else _for_the_race(ledger, trials, study.race.share)
    races = racing > 0 if trials is not None else study.race.share > 0
    ledger.set_budget(trials, hours, racing)
    if racing and trials:
        held.observer.note(
            f"Of {trials} trials {racing} are the race's, in which the best are trained again (race.share): "
            f"{trials - racing} are the search's."
        )
    budget = Budget(
        None if trials is None else trials - racing,
        hours,
        racing=racing,
        reserved=study.race.share if races else 0.0,
        seconds_before=ledger.record.seconds,
        free_in_a_row=_free_at_the_end(ledger),
    )
    coordinator = Coordinator(
        study,
        ledger,
        held.pool,
        card=held.card,
        files=held.files,
        base=str(held.base),
        budget=budget,
        start=held.start,
        observer=held.observer,
        stop_asked=lambda: held.signals.asked,
        stop_at_once=lambda: held.signals.at_once,
    )
    jobs: RaceJobs | None = None
    try:
        stopped = coordinator.run()
        if stopped is None and races:
            # What `nas race` was asked for before is apart from the budget.
            apart = max(0, ledger.record.raced - ledger.record.race_budget)
            jobs = _jobs(held, None if trials is None else racing + apart, lambda: budget.clock)
            jobs = jobs if jobs.possible else None
            if jobs is None and not ledger.evaluations.all("race"):
                held.observer.note("There is nothing to race, or no time for it: it is searched on instead.")
                ledger.set_budget(trials, hours)
                budget.leave_nothing()
                stopped = coordinator.run()
    finally:
        coordinator.abandon("the session ended")  # if anything still runs, it will be gone on with
    if jobs is not None:
        stopped = run_race(jobs, held.evaluator(lambda: budget.out_of_time), ledger, held.observer)
    return search_ending(held, coordinator, stopped, storage)


def _race(held: Hold, trainings: int, command: Callable[[int], str]) -> Ending:
    """Race until there are `trainings` of the study; `command` says how to go on with so many that are left."""
    jobs = _jobs(held, trainings)
    if jobs.without_weights:  # more are raced than the search was to keep those of
        held.observer.note(
            f"Of {jobs.without_weights} of the architectures in this race the search has kept no weights, only those "
            "of its best. Should one of them win, fine-tuning has to train it, from scratch, before there is a model "
            "of it to export or to encode with."
        )
    with going_on_with(lambda: command(jobs.left or 0)):
        stopped = run_race(jobs, held.evaluator(), held.ledger, held.observer)
    records = held.ledger.evaluations.all("race")
    code, message, advice = 0, "The race is over.", ""
    if stopped is not None:
        code = held.signals.exit_code
        message = f"Stopped by {stopped}; {saved(held.ledger)}. Go on with `{command(jobs.left or 0)}`."
    elif all(record.outcome == "failed" for record in records):
        code, message = 1, "The race is over, and every training failed."
        advice = f" The last one: {records[-1].message}"
    return ended(held, code, message, advice)


def _for_the_race(ledger: Ledger, trials: int, share: float) -> int:
    """Return how many of all `trials` are left to the race: no more than the search has left over by now."""
    size = min(race_size(trials, share), trials - spent(ledger.counts()))
    return size if size >= FEWEST else 0


def _jobs(held: Hold, budget: int | None, seconds_left: Callable[[], float | None] = lambda: None) -> RaceJobs:
    return RaceJobs(
        held.study,
        held.ledger,
        card=held.card,
        files=held.files,
        base=str(held.base),
        budget=budget,
        start=held.start,
        seconds_left=seconds_left,
    )


def _free_at_the_end(ledger: Ledger) -> int:
    """Return how many of the last trials cost nothing: a space that was exhausted is so still."""
    free = 0
    for trial in reversed(ledger.study.get_trials(deepcopy=False)):
        record = ledger.trial_record(trial._trial_id)
        if record.duplicate_of is None and record.kind != "rejected":
            break
        free += 1
    return free


def refuse_existing(url: str, name: str, file: str) -> None:
    """Refuse a name that is taken before anything slow begins.

    Raises:
        StudyExists: It is; `StudyRunning` where a living process runs that study.
    """
    try:
        record = _stored(url, name)
    except (NotFound, StorageError):
        return  # none yet, or one that is made or upgraded when it is written
    if record.running is not None:
        raise StudyRunning(name, record.running.pid, record.running.host)
    raise StudyExists(name, display_url(url), changed=record.file != file)


def _stored(url: str, name: str) -> StudyRecord:
    with reading_from(url) as connection:
        return queries.study(connection, name)
