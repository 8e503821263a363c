"""Launch, resume and rehearse a study: what `nas launch`, `nas resume` and `nas launch --dry-run` call."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from nas import catalogue
from nas.conversation import DataCard, Failed, Prepare, Prepared
from nas.errors import (
    BadInput,
    DataError,
    Interrupted,
    NASError,
    NotFound,
    StorageError,
    StudyExists,
    StudyRunning,
    plural,
)
from nas.ranking import rank
from nas.search.budget import Budget
from nas.search.coordinator import TRIES, Coordinator
from nas.search.files import StudyFiles, files_root
from nas.search.fit import choose_encoders, choose_families, modality
from nas.search.observer import Observer
from nas.search.origin import Origin, find_origin, keep_weights, name_of
from nas.search.pool.local import LocalPool, PoolSettings
from nas.search.pool.pool import Pool
from nas.search.progress import watching
from nas.search.session import new_session, refuse_changed
from nas.search.stopping import StopSignals
from nas.store import queries
from nas.store.engine import display_url, open_for_writing, reading_from, storage_url
from nas.store.ledger import Ledger, create_study
from nas.store.records import StudyRecord, TrialRecord, spent
from nas.study_file import Study, parse_study, read_study


@dataclass(frozen=True, slots=True)
class Ending:
    """How a launch or resume ended. `exit_code` is the process's, `message` one sentence for people."""

    name: str
    exit_code: int
    message: str
    counts: dict[str, int]
    best: TrialRecord | None


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
        StudyExists: The database has a study of that name.
        DataError: The data cannot be searched on; nothing was created.
        StudyFailed: The first trials all failed in the same way.
    """
    study, text = read_study(path)
    url = storage_url(storage)
    base = Path(path).absolute().parent
    _refuse_existing(url, study.name, text)
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

    command = _command("launch", str(path), storage, **given)
    return _run(study, url, base, console=console, command=command, create=create, budget=(trials, hours))


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
        StudyRunning: A living process runs it.
        StudyChanged: Space, data or versions differ and are not allowed to.
    """
    url = storage_url(storage)
    open_for_writing(url, create=False).dispose()  # a database of an older schema is upgraded here
    record = _stored(url, name)
    if record.file is None:
        raise BadInput(f"Study {name!r} was not launched from a study file: it can be read, not resumed.")
    study = parse_study(record.file, path=f"the stored file of study {name!r}", base=Path(record.base))
    budget = (
        trials if trials is not None else record.trials_budget,
        hours if hours is not None else record.hours_budget,
    )
    if record.running is not None:
        raise StudyRunning(name, record.running.pid, record.running.host)
    if trials is not None and trials < (done := spent(record.counts)):
        raise BadInput(
            f"--trials {trials} is a total, and {name!r} has begun {plural(done, 'trial')} already. "
            f"Give more, e.g. --trials {2 * done}."
        )
    given = {"--trials": trials, "--hours": hours, "--allow-changed": ",".join(sorted(allow_changed)) or None}
    command = _command("resume", name, storage, **given)
    return _run(
        study,
        url,
        Path(record.base),
        console=console,
        command=command,
        record=record,
        budget=budget,
        allow_changed=allow_changed,
    )


def _command(verb: str, what: str, storage: str | None, **options: object) -> str:
    """Return the command as somebody would type it again; a password is never part of it."""
    words = ["nas", verb, what]
    for option, value in options.items():
        words += [] if value is None else [option, str(value)]
    words += [] if storage is None else ["--storage", display_url(storage_url(storage))]
    return shlex.join(words)


def _run(
    study: Study,
    url: str,
    base: Path,
    *,
    console: Console | None,
    command: str,
    create: Callable[[], None] | None = None,
    budget: tuple[int | None, float | None],
    record: StudyRecord | None = None,
    allow_changed: frozenset[str] = frozenset(),
) -> Ending:
    """Prepare the data, take the lease, run the coordinator. `create` is called once the data is known to be good."""
    root = files_root(url)
    origin = _origin(study, url, root, record)
    settings = _pool_settings(study, root / "logs" / str(os.getpid()))
    with (
        watching(console or Console(stderr=True), study.name) as observer,
        StopSignals() as signals,
        _logs(settings.logs),
        LocalPool(settings) as pool,
    ):
        card = prepare_data(study, pool, root / "data", base, observer, signals)
        study = with_families(study, card, origin)
        session = new_session(study, base, card, command)
        if create is not None:
            create()  # last: whatever could be wrong has been found by now
        if record is not None:
            refuse_changed(record, session, allow_changed)
        ledger = Ledger.open(url, study.name, session)
        ending = "ended by an unexpected error"
        try:
            ledger.set_data(asdict(card))
            ledger.set_budget(*budget)
            files = StudyFiles(root, ledger.record.id)
            coordinator = Coordinator(
                study,
                ledger,
                pool,
                card=card,
                files=files,
                base=str(base),
                budget=Budget(*budget, seconds_before=ledger.record.seconds, free_in_a_row=_free_at_the_end(ledger)),
                start=keep_weights(origin.start, files.start) if origin is not None else None,
                observer=observer,
                stop_asked=lambda: signals.asked,
                stop_at_once=lambda: signals.at_once,
            )
            try:
                stopped = coordinator.run()
            finally:
                coordinator.abandon("the session ended")  # if anything still runs, it will be gone on with
            result = _ending(study, ledger, coordinator, stopped, signals)
            ending = result.message
            return result
        except NASError as error:
            ending = str(error).splitlines()[0]
            raise
        finally:
            ledger.close(ending)  # whatever happened, the lease is let go


@contextmanager
def _logs(folder: Path) -> Iterator[None]:
    """Where workers print; what is of use after their death is in the database by the end."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare_data(
    study: Study, pool: Pool, folder: Path, base: Path, observer: Observer, signals: StopSignals | None = None
) -> DataCard:
    """Have a worker load, check and split the data; return its card.

    Raises:
        DataError: The data cannot be searched on.
        Interrupted: Somebody asked to stop meanwhile.
    """
    order = Prepare(study.data.model_dump_json(), study.task.kind, str(folder), str(base))
    given, tries = False, 1
    while True:
        if signals is not None and signals.received is not None:
            raise Interrupted("Stopped while the data was being prepared: no trial was begun.", signals.exit_code)
        if not given and pool.idle:
            pool.give(pool.idle[0], order)
            given = True
        for _, message in pool.messages(timeout=0.2):
            match message:
                case Prepared(card, notes):
                    for note in notes:
                        observer.note(note)
                    return card
                case Failed(kind="killed") if tries < TRIES:
                    tries, given = tries + 1, False  # it was the worker somebody was after, not the data
                case Failed():
                    source = study.data.source  # the message begins with it, unless it was not the data's
                    raise DataError(f"data.source = {source!r}: {message.message.removeprefix(f'{source}: ')}")


def with_families(study: Study, card: DataCard, origin: Origin | None = None) -> Study:
    """Return `study` with the families that are searched, where its file leaves them to the data and the task.

    One that starts from another study's encoder has that one's family.

    Raises:
        BadInput: A family that is named does not fit; or none does; or the encoder was trained on other inputs.
    """
    if origin is not None:
        origin.refuse_other_inputs(card)
    named = study.space.families if origin is None else (origin.start.family,)
    families = choose_families(named, card, study.task.kind)
    joins = any(name not in catalogue.families or modality(name) == "several" for name in families)
    encoders = choose_encoders(study.space.encoders, card) if joins or study.space.encoders else {}
    return study.model_copy(
        update={"space": study.space.model_copy(update={"families": families, "encoders": encoders})}
    )


def _origin(study: Study, url: str, root: Path, record: StudyRecord | None) -> Origin | None:
    """Return what `study` starts from. One that is gone on with keeps to the weights it has copied."""
    name = study.space.start_from
    if name is None or record is None:
        return find_origin(url, name)
    weights = StudyFiles(root, record.id).start
    if weights.exists():
        name = name_of(weights).read_text(encoding="utf-8")
    return find_origin(url, name, weights)


def _free_at_the_end(ledger: Ledger) -> int:
    """Return how many of the last trials cost nothing: a space that was exhausted is so still."""
    free = 0
    for trial in reversed(ledger.study.get_trials(deepcopy=False)):
        record = ledger.trial_record(trial._trial_id)
        if record.duplicate_of is None and record.kind != "rejected":
            break
        free += 1
    return free


def _ending(
    study: Study, ledger: Ledger, coordinator: Coordinator, stopped: str | None, signals: StopSignals
) -> Ending:
    standing = coordinator.standing()
    left = len(ledger.unfinished())
    resume_with = f"Go on with `nas resume {study.name}`."
    if signals.received is not None and stopped != "hours":
        code = signals.exit_code
        saved = plural(left, "trial is saved where it is", "trials are saved where they are")
        message = f"Stopped by {stopped}; {saved}. {resume_with}"
    elif stopped == "hours":
        code = 6 if left else 0
        message = f"The hours are used up; {plural(left, 'trial was', 'trials were')} interrupted and saved. "
        message += f"Go on with `nas resume {study.name} --hours MORE`."
    elif coordinator.exhausted:
        code = 0
        message = "The space is exhausted: the last candidates had all been built before, or were over a limit."
    else:
        code, message = 0, "The budget is used up."
        if standing.spent and ledger.record.counts == standing.counts:
            so_far = plural(standing.spent, "trial")
            message += f" Nothing was left to do: `--trials` and `--hours` raise the total, {so_far} so far."
    if code == 0 and not standing.counts.get("complete"):
        code, message = 1, f"{message} No trial is complete: see `nas show {study.name}` for the causes."
    records = [ledger.trial_record(trial._trial_id) for trial in ledger.study.get_trials(deepcopy=False)]
    ranked = rank(records, ledger.record.directions)
    return Ending(study.name, code, message, standing.counts, ranked[0].trial if ranked else None)


def _refuse_existing(url: str, name: str, file: str) -> None:
    """Refuse a name that is taken before anything slow begins."""
    try:
        record = _stored(url, name)
    except (NotFound, StorageError):
        return  # a database that cannot be read is met again, with its own message, when it is written
    if record.running is not None:
        raise StudyRunning(name, record.running.pid, record.running.host)
    raise StudyExists(name, display_url(url), changed=record.file != file)


def _stored(url: str, name: str) -> StudyRecord:
    with reading_from(url) as connection:
        return queries.study(connection, name)


def _pool_settings(study: Study, logs: Path) -> PoolSettings:
    return PoolSettings(
        workers=study.search.workers,
        deadline=study.limits.trial_seconds,
        silence=study.limits.silence_seconds,
        logs=logs,
    )
