"""The model as it is served: what it takes is what the data hold, and what numbers become is inside it.

Numbers are taken as they are stored (pixels from 0 to 255, a table's own units, samples of sound) as float32, and
standardised within by the means of train. Texts come as tokens and ids as numbers: what makes these of texts and names
is told by a file beside the model (`nas.export.preprocessing`).

Only Keras's own layers are added, so that a ``.keras`` file needs none of ours for them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import keras

from nas.data.source import ONLY
from nas.data_card import DataCard, Input

OUTPUT = "output"
"""What the output of a whole model is called."""


def serving_model(model: keras.Model, card: DataCard) -> keras.Model:
    """Return ``{input: values as they are stored} ▶ {output: …}`` around `model`, which takes what is standardised.

    `model` takes one tensor or several by name, all of `card` or some of them, and gives one or several by name.
    """
    alone = list(card.inputs) == [ONLY]
    names = [ONLY] if alone else [name for name in card.inputs if name in model.input]
    called = served_names(card.inputs)
    given = {
        called[name]: keras.Input(card.inputs[name].shape, dtype=card.inputs[name].dtype, name=called[name])
        for name in names
    }
    standard = {name: _standardised(given[called[name]], card.inputs[name], place) for place, name in enumerate(names)}
    outputs = model(standard[ONLY] if alone else standard)
    named = named_outputs(outputs, given)
    last = {name: keras.layers.Identity(name=f"served{place}")(x) for place, (name, x) in enumerate(named.items())}
    return keras.Model(given, last, name="served")


def served_names(inputs: Iterable[str]) -> dict[str, str]:
    """Return what each input is called in an exported model: ASCII letters, digits and ``_``, as TensorFlow wants."""
    called: dict[str, str] = {}
    for place, name in enumerate(inputs):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        called[name] = plain if plain[:1].isalpha() and plain not in called.values() else f"input{place}_{plain}"
    return called


def named_outputs(outputs: Any, inputs: Collection[str]) -> dict[str, Any]:
    """Return what a model gives by name, none of which is that of an input: ONNX has one name for one thing."""
    named = outputs if isinstance(outputs, dict) else {OUTPUT: keras.tree.flatten(outputs)[0]}
    return {f"{name}_given" if name in inputs else name: x for name, x in named.items()}


def _standardised(x: Any, given: Input, place: int) -> Any:
    """Return ``(x - mean) / std``; in two steps, so that nothing is lost where a mean is large.

    Layers are called by number: an input may have a name that TensorFlow takes for none.
    """
    if not given.mean:
        return x
    x = keras.layers.Rescaling(1.0, [-mean for mean in given.mean], name=f"centred{place}")(x)
    return keras.layers.Rescaling([1 / std for std in given.std], name=f"standardised{place}")(x)
