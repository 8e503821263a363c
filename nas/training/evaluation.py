"""One evaluation: architecture × data × seed × fidelity, told as a conversation.

Build, ask for the training choices, say what was built, train epoch by epoch for as long as the coordinator wants.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import tensorflow as tf

from nas.architecture import Architecture, Latency
from nas.conversation import (
    AVERAGED,
    Ask,
    Built,
    Channel,
    Continue,
    Epoch,
    Evaluate,
    Finished,
    Measure,
    Scalar,
    Skip,
    Train,
    Value,
)
from nas.data.prepared import open_split
from nas.errors import FamilyError
from nas.training import checkpoint
from nas.training.architecture import describe
from nas.training.averaging import Average, BestWeights, momentum
from nas.training.candidate import Candidate, build
from nas.training.choices import (
    CHECKPOINTS,
    OTHER_STUDIES,
    TASK,
    TrainingChoices,
    choose,
    make_optimizer,
    make_schedule,
)
from nas.training.failure import Diverged
from nas.training.feed import augment_of, augmentations_of, balanced, labelled, rows_of, standardiser, stored
from nas.training.hyperparameters import Answer, from_params
from nas.training.latency import measure
from nas.training.loop import Loop, Rows
from nas.training.tasks.task import VALIDATION_BATCH, Outputs

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
    candidate = build(order, answer)
    model, card = candidate.model, order.data
    choices = None
    if not (candidate.fits_itself and candidate.came_compiled):
        augment = {} if candidate.fits_itself else _names(augmentations_of(card, candidate.task))
        rates = (OTHER_STUDIES if order.start is not None else CHECKPOINTS) if candidate.pretrained else None
        choices = choose(
            answer,
            card,
            compiled=candidate.came_compiled,
            augment=augment,
            pretrained=rates,
            fits_itself=candidate.fits_itself,
        )
    architecture = describe(model, card.input_shape or None)
    training = None if candidate.fits_itself or choices is None else _decided(choices, candidate)
    latency = measure([model])[0] if order.latency else None
    channel.send(Built(architecture, training, latency))
    if not isinstance(_reply(channel), Train):
        return Finished({})
    schedule = None
    if not candidate.came_compiled:
        assert choices is not None
        steps = card.examples["train"] // min(choices.batch_size, card.examples["train"])
        schedule = make_schedule(choices, steps * order.horizon)
        average = momentum(steps) if order.keep is not None and not candidate.fits_itself else None
        rate = schedule if candidate.fits_itself and schedule is not None else choices.learning_rate
        model.compile(
            make_optimizer(choices, rate, candidate.pretrained, average),
            loss=candidate.loss,
            metrics=candidate.task.keras_metrics(card),
            jit_compile=False,  # compiling with XLA takes longer than these trainings last
        )
    progress = _Progress(order, channel, candidate, _identity(order, architecture, choices, candidate))
    if candidate.fits_itself:
        _fit_by_family(order, candidate, progress)
    else:
        assert choices is not None
        _fit(order, candidate, choices, schedule, progress)
    return Finished(dict(progress.curve[-1].metrics) if progress.curve else {})


def time_candidates(order: Measure) -> tuple[tuple[Latency, ...], ...]:
    """Return what each of the candidates takes, for each size of batch: built from their params, timed in turns."""
    keras.utils.clear_session()
    models = [build(candidate, from_params(candidate.params or {})).model for candidate in order.candidates]
    by_batch = [measure(models, batch, order.runs) for batch in order.batches]
    return tuple(zip(*by_batch, strict=True))


def _names(known: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(things) for name, things in known.items()}


def _decided(choices: TrainingChoices, candidate: Candidate) -> dict[str, Scalar]:
    """Return all that was chosen beside the architecture: how to train, what for, from which weights."""
    aims: dict[str, Scalar] = {f"{TASK}{name}": value for name, value in candidate.aims.values.items()}
    start: dict[str, Scalar] = {"starts_from": candidate.starts_from} if candidate.starts_from else {}
    return choices.as_dict() | aims | start


def _identity(
    order: Evaluate, architecture: Architecture, choices: TrainingChoices | None, candidate: Candidate
) -> str:
    """Return what a checkpoint must have been made with to be gone on with."""
    decided = _decided(choices, candidate) if choices else None
    made_with = [order.seed, order.horizon, order.data.fingerprint, decided]
    return json.dumps([architecture.fingerprint, *made_with])


class _Progress:
    """Tells the coordinator about every epoch, keeps the checkpoint up to date, knows when to stop."""

    def __init__(self, order: Evaluate, channel: Channel, candidate: Candidate, identity: str) -> None:
        self._order, self._channel, self._identity = order, channel, identity
        self._model, self._encoder = candidate.model, candidate.encoder
        self.curve: list[Epoch] = []
        self.stopped = False
        self.average: Average | None = None
        self._best: BestWeights | None = None

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one; its epochs are told again, marked as replayed."""
        if self._order.dry:
            return
        self._model.optimizer.build(self._model.trainable_variables)
        known = checkpoint.restore(Path(self._order.checkpoint), self._model, self._identity)
        if self._order.keep is not None:
            self._best = BestWeights(self._order.keep, self._identity, known)
        for epoch in known:
            if not self.stopped:
                self._tell(replace(epoch, replayed=True))

    def report(self, metrics: dict[str, float], seconds: float) -> None:
        """Epoch by epoch: keep a checkpoint, tell the coordinator, remember whether it wants more."""
        epoch = Epoch(len(self.curve) + 1, metrics, seconds)
        if self._best is not None:
            self._best.offer(self._model, self._encoder, self.average, metrics)
        if not self._order.dry:
            path = Path(self._order.checkpoint)
            checkpoint.save(path, self._model, self._identity, [*self.curve, epoch], self._encoder)
        self._tell(epoch)

    def _tell(self, epoch: Epoch) -> None:
        self.curve.append(replace(epoch, replayed=False))
        self._channel.send(epoch)
        self.stopped = not isinstance(_reply(self._channel), Continue)

    @property
    def goes_on(self) -> bool:
        return not self.stopped and len(self.curve) < self._order.epochs


def _fit(order: Evaluate, candidate: Candidate, choices: TrainingChoices, schedule: Any, progress: _Progress) -> None:
    """Train by our own loop."""
    card, model, task = order.data, candidate.model, candidate.task
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
        view=candidate.view,
        class_weights=balanced(card) if choices.class_weights == "balanced" else None,
    )
    outputs = Outputs(lambda split: loop.predict(stored(card, split)), lambda split: open_split(card, split))
    if order.dry:
        _rehearse(loop, progress, share=len(train) / card.examples["train"])
        return
    progress.restore()
    if order.keep is not None and not candidate.came_compiled:
        progress.average = Average(model)

    def validated(epoch: int) -> dict[str, float]:
        found = finite(loop.validate(), epoch)
        return found if candidate.came_compiled else found | task.measure(outputs, card)  # or it is its own affair

    while progress.goes_on:
        started = perf_counter()
        number = len(progress.curve) + 1
        metrics = finite(loop.train(number), number)
        metrics |= validated(number)
        if progress.average is not None:
            with progress.average.in_place():
                metrics |= {f"{AVERAGED}{name}": value for name, value in validated(number).items()}
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


def _fit_by_family(order: Evaluate, candidate: Candidate, progress: _Progress) -> None:
    """Let the family's own ``fit`` train; our callback reports every epoch."""
    if candidate.view is not None:
        raise FamilyError(
            f"The task {order.task!r} makes its labels from the inputs, step by step, and the family {order.family!r} "
            "trains by a fit of its own, which knows nothing of that. Name another family, or leave out its fit."
        )
    model = candidate.model
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

    def measured() -> dict[str, float]:
        if candidate.came_compiled:
            return {}
        outputs = Outputs(
            lambda split: model.predict(arrays(stored(order.data, split))[0], batch_size=VALIDATION_BATCH, verbose=0),
            lambda split: open_split(order.data, split),
        )
        return candidate.task.measure(outputs, order.data)

    candidate.family.fit(
        candidate.hp,
        model,
        *arrays(train),
        validation_data=arrays(validation),
        initial_epoch=len(progress.curve),
        epochs=order.epochs,
        callbacks=[_ReportEpochs(progress, measured)],
        verbose=0,
    )


class _ReportEpochs(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, progress: _Progress, measured: Callable[[], dict[str, float]]) -> None:
        super().__init__()
        self._progress, self._measured = progress, measured

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._started = perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = finite({name: float(value) for name, value in (logs or {}).items()}, epoch + 1)
        metrics |= self._measured()
        self._progress.report(metrics, perf_counter() - self._started)
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
