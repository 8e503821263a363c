"""Where an encoder ends and a head begins: its inputs, its features, and what heads make of them."""

from __future__ import annotations

from typing import Any

import keras

from nas.data.source import ONLY
from nas.data_card import DataCard
from nas.errors import FamilyError


def keras_inputs(card: DataCard) -> Any:
    """Return new symbolic inputs for `card`: one tensor, or a dict of them by name."""
    made = {name: keras.Input(given.shape, dtype=given.dtype, name=name) for name, given in card.inputs.items()}
    return made[ONLY] if list(made) == [ONLY] else made


def ends(encoder: keras.Model, card: DataCard, outputs: int = 1) -> tuple[Any, list[Any]]:
    """Return the inputs of `encoder` and its features; a model without a graph is called and becomes one layer.

    Raises:
        FamilyError: It has another number of outputs.
    """
    if hasattr(encoder, "outputs"):
        alone = len(encoder.inputs) == 1 and (
            isinstance(encoder, keras.Sequential) or not isinstance(encoder.input, dict)
        )
        inputs = encoder.inputs[0] if alone else encoder.input  # a list of one wants lists for ever
        found = list(encoder.outputs)
    else:
        inputs = keras_inputs(card)
        found = keras.tree.flatten(encoder(inputs))
    if len(found) != outputs:
        wanted = "one output, its features" if outputs == 1 else f"{outputs} outputs, the features of each half"
        raise FamilyError(
            f"An encoder must have {wanted}; {encoder.name!r} has {len(found)}. "
            "Join them in the family, e.g. with keras.layers.Concatenate."
        )
    return inputs, found


def vector(features: Any, name: str) -> Any:
    """Return `features` as (batch, width): a map or a sequence is averaged over its places.

    Raises:
        FamilyError: They are no vector, sequence or map of known width; `name` is the encoder's.
    """
    shape = features.shape
    if len(shape) not in (2, 3, 4) or shape[-1] is None:
        raise FamilyError(
            "The features of an encoder must be a vector (batch, width), a sequence (batch, steps, width) or a map "
            f"(batch, height, width, channels), of known width; those of {name!r} are {shape}."
        )
    if len(shape) == 3:
        return keras.layers.GlobalAveragePooling1D(name="head_pool")(features)
    if len(shape) == 4:
        return keras.layers.GlobalAveragePooling2D(name="head_pool")(features)
    return features


def sequence(features: Any, name: str, steps: int | None = None) -> Any:
    """Return `features`, which must be (batch, steps, width), of so many `steps` if it is said.

    Raises:
        FamilyError: They are not.
    """
    shape = features.shape
    if len(shape) != 3 or shape[-1] is None or (steps is not None and shape[1] != steps):
        wanted = "steps" if steps is None else steps
        raise FamilyError(
            f"This task needs a vector for each step of the input, (batch, {wanted}, width); the features of {name!r} "
            f"are {shape}. A family that takes `features` is told so: features='sequence'."
        )
    return features


def fixed_map(features: Any, name: str) -> Any:
    """Return `features`, which must be (batch, height, width, channels), all of them known.

    Raises:
        FamilyError: They are not.
    """
    if len(features.shape) != 4 or None in features.shape[1:]:
        raise FamilyError(
            "This task needs a map of features, (batch, height, width, channels); those of "
            f"{name!r} are {features.shape}. A family that takes `features` is told so: features='map'."
        )
    return features
