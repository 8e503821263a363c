"""Candidates a minute and memory, against KerasTuner's RandomSearch in the same run.

    python -m benchmarks.throughput [--candidates 24] [--epochs 8]

Both search the family ``cnn`` with the same training choices on the same split of scikit-learn's digits, on this
machine, one after the other, each in processes of its own. KerasTuner takes each candidate's best epoch as its score,
we take the last one's. The clock runs from the first line of the search: KerasTuner's TensorFlow is imported by then,
ours is not, for that is the workers' business.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

STUDY = """
name = "throughput"
[data]
source = "sklearn:digits"
[space]
families = ["cnn"]
[search]
trials = {candidates}
epochs = {epochs}
workers = 2
seed = {seed}
[race]
share = 0
"""


def ours(folder: Path, candidates: int, epochs: int, seed: int) -> dict[str, float]:
    """Search with this package."""
    from rich.console import Console

    from nas.search.run import launch
    from nas.store import queries
    from nas.store.engine import open_read_only, storage_url

    path = folder / "study.toml"
    path.write_text(STUDY.format(candidates=candidates, epochs=epochs, seed=seed))
    started = time.perf_counter()
    ending = launch(path, storage=str(folder / "nas.db"), console=Console(stderr=True, quiet=True))
    seconds = time.perf_counter() - started
    engine = open_read_only(storage_url(str(folder / "nas.db")))
    trials = queries.trials(engine, queries.study(engine, "throughput").id)
    assert ending.best is not None
    assert ending.best.values is not None
    return {
        "seconds": seconds,
        "candidates": len([trial for trial in trials if trial.duplicate_of is None]),
        "epochs": sum(trial.epochs for trial in trials if trial.duplicate_of is None),
        "best": ending.best.values[0],
    }


def keras_tuners(folder: Path, candidates: int, epochs: int, seed: int) -> dict[str, float]:
    """Search the same with KerasTuner."""
    import keras
    import keras_tuner
    import numpy as np

    from nas.conversation import Ask, Scalar
    from nas.data.options import DataSection
    from nas.data.prepared import open_split, prepare
    from nas.training.augmentation import AUGMENTATIONS
    from nas.training.choices import choose, make_optimizer, make_schedule
    from nas.training.tasks.classification import CLASSIFICATION
    from search_spaces.image.cnn import CNN

    card, _ = prepare(DataSection(source="sklearn:digits"), "classification", folder / "data", folder)
    splits = {name: open_split(card, name) for name in ("train", "validation")}
    arrays = {
        name: ((split.only - np.asarray(card.inputs["x"].mean)) / np.asarray(card.inputs["x"].std), split.labels)
        for name, split in splits.items()
    }

    class Classifier(keras_tuner.HyperModel):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            def answer(ask: Ask) -> Scalar:
                if ask.distribution.kind == "categorical":
                    value: Scalar = hp.Choice(ask.name, list(ask.distribution.choices), default=ask.default)
                else:
                    low, high = ask.distribution.low, ask.distribution.high
                    value = hp.Float(ask.name, low, high, sampling="log", default=ask.default)
                return value

            model = CLASSIFICATION.attach_head(CNN(card.input_shape).build(hp), card, hp)
            self.choices = choose(answer, card, compiled=False, augment={"x": tuple(AUGMENTATIONS["image"])})
            steps = card.examples["train"] // self.choices.batch_size * epochs
            model.compile(
                make_optimizer(self.choices, make_schedule(self.choices, steps) or self.choices.learning_rate),
                loss=CLASSIFICATION.loss(card, hp),
                metrics=CLASSIFICATION.keras_metrics(card),
            )
            return model

        def fit(self, hp: object, model: keras.Model, *words: object, **options: object) -> object:
            return model.fit(*words, batch_size=self.choices.batch_size, **options)

    memory = psutil.Process().memory_info().rss
    started = time.perf_counter()
    tuner = keras_tuner.RandomSearch(
        Classifier(), "val_accuracy", max_trials=candidates, seed=seed, directory=folder, project_name="kt"
    )
    tuner.search(*arrays["train"], validation_data=arrays["validation"], epochs=epochs, verbose=0)
    seconds = time.perf_counter() - started
    grown = psutil.Process().memory_info().rss - memory
    trials = list(tuner.oracle.trials.values())
    return {
        "seconds": seconds,
        "candidates": len(trials),
        "epochs": len(trials) * epochs,
        "best": tuner.oracle.get_best_trials(1)[0].score,
        "grown": grown / 2**20,
    }


def measured(side: str, candidates: int, epochs: int, seed: int) -> dict[str, float]:
    """Run one side in a process of its own; add the most memory it and its children took together, in MB."""
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.throughput", "--side", side]
    words += ["--candidates", str(candidates), "--epochs", str(epochs), "--seed", str(seed)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak = 0

    def watch() -> None:
        nonlocal peak
        root = psutil.Process(process.pid)
        while process.poll() is None:
            total = 0
            for one in [root, *root.children(recursive=True)]:
                try:
                    total += one.memory_full_info().pss  # what is shared is counted once
                except (psutil.Error, AttributeError):
                    continue
            peak = max(peak, total)
            time.sleep(0.5)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    out, _ = process.communicate()
    result: dict[str, float] = json.loads(out.splitlines()[-1])
    return result | {"peak": peak / 2**20}


def main() -> None:
    """Measure and print, or be one side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", choices=["ours", "keras_tuners"])
    given = parser.parse_args()
    if given.side:
        with tempfile.TemporaryDirectory() as folder:
            side = {"ours": ours, "keras_tuners": keras_tuners}[given.side]
            print(json.dumps(side(Path(folder), given.candidates, given.epochs, given.seed)))
        return
    rows = {side: measured(side, given.candidates, given.epochs, given.seed) for side in ("keras_tuners", "ours")}
    names = {"keras_tuners": "KerasTuner RandomSearch", "ours": "encoder-nas, auto, 2 workers"}
    print(f"{'':<30} {'candidates':>10} {'epochs':>7} {'seconds':>8} {'a minute':>9} {'best':>7} {'peak MB':>8}")
    pace = {}
    for side, row in rows.items():
        pace[side] = 60 * row["candidates"] / row["seconds"]
        print(
            f"{names[side]:<30} {row['candidates']:>10.0f} {row['epochs']:>7.0f} {row['seconds']:>8.1f} "
            f"{pace[side]:>9.1f} {row['best']:>7.4f} {row['peak']:>8.0f}"
        )
    grown = rows["keras_tuners"]["grown"] / given.candidates
    print(f"{pace['ours'] / pace['keras_tuners']:.1f} times the candidates a minute (wanted: 5).")
    print(f"KerasTuner's process grows {grown:.1f} MB a candidate; our workers are recycled.")


if __name__ == "__main__":
    main()
