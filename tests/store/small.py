"""Small studies to test with."""

from __future__ import annotations

import optuna
from optuna.trial import TrialState

from nas.architecture import Architecture, Cost, Node
from nas.conversation import Epoch
from nas.store.lease import this_process
from nas.store.ledger import Ledger, create_study
from nas.store.records import Holder, NewSession

NAN = float("nan")
TRAINING = {"optimizer": "adam", "learning_rate": 0.001}


def begin(
    url: str, name: str = "digits", objectives: tuple[tuple[str, str], ...] = (("val_accuracy", "maximize"),)
) -> None:
    create_study(url, name=name, file=f'name = "{name}"', base="/studies", objectives=objectives, trials=10, hours=None)


def session(holder: Holder | None = None, command: str = "launch") -> NewSession:
    return NewSession(
        holder=holder or this_process(),
        command=command,
        seed=7,
        versions={"keras": "3.15.1"},
        space_fingerprints={"cnn": "ab" * 32},
        data_fingerprint="cd" * 32,
        commit=None,
    )


def hold(url: str, name: str = "digits") -> Ledger:
    ledger = Ledger.open(url, name, session())
    ledger.study.sampler = optuna.samplers.RandomSampler(seed=0)
    return ledger


def architecture(digit: int = 1) -> Architecture:
    nodes = (
        Node("0", "InputLayer", "pixels", (8, 8, 1)),
        Node("1", "Dense", "dense", (None, 10), {"units": 10}, ("0",), weights=20, macs=None),
    )
    return Architecture(f"{digit:064x}", nodes, Cost(20, 5_000_000_000, None, "memory: nobody counted"))


def run_trial(ledger: Ledger, accuracies: list[float], *, finished: bool = True) -> int:
    """One trial, from ask to its end; return its id."""
    trial = ledger.study.ask()
    ledger.start_attempt(trial._trial_id, worker=4321, family="cnn")
    trial.suggest_categorical("activation", ["relu", None, True, 1.5])
    trial.suggest_int("width", 8, 64, log=True)
    trial.suggest_float("training/learning_rate", 1e-5, 1e-1, log=True)
    built = architecture(trial.number)
    ledger.built(trial._trial_id, architecture=built, training=TRAINING, duplicate_of=None)
    for step, accuracy in enumerate(accuracies, start=1):
        ledger.epoch(trial._trial_id, Epoch(step, {"val_accuracy": accuracy, "val_loss": NAN}, 0.5), accuracy)
    if finished:
        ledger.finish(
            trial._trial_id,
            state=TrialState.COMPLETE,
            values=[max(accuracies)],
            outcome="complete",
            metrics={"latency_ms": 1.25},
        )
    return trial._trial_id
