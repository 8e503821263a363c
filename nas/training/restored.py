"""A trained model, built again from its params and given its weights: whole, without its head, or up to a layer.

Nothing is loaded but numbers that this package wrote; what is computed with them, our own code says. So nobody else's
``.keras`` file or pickle is ever opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import keras

from nas import catalogue
from nas.conversation import Evaluate
from nas.data_card import DataCard
from nas.errors import BadInput, Conflict, FamilyError, NASError, did_you_mean
from nas.own_code import what_failed
from nas.training import checkpoint
from nas.training.architecture import describe
from nas.training.candidate import Candidate, build
from nas.training.hyperparameters import from_params
from nas.training.tasks.heads import ends, vector

Side: TypeAlias = Literal["query", "item"]
SIDES: tuple[Side, ...] = ("query", "item")
"""The halves of a pair, in the order in which an encoder gives them."""
FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Restored:
    """A trained model. All that it hands out shares its weights, and takes inputs as a model receives them."""

    candidate: Candidate
    card: DataCard

    @property
    def model(self) -> keras.Model:
        """All of it: inputs ▶ the task's output."""
        return self.candidate.model

    def encoder(self, side: Side | None = None) -> keras.Model:
        """Return ``inputs ▶ {"features": (batch, width)}``, without the head; of a pair two vectors, by name.

        Those of a pair are ``"query_vector"`` and ``"item_vector"``. What is a sequence or a map is averaged over its
        places, as heads do; where a task trains an embedding in its head, that is given. With a `side`, the half of a
        pair that sees only its own inputs.

        Raises:
            BadInput: The model came compiled and has no encoder; or it is no pair, or its halves cannot be parted.
            FamilyError: The features are no vector, sequence or map.
        """
        task, body = self.candidate.task, self.candidate.body
        if body is None:
            raise BadInput(
                f"The family {self.candidate.family.name or type(self.candidate.family).__name__!r} gives compiled "
                f"models, which have no encoder by themselves. --layer names a layer of it: {self._layers()}."
            )
        if task.features != "pair":
            if side is not None:
                raise BadInput("--side is for pairs of two halves, and this model gives one vector.")
            if task.embedding:
                return self._up_to(self.model.get_layer(task.embedding).output)
            inputs, (found,) = ends(body, self.card)
            return keras.Model(inputs, {FEATURES: vector(found, body.name)}, name=body.name)
        inputs, halves = ends(body, self.card, outputs=len(SIDES))
        outputs = dict(zip(SIDES, halves, strict=True))
        if side is None:
            return keras.Model(inputs, {f"{half}_vector": x for half, x in outputs.items()}, name=body.name)
        own = {name: inputs[name] for name, given in self.card.inputs.items() if given.item == (side == "item")}
        try:
            return keras.Model(own, {FEATURES: outputs[side]}, name=f"{body.name}_{side}")
        except ValueError:
            raise BadInput(
                f"The {side} half of {body.name!r} sees inputs of the other one: leave --side out."
            ) from None

    def layer(self, name: str) -> keras.Model:
        """Return ``inputs ▶ {"features": …}``, what the layer called `name` gives.

        Raises:
            BadInput: There is no such layer, or it is called several times, or gives several things.
        """
        known = [layer.name for layer in self.model.layers]
        if name not in known:
            raise BadInput(f"The model has no layer {name!r}.{did_you_mean(name, known)} Its layers: {self._layers()}.")
        try:
            output = self.model.get_layer(name).output
        except (AttributeError, ValueError):
            output = None
        if not isinstance(output, keras.KerasTensor):
            raise BadInput(f"The layer {name!r} is called several times, or gives several things. Name another one.")
        return self._up_to(output)

    def _up_to(self, output: Any) -> keras.Model:
        inputs, _ = ends(self.model, self.card, outputs=len(self.model.outputs))
        return keras.Model(inputs, {FEATURES: output}, name=self.model.name)

    def _layers(self, most: int = 40) -> str:
        names = [layer.name for layer in self.model.layers]
        return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def restore(order: Evaluate, weights: Path, fingerprint: str) -> Restored:
    """Build what `order` says from its params, and give it the numbers in the checkpoint `weights`.

    Raises:
        Conflict: What is built now is not the architecture with this `fingerprint`.
        BadInput: The family, or a checkpoint it begins with, cannot be loaded.
        NASError: It cannot be built any more, or the weights are damaged or do not fit.
    """
    if order.task not in catalogue.tasks:
        raise BadInput(f"The task {order.task!r} is not known here: is a package missing that the study was run with?")
    keras.utils.clear_session()  # so that layers have the names that they had when they were trained
    try:
        candidate = build(order, from_params(order.params or {}))
        built = describe(candidate.model, order.data.input_shape or None).fingerprint
    except NASError as error:
        raise type(error)(_no_longer(order, str(error))) if isinstance(error, FamilyError) else error from None
    except Exception as error:
        raise NASError(_no_longer(order, f"{what_failed(error)}.")) from error
    if built != fingerprint:
        raise Conflict(
            _no_longer(
                order,
                f"its params now make the architecture {built[:12]}, and it was {fingerprint[:12]}. The code of the "
                "search space or the libraries have changed since; restore those that it was trained with.",
            )
        )
    checkpoint.load_model(weights, candidate.model, fingerprint)
    return Restored(candidate, order.data)


def _no_longer(order: Evaluate, why: str) -> str:
    return f"Trial {order.trial}, of the family {order.family!r}, cannot be built any more: {why}"
