"""A candidate, built: an encoder from its family, with the head, loss and view of its task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from nas import catalogue
from nas.conversation import Evaluate, Start
from nas.errors import FamilyError
from nas.training.checkpoint import load_encoder
from nas.training.choices import PREFIX, TASK
from nas.training.families import make_family
from nas.training.hyperparameters import Answer, AnsweredHyperParameters
from nas.training.tasks.task import Task, View


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was built. `loss` and `view` are ``None`` for a model that came compiled, which has a loss of its own.

    `hp` holds what the family asked, `aims` what the task did, `encoder` the weights of the model before its head.
    """

    model: keras.Model
    family: keras_tuner.HyperModel
    task: Task
    hp: AnsweredHyperParameters
    aims: AnsweredHyperParameters
    loss: Any
    view: View | None
    came_compiled: bool
    encoder: tuple[Any, ...] = ()
    starts_from: str | None = None
    """Where the encoder's weights come from, if they are not new: a checkpoint, or another study's trial."""
    body: keras.Model | None = None
    """The encoder by itself, sharing its weights; ``None`` where the model came compiled."""

    @property
    def pretrained(self) -> list[Any]:
        """The variables that are trained on from what they were trained to before."""
        old: dict[int, Any] = {}
        new: set[int] = set()  # what an adapter adds within a layer whose other weights are old
        for layer in self.model._flatten_layers(include_self=False, recursive=True):
            weights = {id(weight): weight for weight in layer.trainable_weights}
            if getattr(layer, "pretrained", None):
                old |= weights
            elif getattr(layer, "pretrained", None) is False:
                new |= set(weights)
        return [weight for key, weight in old.items() if key not in new]

    @property
    def fits_itself(self) -> bool:
        """Whether the family trains its models by a ``fit`` of its own."""
        return type(self.family).fit is not keras_tuner.HyperModel.fit


def build(order: Evaluate, answer: Answer) -> Candidate:
    """Build what `order` is about; `answer` decides. An encoder that starts from another study gets its weights.

    Raises whatever building raises: `nas.training.failure` tells what it means.
    """
    task = catalogue.tasks[order.task]
    family = make_family(order.family, Path(order.base), order.data, task.features, order.encoders, order.checkpoints)
    hp = AnsweredHyperParameters(answer, prefix=f"{label(order.family)}/")
    aims = AnsweredHyperParameters(answer, prefix=f"{PREFIX}{TASK}")
    encoder = family.build(hp)
    if encoder.compiled:
        if order.start is not None:
            raise FamilyError(f"A model that comes compiled, as of {order.family!r}, has no encoder to start from.")
        return Candidate(encoder, family, task, hp, aims, None, None, came_compiled=True)
    starts_from: str | None = getattr(encoder, "starts_from", None)
    model = task.attach_head(encoder, order.data, aims)
    loss, view = task.loss(order.data, aims), task.view(order.data, aims)
    if order.start is not None:  # now that any encoder is built: one without a graph is when the head calls it
        _begin_with(order.start, encoder)
        starts_from = order.start.name
    return Candidate(
        model,
        family,
        task,
        hp,
        aims,
        loss,
        view,
        came_compiled=False,
        encoder=tuple(encoder.weights),
        starts_from=starts_from,
        body=encoder,
    )


def _begin_with(start: Start, encoder: keras.Model) -> None:
    """Give `encoder` the weights of `start`; layers that have all of theirs from it are `pretrained` from now on."""
    loaded = {id(weight) for weight in load_encoder(Path(start.weights), encoder)}
    for layer in encoder._flatten_layers():
        if layer.weights and loaded.issuperset(id(weight) for weight in layer.weights):
            layer.pretrained = True


def label(family: str) -> str:
    """Return the short name of a family spec: ``"cnn"``, or ``"Class"`` of ``"file.py:Class"``."""
    return family.rpartition(":")[2]
