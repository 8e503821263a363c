"""Fine-tuning in memory of a second: a study that scripted candidates have searched, and scripted trainings of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, Cost
from nas.conversation import AVERAGED, Ask, Built, Distribution, Epoch, Evaluate, Examine, Examined, Failed, Finished
from nas.finetune.plan import Plan
from nas.search.budget import Budget
from nas.search.coordinator import Coordinator
from nas.search.files import StudyFiles
from nas.search.hold import Hold
from nas.search.observer import Silent
from nas.search.pool.simulated import Script, SimulatedPool
from nas.search.stopping import StopSignals
from nas.store import queries
from nas.store.engine import reading_from
from nas.store.evaluation_records import EpochRecord, EvaluationRecord
from nas.store.ledger import Ledger, create_study
from nas.study_file import parse_study
from tests.search.scripts import CARD, FILE, session

PARAMS = {
    "training/optimizer": "adamw",
    "training/adamw_learning_rate": 2e-3,
    "training/adamw_weight_decay": 1e-3,
    "training/augmentation": "none",
}


def record_of(
    plan: Plan, number: int, score: float = math.nan, *, kind: Any = None, curve: list[Any] | None = None, over=True
) -> EvaluationRecord:
    """Return `plan`, trained: with a score, failed with a `kind`, or (not `over`) cut short."""
    epochs = tuple(EpochRecord(step, value, metrics, 0.1) for step, (value, metrics) in enumerate(curve or [], start=1))
    outcome = None if not over else "failed" if kind else "complete"
    now = datetime.now(UTC)
    return EvaluationRecord(
        number, "finetune", 0, plan.seed, plan.as_dict(), plan.epochs, outcome, kind, None, None,
        score, epochs, 1, now, now if over else None,
    )  # fmt: skip


def fingerprint(family: str, x: float) -> str:
    return hashlib.sha256(f"{family}{x}".encode()).hexdigest()


def searching(order: Evaluate) -> Script:
    """A candidate of the search: it asks, and is trained."""
    asked = {
        f"{order.family}/x": (Distribution("float", low=0.0, high=1.0), 0.5),
        "training/optimizer": (Distribution("categorical", choices=("adamw",)), "adamw"),
        "training/adamw_learning_rate": (Distribution("float", low=3e-4, high=1e-2, log=True), 2e-3),
        "training/adamw_weight_decay": (Distribution("float", low=1e-4, high=1e-1, log=True), 1e-3),
        "training/augmentation": (Distribution("categorical", choices=("none", "shift")), "none"),
    }
    params = {}
    for name, (distribution, default) in asked.items():
        params[name] = (yield Ask(name, distribution, default)).value
    yield from trained(order, params)


def tuning(order: Evaluate) -> Script:
    """A training of fine-tuning: it has its params."""
    assert order.params is not None
    yield from trained(order, order.params)


def trained(order: Evaluate, params: dict[str, Any], fingerprint_: str | None = None) -> Script:
    """Train towards a score that a rate of 0.005 is best for, and leave the files that a worker leaves."""
    x, rate = params[f"{order.family}/x"], params["training/adamw_learning_rate"]
    best = 0.9 - 0.2 * (x - 0.7) ** 2 - 0.05 * abs(math.log10(rate / 0.005)) + 1e-4 * (order.seed % 7)
    yield Built(Architecture(fingerprint_ or fingerprint(order.family, x), (), Cost(100, 1000, 10)), {"batch_size": 32})
    metrics: dict[str, float] = {}
    for step in range(1, order.epochs + 1):
        value = best * (1 - 0.5**step)
        metrics = {"loss": 1 / step, "accuracy": value, "val_accuracy": value, "val_loss": 1 / step}
        if order.keep is not None:
            metrics |= {f"{AVERAGED}val_accuracy": value + 0.001}
            Path(order.keep.weights).parent.mkdir(parents=True, exist_ok=True)
            Path(order.keep.weights).write_text(f"{order.seed} {rate}")
            Path(order.checkpoint).write_text(str(step))
        yield Epoch(step, metrics, 0.01)
    yield Finished(metrics)


def examined(order: Examine) -> Examined:
    """Measure a model by the learning rate it was trained with; of several, take all."""
    count = len(order.members)
    rate = float(Path(order.members[0].weights).read_text().split()[1])
    value = 0.8 + rate
    found = {"val_accuracy": (value, value - 0.02, value + 0.02), "val_loss": (0.5, 0.4, 0.6)}
    return Examined((1,) * count, found, found, 360, 0.0, ())


class Workers(SimulatedPool):
    """Scripted workers that also answer questions, and count them."""

    def __init__(self, candidate: Callable[[Evaluate], Script], workers: int, answer: Callable[[Examine], Any]) -> None:
        super().__init__(candidate, workers)
        self._answer = answer
        self._asked: list[Any] = []
        self.measured = 0

    def give(self, worker: Any, order: Any) -> None:
        if isinstance(order, Examine):
            self._asked.append((worker, order))
        else:
            super().give(worker, order)

    def messages(self, timeout: float) -> Iterator[Any]:
        while self._asked:
            worker, order = self._asked.pop()
            self.measured += 1
            yield worker, self._answer(order)
        yield from super().messages(timeout)


@dataclass
class Told(Silent):
    """Remembers what it was told."""

    begun: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def started(self, label, detail, *, resumed):
        self.begun.append(f"{label}, {'goes on' if resumed else 'begins'}: {detail}")

    def ended(self, label, line):
        self.over.append(f"{label}: {line}")

    def note(self, message):
        self.notes.append(message)


class House:
    """A study in a folder that was searched; `hold` gives it to fine-tuning, with scripted workers."""

    def __init__(
        self, folder: Path, *, trials: int = 6, rest: str = "", weights: bool = True, candidate: Any = None
    ) -> None:
        self.folder, self.url = folder, f"sqlite:///{folder / 'nas.db'}"
        if not (folder / "nas.db").exists():  # or it is a copy
            self._search(trials, rest, candidate or searching)
        with reading_from(self.url) as connection:
            self.files = StudyFiles(folder / "nas.files", queries.study(connection, "toy").id)
        for trial in range(trials if weights else 0):
            self.files.checkpoint(trial).parent.mkdir(parents=True, exist_ok=True)
            self.files.checkpoint(trial).touch()
        self.script: Callable[[Evaluate], Script] = tuning
        self.answer: Callable[[Examine], Examined | Failed] = examined
        self.workers = 1
        self.told = Told()
        self.signals = StopSignals()
        self.pool: Workers

    def _search(self, trials: int, rest: str, candidate: Any) -> None:
        folder = self.folder
        text = FILE.format(strategy="random", pruner="none", trials=trials, epochs=3, workers=1, seed=0, rest=rest)
        study = parse_study(text, path="toy.toml", base=folder)
        create_study(
            self.url, name="toy", file=text, base=str(folder), objectives=study.objectives, trials=trials, hours=None
        )
        ledger = Ledger.open(self.url, study.name, session())
        files = StudyFiles(folder / "nas.files", ledger.record.id)
        Coordinator(
            study, ledger, SimulatedPool(candidate), card=CARD, files=files, base=str(folder),
            budget=Budget(trials, None), observer=Silent(), stop_asked=lambda: None,
        ).run()  # fmt: skip
        ledger.close("searched")

    @contextmanager
    def hold(self, study: Any, url: str, base: Path, **others: Any) -> Iterator[Hold]:
        ledger = Ledger.open(url, study.name, session())
        self.told, self.signals = Told(), StopSignals()
        self.pool = Workers(self.script, self.workers, self.answer)
        files = StudyFiles(self.folder / "nas.files", ledger.record.id)
        held = Hold(study, CARD, ledger, self.pool, files, base, self.told, self.signals, None)
        try:
            yield held
        finally:
            ledger.close(held.ending)
