"""Hold a study: its data prepared, workers at hand, its lease taken; whether for a search, a race or fine-tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from nas.conversation import Start
from nas.data_card import DataCard
from nas.errors import NASError
from nas.search.evaluating import Evaluator
from nas.search.files import StudyFiles, worker_logs
from nas.search.observer import Observer
from nas.search.origin import Origin, find_origin, keep_weights, name_of
from nas.search.pool.local import LocalPool, PoolSettings, share_machine
from nas.search.pool.pool import Pool
from nas.search.preparing import prepare_data, with_families
from nas.search.progress import watching
from nas.search.same_choices import refuse_other_choices, refuse_other_families
from nas.search.session import new_session, refuse_changed
from nas.search.stopping import StopSignals
from nas.store.files import files_root
from nas.store.frozen import trials_of
from nas.store.ledger import Ledger
from nas.store.records import StudyRecord
from nas.study_file import Study


@dataclass(slots=True)
class Hold:
    """A study that is ours until the context ends. `ending` is what its session will say of how it ended."""

    study: Study
    card: DataCard
    ledger: Ledger
    pool: Pool
    files: StudyFiles
    base: Path
    observer: Observer
    signals: StopSignals
    start: Start | None
    ending: str = "ended by an unexpected error"

    def evaluator(self, out_of_time: Callable[[], bool] = lambda: False) -> Evaluator:
        """Return what trains outside the search; it stops in good order on a signal, or when there is no time left."""
        return Evaluator(
            self.ledger,
            self.pool,
            metric=self.study.objectives[0][0],
            observer=self.observer,
            stop_asked=lambda: self.signals.asked or ("hours" if out_of_time() else None),
            stop_at_once=lambda: self.signals.at_once,
        )


@contextmanager
def hold(
    study: Study,
    url: str,
    base: Path,
    *,
    console: Console | None,
    command: str,
    create: Callable[[], None] | None = None,
    record: StudyRecord | None = None,
    allow_changed: frozenset[str] = frozenset(),
    searching: bool = False,
) -> Iterator[Hold]:
    """Prepare the data, start workers, take the lease; let all of it go at the end.

    Args:
        study: The checked study file.
        url: The database.
        base: The folder that relative paths in the file start from.
        console: Where progress goes; stderr by default.
        command: What was typed.
        create: Called when whatever could be wrong has been found: creates the study.
        record: The study as it is stored, if it is.
        allow_changed: What may differ from it.
        searching: Whether there will be more trials of it: families have to ask for what they asked for before.

    Raises:
        DataError: The data cannot be searched on; nothing was created.
        StudyRunning: A living process holds the study.
        StudyChanged: Space, data or versions differ and are not allowed to.
        ChoicesChanged: They are, and the study cannot go on like that.
    """
    root = files_root(url)
    origin = _origin(study, url, root, record)
    with (
        watching(console or Console(stderr=True), study.name) as observer,
        StopSignals() as signals,
        worker_logs(root) as logs,
        LocalPool(pool_settings(study := within_machine(study, observer), logs)) as pool,
    ):
        card = prepare_data(study, pool, root / "data", base, observer, signals)
        study = with_families(study, card, origin)
        session = new_session(study, base, card, command)
        if create is not None:
            create()  # last: whatever could be wrong has been found by now
        if record is not None:
            changed = refuse_changed(record, session, allow_changed)
            if searching:
                _refuse_other_choices(url, record, changed, study, pool, card, base, origin, signals)
        ledger = Ledger.open(url, study.name, session)
        files = StudyFiles(root, ledger.record.id)
        held = Hold(study, card, ledger, pool, files, base, observer, signals, start=None)
        try:
            if origin is not None:
                held.start = keep_weights(origin.start, files.start)
            ledger.set_data(asdict(card))
            yield held
        except NASError as error:
            held.ending = str(error).splitlines()[0]
            raise
        finally:
            ledger.close(held.ending)  # whatever happened, the lease is let go


def _refuse_other_choices(
    url: str,
    record: StudyRecord,
    changed: frozenset[str],
    study: Study,
    pool: Pool,
    card: DataCard,
    base: Path,
    origin: Origin | None,
    signals: StopSignals,
) -> None:
    """Refuse to go on with choices that the trials so far did not have; before the session is begun."""
    trials = trials_of(url, record.id)
    refuse_other_families(study, trials)
    if changed & {"space", "versions"}:
        start = origin.start if origin is not None else None
        refuse_other_choices(study, trials, pool, card=card, base=str(base), start=start, signals=signals)


def _origin(study: Study, url: str, root: Path, record: StudyRecord | None) -> Origin | None:
    """Return what `study` starts from. One that is gone on with keeps to the weights it has copied."""
    name = study.space.start_from
    if name is None or record is None:
        return find_origin(url, name)
    weights = StudyFiles(root, record.id).start
    if weights.exists():
        name = name_of(weights).read_text(encoding="utf-8")
    return find_origin(url, name, weights)


def within_machine(study: Study, observer: Observer) -> Study:
    """Return `study` with no more workers than there is memory for; `observer` hears if that, or cores, are short."""
    workers, note = share_machine(study.search.workers)
    if note is not None:
        observer.note(note)
    return study.model_copy(update={"search": study.search.model_copy(update={"workers": workers})})


def pool_settings(study: Study, logs: Path) -> PoolSettings:
    """Return how many workers a study has, and when one is given up, as its file says; `logs` is where they print."""
    return PoolSettings(
        workers=study.search.workers,
        deadline=study.limits.trial_seconds,
        silence=study.limits.silence_seconds,
        logs=logs,
    )
