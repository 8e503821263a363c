"""What the machinery around the training costs: coordinator, store, workers, command line.

    python -m benchmarks.coordinator [--trials 1000]

A trial here has 16 params and 10 epochs, its sampler always says the same and takes no time, nor does its training.
Optuna's RDBStorage does the same on the same disk in the same run, for fewer trials.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import psutil

from nas import catalogue
from nas.architecture import Architecture, Cost
from nas.conversation import Ask, Built, Distribution, Epoch, Evaluate, Finished
from nas.data_card import DataCard
from nas.search.budget import Budget
from nas.search.coordinator import Coordinator
from nas.search.files import StudyFiles
from nas.search.observer import Silent
from nas.search.pool.simulated import Script, SimulatedPool
from nas.search.strategies import Strategy
from nas.store.lease import this_process
from nas.store.ledger import Ledger, create_study
from nas.store.records import NewSession
from nas.study_file import parse_study

PARAMS, EPOCHS = 16, 10
FILE = """
name = "bench"
[data]
source = "npz:none.npz"
[space]
families = ["cnn"]
[search]
strategy = "constant"
pruner = "asha"
trials = {trials}
epochs = {epochs}
"""
CARD = DataCard("npz:none.npz", "0" * 64, "/nowhere", (8, 8, 1), 10, tuple("0123456789"), {"train": 100}, {})


class Constant(optuna.samplers.BaseSampler):
    """A sampler whose own time is nothing: what is measured is everything else."""

    def infer_relative_search_space(self, study: object, trial: object) -> dict[str, object]:
        """Nothing is sampled jointly."""
        return {}

    def sample_relative(self, study: object, trial: object, search_space: object) -> dict[str, object]:
        """Nothing is sampled jointly."""
        return {}

    def sample_independent(self, study: object, trial: object, param_name: str, param_distribution: object) -> float:
        """Return the same for everything."""
        return 0.25


catalogue.samplers.add("constant", lambda seed, number: Constant())
catalogue.strategies.add("constant", Strategy("constant", "asha"))


def candidate(order: Evaluate) -> Script:
    """Ask 16 choices, report 10 epochs that the pruner lets pass."""
    total = 0.0
    for index in range(PARAMS):
        total += (yield Ask(f"p{index}", Distribution("float", low=0.0, high=1.0), 0.5)).value
    yield Built(Architecture(f"{order.trial} {total}", (), Cost(1000, 1000, 1000)), {"batch_size": 32})
    metrics: dict[str, float] = {}
    for step in range(1, EPOCHS + 1):
        metrics = {"loss": 1.0 / step, "accuracy": 0.1 * step, "val_loss": 1.0, "val_accuracy": 0.05 * step}
        yield Epoch(step, metrics, 0.0)
    yield Finished(metrics)


def ours(trials: int) -> tuple[float, float]:
    """Return milliseconds a trial, and the megabytes the coordinator grew over the last 300 trials."""
    study = parse_study(FILE.format(trials=trials, epochs=EPOCHS), path="bench", base=Path())
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/nas.db"
        create_study(url, name="bench", file="", base=folder, objectives=study.objectives, trials=trials, hours=None)
        ledger = Ledger.open(url, "bench", NewSession(this_process(), "bench", 0, {}, {}, CARD.fingerprint, None))
        memory: list[int] = []

        class Memory(Silent):
            def ended(self, record: object) -> None:
                memory.append(psutil.Process().memory_info().rss)

        coordinator = Coordinator(
            study,
            ledger,
            SimulatedPool(candidate, workers=2),
            card=CARD,
            files=StudyFiles(Path(folder), ledger.record.id),
            base=folder,
            budget=Budget(trials, None, seconds_before=0.0),
            observer=Memory(),
            stop_asked=lambda: None,
        )
        started = time.perf_counter()
        coordinator.run()
        ledger.close("done")
        seconds = time.perf_counter() - started
    return 1000 * seconds / trials, (memory[-1] - memory[-min(300, len(memory))]) / 2**20


def optunas(trials: int) -> float:
    """Return milliseconds a trial of the same with Optuna's RDBStorage on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        study = optuna.create_study(
            storage=f"sqlite:///{folder}/optuna.db",
            sampler=Constant(),
            pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
            direction="maximize",
        )
        started = time.perf_counter()
        for _ in range(trials):
            trial = study.ask()
            for index in range(PARAMS):
                trial.suggest_float(f"p{index}", 0.0, 1.0)
            for key in ("family", "weights", "macs", "fingerprint", "training"):
                trial.set_user_attr(key, "value")
            for step in range(1, EPOCHS + 1):
                trial.report(0.05 * step, step)
                trial.should_prune()
            study.tell(trial, 0.5)
        return 1000 * (time.perf_counter() - started) / trials


def fresh_worker(count: int = 5) -> tuple[float, list[float]]:
    """Return the seconds until the first worker is ready (TensorFlow is imported once), and those of later ones."""
    from nas.search.pool.local import LocalPool, PoolSettings

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with LocalPool(PoolSettings(1, 60.0, 60.0, Path(folder))) as pool:
            times = []
            for _ in range(count + 1):
                while not pool.idle:
                    list(pool.messages(timeout=0.05))
                times.append(time.perf_counter() - started)
                started = time.perf_counter()
                pool.end(pool.idle[0])
        return times[0], times[1:]


def help_seconds() -> float:
    """Return the best of five runs of ``nas --help``."""
    nas = Path(sys.executable).with_name("nas")
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([nas, "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    per_trial, grown = ours(trials)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    theirs = optunas(50)
    first, later = fresh_worker()
    rows = [
        ("coordinator and store", f"{per_trial:.2f} ms a trial", "≤ 5 ms"),
        ("  Optuna's RDBStorage on SQLite, the same", f"{theirs:.1f} ms a trial", ""),
        ("coordinator's growth over 300 trials", f"{grown:.1f} MB", "≤ 50 MB"),
        ("a fresh worker, TensorFlow imported", f"{max(later):.2f} s at worst of {len(later)}", "≤ 1 s"),
        ("  the first, importing TensorFlow", f"{first:.1f} s", ""),
        ("nas --help", f"{help_seconds():.2f} s", "≤ 0.5 s"),
    ]
    for what, figure, wanted in rows:
        print(f"{what:<44} {figure:<24} {wanted}")


if __name__ == "__main__":
    main()
