"""A study in memory of a second: scripted candidates instead of workers."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nas.architecture import Architecture, Cost
from nas.conversation import Ask, Built, Distribution, Epoch, Evaluate, Finished, Start
from nas.data_card import DataCard, Input, Target
from nas.search.budget import Budget
from nas.search.coordinator import Coordinator
from nas.search.endings import Ending
from nas.search.files import StudyFiles
from nas.search.hold import Hold
from nas.search.observer import Silent
from nas.search.pool.simulated import Candidate, Script, SimulatedPool
from nas.search.run import _free_at_the_end, _race, _search
from nas.search.stopping import StopSignals
from nas.store import queries
from nas.store.engine import reading_from
from nas.store.evaluation_records import EvaluationRecord
from nas.store.lease import this_process
from nas.store.ledger import Ledger, create_study
from nas.store.records import EventRecord, NewSession, StudyRecord, TrialRecord
from nas.study_file import Study, parse_study

CARD = DataCard(
    "npz:toy.npz",
    "f" * 64,
    "/nowhere",
    {"x": Input("image", (8, 8, 1))},
    Target(names=tuple("0123456789")),
    {"train": 80},
)

FILE = """
name = "toy"
[data]
source = "npz:toy.npz"
[space]
families = ["cnn", "mlp"]
[search]
strategy = "{strategy}"
pruner = "{pruner}"
trials = {trials}
epochs = {epochs}
workers = {workers}
seed = {seed}
{rest}
"""


def study_of(*, strategy="random", pruner="none", trials=12, epochs=3, workers=1, seed=0, rest="") -> Study:
    text = FILE.format(**locals())
    return parse_study(text, path="toy.toml", base=Path())


def session() -> NewSession:
    return NewSession(
        this_process(), "nas launch toy.toml", 0, {"keras": "3"}, {"cnn": "a", "mlp": "b"}, CARD.fingerprint, None
    )


def gone() -> NewSession:
    """A session of a process that died: whoever comes after may take its lease."""
    return replace(session(), holder=replace(this_process(), process_started=-1.0))


def quadratic(order: Evaluate, *, grid: int | None = None, weights: int = 100) -> Script:
    """Accuracy peaks at x = 0.7 and rises by the epoch. A `grid` makes the space small."""
    if grid is None:
        x = yield Ask("x", Distribution("float", low=0.0, high=1.0), 0.5)
    else:
        x = yield Ask("x", Distribution("categorical", choices=tuple(i / grid for i in range(grid))), 0.0)
    score = 1.0 - (x.value - 0.7) ** 2
    yield Built(Architecture(f"{order.family}-{x.value}", (), Cost(weights, 1000, 10)), {"batch_size": 32})
    metrics: dict[str, float] = {}
    for step in range(1, order.epochs + 1):
        metrics = {"loss": 1.0 / step, "val_accuracy": score * step / order.epochs, "val_loss": 1.0 / step}
        yield Epoch(step, metrics, 0.01)
    yield Finished(metrics)


ENDED = re.compile(r"(\w+)(?: \((\w+)\))?")
"""How the line of a trial that ended begins: "failed (nan)"."""


@dataclass
class Watcher(Silent):
    """Remembers what it was told of trials, by number."""

    begun: list[tuple[int, bool]] = field(default_factory=list)
    outcomes: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    epochs: list[tuple[int, int]] = field(default_factory=list)

    def started(self, label, detail, *, resumed):
        self.begun.append((_number(label), resumed))

    def epoch(self, label, step, epochs, value):
        self.epochs.append((_number(label), step))

    def ended(self, label, line):
        self.outcomes.append((_number(label), *ENDED.match(line).groups()))


def _number(label: str) -> int:
    return int(label.removeprefix("trial "))


def noisy(order: Evaluate, *, sigma: float = 0.02, peak: float = 0.7, grid: int | None = None) -> Script:
    """As `quadratic`, with a part that comes from the seed alone: what a race is there to tell apart. More x, more
    weights. Without a `grid`, no two candidates are the same."""
    if order.params is not None:
        x = float(order.params["x"])
    elif grid is None:
        x = (yield Ask("x", Distribution("float", low=0.0, high=1.0), 0.5)).value
    else:
        x = (yield Ask("x", Distribution("categorical", choices=tuple(i / grid for i in range(grid))), 0.0)).value
    score = 1.0 - (x - peak) ** 2 + sigma * random.Random(order.seed).gauss(0.0, 1.0)
    yield Built(Architecture(f"{order.family}-{x}", (), Cost(100 + round(100 * x), 1000, 10)), {"batch_size": 32})
    metrics: dict[str, float] = {}
    for step in range(1, order.epochs + 1):
        at = score * step / order.epochs
        metrics = {"loss": 1.0 - at, "val_accuracy": at, "val_loss": 1.0 - at}
        yield Epoch(step, metrics, 0.01)
    yield Finished(metrics)


class Killed(Exception):
    """Raised by a script: the coordinator dies here, and says nothing more."""


@dataclass
class Run:
    """What one session left behind."""

    stopped: str | None
    watcher: Watcher
    coordinator: Coordinator
    ledger: Ledger


def run(
    folder: Path,
    study: Study,
    candidate: Candidate = quadratic,
    *,
    workers: int = 1,
    stop: Callable[[Watcher], str | None] = lambda watcher: None,
    fresh: bool = True,
    trials: int | None = None,
    pool: type[SimulatedPool] = SimulatedPool,
    start: Start | None = None,
) -> Run:
    """Run `study` to its end in the database of `folder`."""
    url = f"sqlite:///{folder / 'nas.db'}"
    if fresh:
        create_study(
            url, name=study.name, file="", base=str(folder), objectives=study.objectives,
            trials=study.search.trials, hours=None,
        )  # fmt: skip
    ledger = Ledger.open(url, study.name, session())
    watcher = Watcher()
    coordinator = Coordinator(
        study,
        ledger,
        pool(candidate, workers),
        card=CARD,
        files=StudyFiles(folder / "nas.files", ledger.record.id),
        base=str(folder),
        budget=Budget(
            trials or study.search.trials,
            study.search.hours,
            seconds_before=ledger.record.seconds,
            free_in_a_row=_free_at_the_end(ledger),
        ),
        start=start,
        observer=watcher,
        stop_asked=lambda: stop(watcher),
    )
    try:
        stopped = coordinator.run()
    except Killed:
        ledger.flush()  # as the clock would have had it, a moment later
        ledger.close("killed")
        return Run("killed", watcher, coordinator, ledger)
    except BaseException:
        coordinator.abandon("test over")
        ledger.close("test over")
        raise
    ledger.close("test over")
    return Run(stopped, watcher, coordinator, ledger)


@dataclass
class Log(Silent):
    """Remembers what it was told of every training, by label."""

    begun: list[tuple[str, str, bool]] = field(default_factory=list)
    epochs: list[tuple[str, int]] = field(default_factory=list)
    endings: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def started(self, label, detail, *, resumed):
        self.begun.append((label, detail, resumed))

    def epoch(self, label, step, epochs, value):
        self.epochs.append((label, step))

    def ended(self, label, line):
        self.endings.append((label, line))

    def note(self, message):
        self.notes.append(message)


@dataclass
class CtrlC(StopSignals):
    """Ctrl-C as soon as `when` says so of what was told so far."""

    log: Log
    when: Callable[[Log], bool] = lambda log: False
    twice: bool = False

    def __post_init__(self):
        super().__init__()

    @property
    def asked(self):
        if self.received is None and self.when(self.log):
            self.received, self.at_once = signal.SIGINT, self.twice
        return super().asked


@dataclass
class Whole:
    """What one session of a search with its race, or of `nas race`, left behind. `ending` is missing where it died."""

    log: Log
    ending: Ending | None
    study: StudyRecord
    races: list[EvaluationRecord]
    trials: list[TrialRecord]
    events: list[EventRecord]

    @property
    def ended(self) -> list[EvaluationRecord]:
        return [record for record in self.races if record.outcome is not None]


def whole(
    folder: Path,
    study: Study,
    candidate: Candidate = noisy,
    *,
    fresh: bool = True,
    trials: int | None = None,
    hours: float | None = None,
    stop: Callable[[Log], bool] = lambda log: False,
    twice: bool = False,
    race: int | None = None,
    dies: bool = False,
    storage: str | None = None,
    signals: StopSignals | None = None,
) -> Whole:
    """Launch `study`, or go on with it, or race `race` more, as the command of that name does; with scripted workers.

    A study that `dies` by `Killed` does so as by kill -9: what waited to be saved is lost, and its lease is not let go.
    """
    url = f"sqlite:///{folder / 'nas.db'}"
    trials, hours = trials or study.search.trials, hours or study.search.hours
    if fresh:
        create_study(
            url, name=study.name, file="", base=str(folder), objectives=study.objectives, trials=trials, hours=hours
        )
    log = Log()
    new = gone() if dies else session()
    ledger = Ledger.open(url, study.name, replace(new, command="nas race toy") if race else new)
    ledger.set_data(asdict(CARD))
    files = StudyFiles(folder / "nas.files", ledger.record.id)
    pool = SimulatedPool(candidate, study.search.workers)
    held = Hold(study, CARD, ledger, pool, files, folder, log, signals or CtrlC(log, stop, twice), None)
    ending = None
    try:
        if race is None:
            ending = _search(held, trials, hours, storage)
        else:
            ending = _race(held, ledger.record.raced + race, lambda left: f"nas race toy --trainings {left}")
    except Killed:
        ledger._engine.dispose()
    else:
        ledger.close(held.ending)
    return Whole(log, ending, *look(url))


def look(url: str) -> tuple[StudyRecord, list[EvaluationRecord], list[TrialRecord], list[EventRecord]]:
    """What the database says of the study ``toy``."""
    with reading_from(url) as connection:
        record = queries.study(connection, "toy")
        return (
            record,
            queries.evaluations(connection, record.id),
            queries.trials(connection, record.id),
            queries.events(connection, record.id),
        )
