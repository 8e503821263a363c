"""Launch, resume and race a study: what the commands of these names call."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from nas.errors import BadInput, NotFound, StorageError, StudyExists, StudyRunning, plural
from nas.ranking import Ranked, perfect, ranking_of
from nas.search.budget import Budget
from nas.search.coordinator import Coordinator
from nas.search.going_on import going_on_with
from nas.search.hold import Hold, hold
from nas.search.orders import stored_file
from nas.search.race import FEWEST, RaceJobs, race_size, racers, run_race
from nas.store import queries
from nas.store.engine import display_url, open_for_writing, reading_from, require_usable, storage_url
from nas.store.ledger import Ledger, create_study
from nas.store.records import EXHAUSTED, USED_UP, StudyRecord, TrialRecord, spent
from nas.study_file import Study, read_study


@dataclass(frozen=True, slots=True)
class Ending:
    """How a launch or resume ended. `exit_code` is the process's, `message` one sentence for people.

    `perfect` is how many architectures reached the best score there can be.
    """

    name: str
    exit_code: int
    message: str
    counts: dict[str, int]
    best: Ranked | None
    perfect: int = 0


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


def command_line(verb: str, what: str, storage: str | None, **options: object) -> str:
    """Return the command as somebody would type it again; a password is never part of it."""
    words = ["nas", verb, what]
    for option, value in options.items():
        words += [] if value is None else [option, str(value)]
    words += [] if storage is None else ["--storage", display_url(storage_url(storage))]
    return shlex.join(words)


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
    return _ending(held, coordinator, stopped, storage)


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
        message = f"Stopped by {stopped}; {_saved(held.ledger)}. Go on with `{command(jobs.left or 0)}`."
    elif all(record.outcome == "failed" for record in records):
        code, message = 1, "The race is over, and every training failed."
        advice = f" The last one: {records[-1].message}"
    return _ended(held, code, message, advice)


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


def _ending(held: Hold, coordinator: Coordinator, stopped: str | None, storage: str | None) -> Ending:
    study, ledger, signals = held.study, held.ledger, held.signals
    standing, advice = coordinator.standing(), ""
    if stopped is not None and stopped != "hours":
        code = signals.exit_code
        go_on = command_line("resume", study.name, storage)
        message = f"Stopped by {stopped}; {_saved(ledger)}. Go on with `{go_on}`."
    elif stopped == "hours":
        code = 6 if _cut_off(ledger)[0] else 0
        go_on = command_line("resume", study.name, storage, **{"--hours": "MORE"})
        message = f"The hours are used up; {_saved(ledger)}. Go on with `{go_on}`."
    elif coordinator.exhausted:
        code = 0
        message = f"{EXHAUSTED}: the last candidates had all been built before, or were over a limit."
    else:
        code, message = 0, f"{USED_UP}."
        raced = sum(record.outcome is not None for record in ledger.evaluations.all("race"))
        if standing.spent and ledger.record.counts == standing.counts and raced == ledger.record.raced:
            so_far = plural(standing.spent, "trial")
            advice = f" Nothing was left to do: `--trials` and `--hours` raise the total, {so_far} so far."
    if code == 0 and not standing.counts.get("complete"):
        code, advice = 1, f" No trial is complete: see `nas show {study.name}` for the causes."
    return _ended(held, code, message, advice)


def _cut_off(ledger: Ledger) -> tuple[int, str]:
    """Return how many trials have to be gone on with, or else trainings of the race; and what they are called."""
    trials = len(ledger.unfinished())
    count = trials or sum(record.outcome is None for record in ledger.evaluations.all("race"))
    one, many = ("trial", "trials") if trials else ("training of the race", "trainings of the race")
    return count, one if count == 1 else many


def _saved(ledger: Ledger) -> str:
    count, called = _cut_off(ledger)
    return f"{count} {called} {'was' if count == 1 else 'were'} interrupted and saved"


def _ended(held: Hold, code: int, message: str, advice: str) -> Ending:
    """Return how it ended. The study keeps `message`, true wherever it is read; `advice` is for the terminal alone."""
    ledger = held.ledger
    held.ending = message
    ranked = ranking_of(ledger.record, records_of(ledger), ledger.evaluations.all("race"))
    best = ranked[0] if ranked else None
    return Ending(held.study.name, code, message + advice, ledger.counts(), best, perfect(ledger.record, ranked))


def records_of(ledger: Ledger) -> list[TrialRecord]:
    """Return every trial that a ledger holds, by number."""
    return [ledger.trial_record(trial._trial_id) for trial in ledger.study.get_trials(deepcopy=False)]


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
