"""Trainings as fine-tuning asks for them, in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nas import catalogue
from nas.conversation import (
    AVERAGED,
    Ask,
    Built,
    Continue,
    Epoch,
    Evaluate,
    Examine,
    Examined,
    Keep,
    Member,
    Stop,
    Train,
    Value,
)
from nas.data_card import DataCard
from nas.ranking import is_better
from nas.training.evaluation import evaluate
from nas.training.examination import examine

SMALL = {"training/adamw_learning_rate": 0.01, "training/batch_size": 32}


class Tuner:
    """A coordinator that decides as it is told, or for the default, and ends after `last` epochs."""

    def __init__(self, decided: dict[str, Any], last: int = 1000) -> None:
        self.params, self.last = dict(decided), last
        self.epochs: list[Epoch] = []
        self.fingerprint = ""
        self._answer: Any = None

    def send(self, message: Any) -> None:
        match message:
            case Ask(name, _, default):
                self._answer = Value(self.params.setdefault(name, default))
            case Built():
                self.fingerprint, self._answer = message.architecture.fingerprint, Train()
            case Epoch():
                self.epochs.append(message)
                self._answer = Continue() if len(self.epochs) < self.last else Stop("enough")

    def receive(self) -> Any:
        return self._answer

    def best(self, keep: Keep) -> dict[str, float]:
        """Return the metrics of the best epoch, of averaged weights where those are better."""
        found: dict[str, float] | None = None
        for epoch in self.epochs:
            averaged = {name.removeprefix(AVERAGED): value for name, value in epoch.metrics.items() if AVERAGED in name}
            for metrics in (epoch.metrics, averaged):
                if found is None or is_better(metrics[keep.metric], found[keep.metric], keep.direction):
                    found = metrics
        assert found is not None
        return found


def train(
    folder: Path,
    card: DataCard,
    task: str,
    family: str = "Dense",
    *,
    epochs: int = 3,
    last: int = 1000,
    name="a",
    seed=0,
    **decided: Any,
) -> tuple[Tuner, Keep, Member]:
    """Train, and return who was told, what was to be kept, and the model that was left."""
    metric, direction = catalogue.tasks[task].objective
    tuner = Tuner({name.replace("__", "/"): value for name, value in decided.items()} or SMALL, last)
    keep = Keep(metric, direction, str(folder / f"{name}-best.npz"))
    checkpoint = str(folder / f"{name}.npz")
    spec = f"tests.training.encoders:{family}" if family in ("Dense", "Conv") else family
    order = Evaluate(0, spec, card, task, seed, epochs, epochs, checkpoint, str(folder), keep=keep)
    evaluate(order, tuner)
    return tuner, keep, Member(replace(order, params=tuner.params), tuner.fingerprint, keep.weights)


def look(keep: Keep, *members: Member, resamples: int = 40) -> Examined:
    return examine(Examine(members, keep.metric, keep.direction, resamples=resamples))
