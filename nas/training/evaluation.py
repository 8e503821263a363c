"""One evaluation: architecture × data × seed × fidelity, told as a conversation.

Build, ask for the training choices, say what was built, train epoch by epoch for as long as the coordinator wants.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from nas import catalogue
from nas.conversation import (
    Architecture,
    Ask,
    Built,
    Channel,
    Continue,
    Epoch,
    Evaluate,
    Finished,
    Scalar,
    Skip,
    Train,
    Value,
)
from nas.data.prepared import open_split
from nas.training import checkpoint
from nas.training.architecture import describe
from nas.training.choices import TrainingChoices, choose, make_optimizer, make_schedule
from nas.training.failure import Diverged
from nas.training.families import make_family
from nas.training.feed import augment_of, augmentations_of, balanced, labelled, rows_of, standardiser, stored
from nas.training.hyperparameters import Answer, AnsweredHyperParameters, from_params
from nas.training.latency import measure
from nas.training.loop import Loop, Rows, View
from nas.training.tasks.task import Outputs, Task

REHEARSAL_STEPS = 12


class _Skipped(Exception):
    """The coordinator wants no more of this candidate."""


def evaluate(order: Evaluate, channel: Channel) -> Finished:
    """Do what `order` says, talking over `channel`; return the last word of the conversation.

    Raises whatever building or training raises: `nas.training.failure` tells what it means.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(order.seed)
    answer = _ask_over(channel) if order.params is None else from_params(order.params)
    try:
        return _converse(order, channel, answer)
    except _Skipped:
        return Finished({})


def _converse(order: Evaluate, channel: Channel, answer: Answer) -> Finished:
    task = catalogue.tasks[order.task]
    family = make_family(order.family, Path(order.base), order.data, task.features, order.encoders)
    hp = AnsweredHyperParameters(answer, prefix=f"{label(order.family)}/")
    model = family.build(hp)
    came_compiled = bool(model.compiled)
    aims = AnsweredHyperParameters(answer, prefix=f"{order.task}/")
    loss = view = None
    if not came_compiled:
        model = task.attach_head(model, order.data, aims)
        loss, view = task.loss(order.data, aims), task.view(order.data, aims)
    fits_itself = type(family).fit is not keras_tuner.HyperModel.fit
    choices = None
    if not (fits_itself and came_compiled):
        choices = choose(answer, order.data, compiled=came_compiled, augment=_names(augmentations_of(order.data, task)))
    architecture = describe(model, order.data.input_shape or None)
    channel.send(Built(architecture, None if fits_itself or choices is None else _decided(choices, aims)))
    if not isinstance(_reply(channel), Train):
        return Finished({})
    schedule = None
    if not came_compiled:
        assert choices is not None
        steps = order.data.examples["train"] // min(choices.batch_size, order.data.examples["train"])
        schedule = make_schedule(choices, steps * order.horizon)
        rate = schedule if fits_itself and schedule is not None else choices.learning_rate
        model.compile(
            make_optimizer(choices, rate),
            loss=loss,
            metrics=task.keras_metrics(order.data),
            jit_compile=False,  # compiling with XLA takes longer than these trainings last
        )
    identity = _identity(order, architecture, choices, aims)
    progress = _Progress(order, channel, model, identity)
    if fits_itself:
        _fit_by_family(order, family, hp, model, progress)
    else:
        assert choices is not None
        _fit(order, task, model, choices, schedule, None if came_compiled else view, progress)
    metrics = dict(progress.curve[-1].metrics) if progress.curve else {}
    if order.latency and not progress.stopped:
        latency = measure(model)
        metrics |= {"latency_ms": latency.median_ms, "latency_p95_ms": latency.p95_ms}
    return Finished(metrics)


def _names(known: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(things) for name, things in known.items()}


def _decided(choices: TrainingChoices, aims: AnsweredHyperParameters) -> dict[str, Scalar]:
    """Return all that was chosen beside the architecture: how to train, and what the task asked."""
    return choices.as_dict() | {f"task_{name}": value for name, value in aims.values.items()}


def _identity(
    order: Evaluate, architecture: Architecture, choices: TrainingChoices | None, aims: AnsweredHyperParameters
) -> str:
    """Return what a checkpoint must have been made with to be gone on with."""
    decided = _decided(choices, aims) if choices else None
    made_with = [order.seed, order.horizon, order.data.fingerprint, decided]
    return json.dumps([architecture.fingerprint, *made_with])


def label(family: str) -> str:
    """Return the short name of a family spec: ``"cnn"``, or ``"Class"`` of ``"file.py:Class"``."""
    return family.rpartition(":")[2]


class _Progress:
    """Tells the coordinator about every epoch, keeps the checkpoint up to date, knows when to stop."""

    def __init__(self, order: Evaluate, channel: Channel, model: keras.Model, identity: str) -> None:
        self._order, self._channel, self._model, self._identity = order, channel, model, identity
        self.curve: list[Epoch] = []
        self.stopped = False

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one; its epochs are told again, marked as replayed."""
        if self._order.dry:
            return
        self._model.optimizer.build(self._model.trainable_variables)
        for epoch in checkpoint.restore(Path(self._order.checkpoint), self._model, self._identity):
            if not self.stopped:
                self._tell(replace(epoch, replayed=True))

    def report(self, metrics: dict[str, float], seconds: float) -> None:
        """Epoch by epoch: keep a checkpoint, tell the coordinator, remember whether it wants more."""
        epoch = Epoch(len(self.curve) + 1, metrics, seconds)
        if not self._order.dry:
            path = Path(self._order.checkpoint)
            checkpoint.save(path, self._model, self._identity, [*self.curve, epoch])
        self._tell(epoch)

    def _tell(self, epoch: Epoch) -> None:
        self.curve.append(replace(epoch, replayed=False))
        self._channel.send(epoch)
        self.stopped = not isinstance(_reply(self._channel), Continue)

    @property
    def goes_on(self) -> bool:
        return not self.stopped and len(self.curve) < self._order.epochs


def _fit(
    order: Evaluate,
    task: Task,
    model: keras.Model,
    choices: TrainingChoices,
    schedule: Any,
    view: View | None,
    progress: _Progress,
) -> None:
    """Train by our own loop."""
    card = order.data
    train, validation = (labelled(rows, model, card) for rows in rows_of(card))
    if order.dry:
        train = train.take(slice(0, min(len(train), REHEARSAL_STEPS * choices.batch_size)))
    loop = Loop(
        model,
        train,
        validation,
        batch_size=choices.batch_size,
        seed=order.seed,
        standardise=standardiser(card),
        augment=augment_of(card, task, choices.augmentation or {}),
        schedule=schedule,
        view=view,
        class_weights=balanced(card) if choices.class_weights == "balanced" else None,
    )
    outputs = Outputs(lambda split: loop.predict(stored(card, split)), lambda split: open_split(card, split))
    if order.dry:
        _rehearse(loop, progress, share=len(train) / card.examples["train"])
        return
    progress.restore()
    while progress.goes_on:
        started = perf_counter()
        number = len(progress.curve) + 1
        metrics = finite(loop.train(number), number)
        metrics |= finite(loop.validate(), number)
        metrics |= task.measure(outputs, card)
        progress.report(metrics, perf_counter() - started)


def _rehearse(loop: Loop, progress: _Progress, share: float) -> None:
    """Train a few steps and tell how long a whole epoch would take: tracing happens once and is not counted."""
    loop.train(1)
    started = perf_counter()
    metrics = loop.train(2)
    training = perf_counter() - started
    loop.validate()
    started = perf_counter()
    metrics |= loop.validate()
    progress.report(metrics, training / share + perf_counter() - started)


def _fit_by_family(
    order: Evaluate, family: Any, hp: AnsweredHyperParameters, model: keras.Model, progress: _Progress
) -> None:
    """Let the family's own ``fit`` train; our callback reports every epoch."""
    standardise = standardiser(order.data)
    train, validation = (labelled(rows, model, order.data) for rows in rows_of(order.data))
    if order.dry:
        train = train.take(slice(0, 32 * REHEARSAL_STEPS))
    progress.restore()
    if not progress.goes_on:
        return
    whole = slice(0, None)  # it takes arrays: nothing is streamed to it

    def arrays(rows: Rows) -> tuple[Any, Any]:
        rows = rows if rows.resident else rows.take(whole)
        x = tf.nest.map_structure(lambda part: part.numpy(), standardise(rows.x))
        return x, rows.y.numpy()

    family.fit(
        hp,
        model,
        *arrays(train),
        validation_data=arrays(validation),
        initial_epoch=len(progress.curve),
        epochs=order.epochs,
        callbacks=[_ReportEpochs(progress)],
        verbose=0,
    )


class _ReportEpochs(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, progress: _Progress) -> None:
        super().__init__()
        self._progress = progress

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._started = perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self._progress.report(finite(metrics, epoch + 1), perf_counter() - self._started)
        if not self._progress.goes_on:
            self.model.stop_training = True


def finite(metrics: dict[str, float], epoch: int) -> dict[str, float]:
    """Return `metrics` if its losses are finite; a diverged model learns nothing more.

    Raises:
        Diverged: A loss is NaN or infinite.
    """
    for name in ("loss", "val_loss"):
        if not math.isfinite(metrics.get(name, 0.0)):
            raise Diverged(f"The {name} became {metrics[name]} in epoch {epoch}.")
    return metrics


def _ask_over(channel: Channel) -> Answer:
    def answer(ask: Ask) -> Scalar:
        channel.send(ask)
        reply = _reply(channel)
        if not isinstance(reply, Value):
            raise _Skipped
        return reply.value

    return answer


def _reply(channel: Channel) -> object:
    reply = channel.receive()
    if isinstance(reply, Skip):
        raise _Skipped
    return reply
