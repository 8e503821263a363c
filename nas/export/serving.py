"""The model as it is served: what it takes is what the data hold, and what numbers become is inside it.

Numbers are taken as they are stored (pixels from 0 to 255, a table's own units, samples of sound) as float32, and
standardised within by the means of train. Texts come as tokens and ids as numbers: what makes these of texts and names
is told by a file beside the model (`nas.export.preprocessing`).

Only Keras's own layers are added, so that a ``.keras`` file needs none of ours for them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras

from nas.conversation import DataCard, Input
from nas.data.source import ONLY

OUTPUT = "output"
"""What the output of a whole model is called."""


def serving_model(model: keras.Model, card: DataCard) -> keras.Model:
    """Return ``{input: values as they are stored} ▶ {output: …}`` around `model`, which takes what is standardised.

    `model` takes one tensor or several by name, all of `card` or some of them, and gives one or several by name.
    """
    alone = list(card.inputs) == [ONLY]
    names = [ONLY] if alone else [name for name in card.inputs if name in model.input]
    given = {name: keras.Input(card.inputs[name].shape, dtype=card.inputs[name].dtype, name=name) for name in names}
    standard = {name: _standardised(x, card.inputs[name], name) for name, x in given.items()}
    outputs = model(standard[ONLY] if alone else standard)
    named = named_outputs(outputs, names)
    return keras.Model(given, {name: _renamed(x, name) for name, x in named.items()}, name="served")


def named_outputs(outputs: Any, inputs: Collection[str]) -> dict[str, Any]:
    """Return what a model gives by name, none of which is that of an input: ONNX has one name for one thing."""
    named = outputs if isinstance(outputs, dict) else {OUTPUT: keras.tree.flatten(outputs)[0]}
    return {f"{name}_given" if name in inputs else name: x for name, x in named.items()}


def _standardised(x: Any, given: Input, name: str) -> Any:
    """Return ``(x - mean) / std``; in two steps, so that nothing is lost where a mean is large."""
    if not given.mean:
        return x
    x = keras.layers.Rescaling(1.0, [-mean for mean in given.mean], name=f"{name}_centred")(x)
    return keras.layers.Rescaling([1 / std for std in given.std], name=f"{name}_standardised")(x)


def _renamed(x: Any, name: str) -> Any:
    return keras.layers.Identity(name=f"served_{name}")(x)
