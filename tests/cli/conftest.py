"""A database with a study in it, made the way a coordinator makes one, and a way to call the command."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from nas.architecture import Architecture, Cost, Node
from nas.cli.app import cli
from nas.conversation import Epoch
from nas.store.engine import storage_url
from nas.store.lease import this_process
from nas.store.ledger import Ledger, create_study
from nas.store.records import NewSession

ROOT = Path(__file__).parents[2]
FILE = (ROOT / "studies" / "digits.toml").read_text()
GRAPH = (
    Node("a", "InputLayer", "input", (8, 8, 1)),
    Node("b", "Conv2D", "conv", (8, 8, 16), {"filters": 16, "kernel_size": [3, 3]}, ("a",), 160, 9216),
    Node("c", "GlobalAveragePooling2D", "pool", (16,), {}, ("b",)),
    Node("d", "Dense", "head", (10,), {"units": 10}, ("c",), 170, 160),
)
WIDTHS = (8, 16, 32)
CARD = {
    "source": "sklearn:digits",
    "fingerprint": "ab" * 32,
    "folder": "nowhere",
    "input_shape": [8, 8, 1],
    "classes": 10,
    "class_names": [str(digit) for digit in range(10)],
    "examples": {"train": 1077, "validation": 360, "test": 360},
    "class_counts": {},
    "baseline": {"name": "majority class", "metrics": {"val_accuracy": 0.101, "val_loss": 2.3}},
}


def new_session(command: str = "nas launch studies/digits.toml") -> NewSession:
    return NewSession(this_process(), command, 0, {"keras": "3.15.1"}, {"cnn": "11" * 32}, "ab" * 32, None)


def create(url: str, name: str, trials: int | None = 8, hours: float | None = None) -> None:
    objectives = [("val_accuracy", "maximize")]
    create_study(url, name=name, file=FILE, base="studies", objectives=objectives, trials=trials, hours=hours)


def train(ledger: Ledger, print_: str, values: list[float], *, width: int = 16, duplicate_of: int | None = None) -> int:
    """A trial that was built and trained for some epochs; it still runs."""
    trial = ledger.create_new_trial(ledger.record.id)
    ledger.set_trial_param(trial, "cnn/width", WIDTHS.index(width), CategoricalDistribution(WIDTHS))
    ledger.set_trial_param(trial, "training/learning_rate", 1e-3, FloatDistribution(1e-4, 1e-1, log=True))
    ledger.start_attempt(trial, worker=4242, family="cnn")
    ledger.built(
        trial,
        architecture=Architecture(print_ * 32, GRAPH, Cost(330, 9376, 4352)),
        training={"learning_rate": 1e-3},
        duplicate_of=duplicate_of,
    )
    for step, value in enumerate(values, start=1):
        ledger.epoch(trial, Epoch(step, {"val_accuracy": value, "val_loss": 1 - value}, 0.25), value)
    return trial


def fill(ledger: Ledger) -> None:
    """Three complete trials of two architectures, a pruned one, a NaN, one over a limit, a duplicate."""
    ledger.set_data(CARD)
    done, stopped, failed = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
    for print_, value, width in (("aa", 0.91, 8), ("bb", 0.97, 16), ("aa", 0.93, 8)):
        trial = train(ledger, print_, [value - 0.3, value - 0.1, value], width=width)
        ledger.finish(trial, state=done, values=[value], outcome="complete", metrics={"latency_ms": 0.5})
    trial = train(ledger, "cc", [0.4])
    ledger.finish(trial, state=stopped, values=None, outcome="pruned", metrics={})
    trial = train(ledger, "dd", [0.3, math.nan])
    trace = "Traceback (most recent call last):\n  loop.py, line 80\nArithmeticError: loss"
    message = "The loss became NaN in epoch 2. [bold]\x1b[31m"
    ledger.finish(
        trial, state=failed, values=None, outcome="failed", kind="nan", message=message, traceback=trace, metrics={}
    )
    trial = train(ledger, "ee", [])
    message = "312,455 weights, 200,000 allowed (limits.weights)"
    ledger.finish(trial, state=stopped, values=[0.0], outcome="failed", kind="rejected", message=message, metrics={})
    trial = train(ledger, "bb", [0.67, 0.87, 0.97], duplicate_of=1)
    ledger.finish(trial, state=done, values=[0.97], outcome="complete", metrics={})
    ledger.event("worker lost", "A worker was killed (SIGKILL).", trial=4)


def race(ledger: Ledger) -> None:
    """A race between the two architectures: the second of the search is the first, and once something fails."""
    for seed, (trial, score) in enumerate(((2, 0.925), (1, 0.85), (2, 0.935), (1, 0.86))):
        number = ledger.evaluations.begin("race", trial, seed=seed // 2, plan={"between": [1, 2]}, epochs=3).number
        ledger.evaluations.attempt(number)
        for step, value in enumerate((score - 0.1, math.nan, score), start=1):
            ledger.evaluations.epoch(number, Epoch(step, {"val_accuracy": value}, 0.25), value)
        ledger.evaluations.end(number, "complete", score=score)


@pytest.fixture
def raced(tmp_path: Path) -> tuple[Path, Ledger]:
    """A database whose study ``digits`` ended with a race; the ledger that made it has let go of it."""
    path = tmp_path / "nas.db"
    url = storage_url(str(path))
    create(url, "digits", trials=10)
    ledger = Ledger.open(url, "digits", new_session())
    ledger.set_budget(10, None, 4)
    fill(ledger)
    trial = train(ledger, "ff", [0.1, 0.2, 0.9])  # complete, and not among those that were raced
    ledger.finish(trial, state=TrialState.COMPLETE, values=[0.9], outcome="complete", metrics={})
    race(ledger)
    ledger.event("race", "4 trainings with new seeds, between 2 architectures")
    ledger.close("The budget is used up.")
    return path, ledger


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study ``digits``, stopped in the middle; ``killed``, whose process is gone; ``new``, without a trial."""
    path = tmp_path_factory.mktemp("cli") / "nas.db"
    url = storage_url(str(path))
    for name in ("digits", "killed", "new"):
        create(url, name)
    ledger = Ledger.open(url, "digits", new_session())
    fill(ledger)
    ledger.close("Stopped by Ctrl-C; 0 trials will go on where they are.")
    gone = replace(new_session(), holder=replace(this_process(), process_started=-1.0))
    ledger = Ledger.open(url, "killed", gone)
    train(ledger, "aa", [0.5])
    ledger.flush()
    ledger._engine.dispose()
    return path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, Ledger]]:
    """A database whose study ``digits`` this very process runs."""
    path = tmp_path / "nas.db"
    url = storage_url(str(path))
    create(url, "digits")
    ledger = Ledger.open(url, "digits", new_session())
    fill(ledger)
    train(ledger, "ff", [0.6])
    ledger.flush()
    yield path, ledger
    if not ledger._closed:
        ledger.close("The budget is used up.")


Nas = Callable[..., Result]


@pytest.fixture
def nas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Nas:
    """The command, in an empty folder: ``nas("list", storage=path)``."""
    monkeypatch.chdir(tmp_path)
    for name in ("NAS_STORAGE", "NAS_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str, storage: Path | None = None) -> Result:
        where = ["--storage", str(storage)] if storage is not None else []
        return CliRunner().invoke(cli, [*arguments, *where], prog_name="nas")

    return call


def spawn(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NAS_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
