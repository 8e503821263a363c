"""The studies of every modality against what must be beaten, on this machine, at equal wall time.

    NAS_DATA=… python -m benchmarks.modalities [STUDY …] [--minutes 4] [--seed 0]

For each ``studies/STUDY.toml``: the task's trivial baseline; a fixed model written by hand (`benchmarks.fixed_models`),
trained once with early stopping; KerasTuner's ``RandomSearch`` over the same families and training choices, with the
budget in minutes; and a launch of the study with the same budget. Whoever is chosen on the validation split is then
looked at on the test split, which nobody has seen. KerasTuner scores a candidate by its best epoch and keeps that
epoch's weights; we score by the last one. One after the other, each in processes of its own; TensorFlow is imported
before KerasTuner's clock runs, and after ours has begun to.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STUDIES = Path(__file__).parent.parent / "studies"
NAMES = ("fashion_mnist", "banking77", "goemotions", "spoken_digits", "movies", "emoji")
EPOCHS = 30
"""The most that a model trains, with early stopping, where no study file says it."""
PATIENCE = 3


def main() -> None:
    """Measure, print one line of JSON a study, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", default=NAMES, metavar="STUDY")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.child:
        print(json.dumps(CHILDREN[words.child](words.studies[0], words.folder, words.minutes, words.seed)))
        return
    rows = []
    for name in words.studies:
        with tempfile.TemporaryDirectory() as folder:
            rows.append({"study": name} | _compare(name, Path(folder), words.minutes, words.seed))
        print(json.dumps(rows[-1]), flush=True)
    print(f"\n{'study':16}{'metric':26}{'trivial':>10}{'fixed':>10}{'KerasTuner':>12}{'nas':>10}   (validation / test)")
    for row in rows:
        for split in ("validation", "test"):
            scores = [row[who].get(split) for who in ("trivial", "fixed", "keras_tuner", "nas")]
            study, metric = (row["study"], row["metric"]) if split == "validation" else ("", "  test")
            print(f"{study:16}{metric:26}" + "".join(f"{_told(score):>11}" for score in scores))


def _told(score: float | None) -> str:
    return "–" if score is None else f"{score:.4f}"


def _compare(name: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    found = _child("ours", name, folder, minutes, seed)
    for who in ("fixed", "keras_tuner"):
        found[who] = _child(who, name, folder, minutes, seed)
    return found


def _child(step: str, name: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Run a step in a process of its own; what it prints last is its result."""
    command = [sys.executable, "-m", "benchmarks.modalities", name, "--child", step, "--folder", str(folder)]
    command += ["--minutes", str(minutes), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} of {name} failed:\n{done.stderr[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def ours(name: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Launch the study with this budget; look at its best on the test split."""
    storage = str(folder / "nas.db")
    started = time.perf_counter()
    nas = [sys.executable, "-m", "nas"]
    words = ["launch", str(STUDIES / f"{name}.toml"), "--hours", str(minutes / 60), "--trials", "100000"]
    done = subprocess.run([*nas, *words, "--storage", storage, "--quiet"], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 6):
        raise SystemExit(done.stderr)
    from nas.ranking import rank
    from nas.search.files import StudyFiles
    from nas.store import queries
    from nas.store.engine import reading_from, storage_url
    from nas.store.files import files_root

    with reading_from(storage_url(storage)) as connection:
        study = queries.study(connection, name)
        trials, races = queries.trials(connection, study.id), queries.evaluations(connection, study.id)
    ranked = rank(trials, study.directions, races)
    if not ranked:
        raise SystemExit(f"No trial of {name} was complete within {minutes:g} minutes.")
    best = ranked[0].trial
    files = StudyFiles(files_root(storage_url(storage)), study.id)
    metric = study.objectives[0]
    test = _test_of(_order(name, folder, best), files.checkpoint(best.number), metric)
    (folder / "card.json").write_text(json.dumps(study.data))
    assert best.values is not None
    return {
        "metric": metric,
        "trivial": {"validation": study.data["baseline"]["metrics"][metric]} if study.data else {},
        "nas": {
            "validation": best.values[0],
            "test": test,
            "family": best.family,
            "weights": best.cost.weights,
            "trials": len([trial for trial in trials if trial.duplicate_of is None and trial.kind != "rejected"]),
            "complete": study.counts.get("complete", 0),
            "seconds": seconds,
        },
    }


def _order(name: str, folder: Path, trial: Any) -> Any:
    from nas.search.orders import order_of
    from nas.store import queries
    from nas.store.engine import reading_from, storage_url

    with reading_from(storage_url(str(folder / "nas.db"))) as connection:
        return order_of(queries.study(connection, name), trial)


def _test_of(order: Any, checkpoint: Path, metric: str) -> float:
    """Return what the weights in `checkpoint` score on the test split."""
    import numpy as np

    from nas.training.candidate import build
    from nas.training.hyperparameters import from_params

    candidate = build(order, from_params(order.params))
    with np.load(checkpoint, allow_pickle=False) as stored:
        for index, variable in enumerate(candidate.model.variables):
            variable.assign(stored[f"v{index}"])
    candidate.model.compile(loss=candidate.loss, metrics=candidate.task.keras_metrics(order.data))
    return _score(candidate.model, candidate.task, order.data, "test", metric)


def _score(model: Any, task: Any, card: Any, split: str, metric: str) -> float:
    """Return `metric` of a compiled `model` on `split`, as the search measures it on validation."""
    from nas.data.prepared import open_split
    from nas.training.tasks.task import Outputs

    x, y = _arrays(card, split)
    if metric.removeprefix("val_") in (found := model.evaluate(x, y, batch_size=512, verbose=0, return_dict=True)):
        return float(found[metric.removeprefix("val_")])

    def renamed(asked: str) -> str:
        return split if asked == "validation" else asked

    outputs = Outputs(
        lambda asked: model.predict(_arrays(card, renamed(asked))[0], batch_size=512, verbose=0),
        lambda asked: open_split(card, renamed(asked)),
    )
    return float(task.measure(outputs, card)[metric])


def _arrays(card: Any, split: str) -> tuple[Any, Any]:
    """Return a split as NumPy arrays, standardised."""
    import tensorflow as tf

    from nas.training.feed import standardiser, stored

    rows = stored(card, split).take(slice(0, None))
    x = tf.nest.map_structure(lambda part: part.numpy(), standardiser(card)(rows.x))
    return x, rows.y.numpy()


class _Problem:
    """What the peers are given: the prepared data, the task, the families and the first objective."""

    def __init__(self, name: str, folder: Path) -> None:
        from pydantic import TypeAdapter

        from nas import catalogue
        from nas.data_card import DataCard
        from nas.search.preparing import with_families
        from nas.study_file import read_study

        self.card: DataCard = TypeAdapter(DataCard).validate_json((folder / "card.json").read_text())
        self.study = with_families(read_study(STUDIES / f"{name}.toml")[0], self.card)
        self.task = catalogue.tasks[self.study.task.kind]
        self.metric, self.direction = self.study.objectives[0]
        self.epochs = self.study.search.epochs

    def batches(self, train: tuple[Any, Any], choices: Any) -> Any:
        """Return a ``tf.data`` pipeline of shuffled, augmented batches."""
        import tensorflow as tf

        from nas.training.feed import augment_of

        augment = augment_of(self.card, self.task, choices.augmentation or {})

        def vary(x: Any, y: Any) -> tuple[Any, Any]:
            seed = tf.random.uniform([2], maxval=2**30, dtype=tf.int32)
            if isinstance(augment, dict):
                return {name: augment[name](part, seed) if name in augment else part for name, part in x.items()}, y
            return (x if augment is None else augment(x, seed)), y

        size = min(choices.batch_size, len(train[1]))
        rows = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train[1]))
        return rows.batch(size, drop_remainder=True).map(vary).prefetch(2)

    def callback(self, model: Any) -> Any:
        """Return a callback that adds what the task measures on the whole validation split to the logs."""
        import keras

        problem = self

        class Measure(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
                if logs is not None and problem.metric not in logs:
                    logs[problem.metric] = _score(model, problem.task, problem.card, "validation", problem.metric)

        return Measure()


def fixed(name: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Train the model written by hand, once, with early stopping."""
    import keras
    import keras_tuner

    from benchmarks.fixed_models import FIXED

    problem = _Problem(name, folder)
    keras.utils.set_random_seed(seed)
    hp = keras_tuner.HyperParameters()
    task, card = problem.task, problem.card
    model = task.attach_head(FIXED[name](card), card, hp)
    model.compile("adam", loss=task.loss(card, hp), metrics=task.keras_metrics(card))
    mode = "max" if problem.direction == "maximize" else "min"
    early = keras.callbacks.EarlyStopping(problem.metric, patience=PATIENCE, mode=mode, restore_best_weights=True)
    train, validation = _arrays(card, "train"), _arrays(card, "validation")
    started = time.perf_counter()
    model.fit(
        *train, batch_size=64, epochs=EPOCHS, validation_data=validation, verbose=0,
        callbacks=[problem.callback(model), early, _StopAt(started + 60 * minutes)()],
    )  # fmt: skip
    return {
        "validation": _score(model, task, card, "validation", problem.metric),
        "test": _score(model, task, card, "test", problem.metric),
        "weights": model.count_params(),
        "seconds": time.perf_counter() - started,
    }


def _StopAt(deadline: float) -> Callable[[], Any]:  # noqa: N802 - makes a class
    import keras

    class StopAt(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            if time.perf_counter() > deadline:
                self.model.stop_training = True

    return StopAt


def keras_tuner(name: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Search the same families and training choices with ``RandomSearch``, for as long."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import keras_tuner as kt
    import numpy as np

    from nas.conversation import Ask, Evaluate, Scalar
    from nas.training.architecture import describe
    from nas.training.candidate import build
    from nas.training.choices import choose, make_optimizer, make_schedule
    from nas.training.feed import augmentations_of, balanced

    problem = _Problem(name, folder)
    card = problem.card
    train, validation = _arrays(card, "train"), _arrays(card, "validation")
    best_weights: dict[str, Any] = {"score": None}
    better = np.greater if problem.direction == "maximize" else np.less
    started = time.perf_counter()
    deadline = started + 60 * minutes

    class TimeUp(BaseException):  # KerasTuner takes any Exception for a failed trial and goes on
        pass

    class Space(kt.HyperModel):
        def build(self, hp: kt.HyperParameters) -> keras.Model:
            def answer(ask: Ask) -> Scalar:
                given = ask.distribution
                if given.kind == "categorical":
                    value: Scalar = hp.Choice(ask.name, list(given.choices), default=ask.default)
                elif given.kind == "int":
                    low, high, step = int(given.low or 0), int(given.high or 0), int(given.step or 1)
                    sampling, step = ("log", None) if given.log else ("linear", step)
                    value = hp.Int(ask.name, low, high, step=step, sampling=sampling, default=ask.default)
                elif given.log:
                    value = hp.Float(ask.name, given.low, given.high, sampling="log", default=ask.default)
                else:
                    value = hp.Float(ask.name, given.low, given.high, step=given.step, default=ask.default)
                return value

            family = hp.Choice("family", list(problem.study.space.families))
            order = Evaluate(
                0, family, card, problem.study.task.kind, seed, problem.epochs, problem.epochs, "", str(STUDIES),
                encoders=problem.study.space.encoders,
            )  # fmt: skip
            candidate = build(order, answer)
            limits, cost = problem.study.limits, describe(candidate.model).cost
            if (limits.weights or math.inf) < (cost.weights or 0) or (limits.macs or math.inf) < (cost.macs or 0):
                raise kt.errors.FailedTrialError("over a limit")
            known = {key: tuple(names) for key, names in augmentations_of(card, candidate.task).items()}
            self.choices = choose(answer, card, compiled=False, augment=known)
            steps = card.examples["train"] // self.choices.batch_size * problem.epochs
            rate = make_schedule(self.choices, steps) or self.choices.learning_rate
            candidate.model.compile(
                make_optimizer(self.choices, rate),
                loss=candidate.loss,
                metrics=problem.task.keras_metrics(card),
            )
            return candidate.model

    class Search(kt.RandomSearch):  # type: ignore[misc]
        finished = 0

        def run_trial(self, trial: Any, *words: Any, **options: Any) -> float:
            keras.backend.clear_session()
            if time.perf_counter() > deadline:
                raise TimeUp
            model = self.hypermodel.build(trial.hyperparameters)
            scores: list[float] = []

            class Keep(keras.callbacks.Callback):  # type: ignore[misc]
                def on_epoch_end(inner, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: N805
                    score = float((logs or {})[problem.metric])
                    scores.append(score)
                    if best_weights["score"] is None or better(score, best_weights["score"]):
                        best_weights.update(score=score, values=dict(trial.hyperparameters.values))
                        best_weights["weights"] = model.get_weights()

            choices = self.hypermodel.choices
            weights = dict(enumerate(balanced(card).numpy())) if choices.class_weights == "balanced" else None
            model.fit(
                problem.batches(train, choices), epochs=problem.epochs, verbose=0, class_weight=weights,
                validation_data=validation, validation_batch_size=512,
                callbacks=[problem.callback(model), Keep(), _StopAt(deadline)()],
            )  # fmt: skip
            if time.perf_counter() > deadline:
                raise TimeUp
            Search.finished += 1
            return max(scores) if problem.direction == "maximize" else min(scores)

    objective = kt.Objective(problem.metric, "max" if problem.direction == "maximize" else "min")
    tuner = Search(
        Space(), objective, max_trials=100_000, seed=seed, directory=folder, project_name="kt",
        max_consecutive_failed_trials=1000, max_retries_per_trial=0,
    )  # fmt: skip
    with contextlib.suppress(TimeUp, RuntimeError, kt.errors.FatalError):
        tuner.search()
    seconds = time.perf_counter() - started
    if best_weights["score"] is None:
        return {"complete": Search.finished, "seconds": seconds}
    chosen = kt.HyperParameters()
    chosen.values = best_weights["values"]
    model = Space().build(chosen)
    model.set_weights(best_weights["weights"])
    return {
        "validation": best_weights["score"],
        "test": _score(model, problem.task, card, "test", problem.metric),  # after the clock
        "family": chosen.values["family"],
        "weights": model.count_params(),
        "complete": Search.finished,
        "seconds": seconds,
    }


CHILDREN: dict[str, Callable[[str, Path, float, int], dict[str, Any]]] = {
    "ours": ours,
    "fixed": fixed,
    "keras_tuner": keras_tuner,
}

if __name__ == "__main__":
    main()
