"""A small member of every shipped family, with weights that are not those it began with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from nas import catalogue
from nas.data_card import DataCard, Input, Target
from nas.search.fit import fit_of
from nas.testing import example_batch
from nas.training.families import make_family
from nas.training.feed import standardiser
from nas.training.hyperparameters import AnsweredHyperParameters

INPUTS = {
    "image": Input("image", (8, 8, 3), (120.0, 110.0, 90.0), (60.0, 50.0, 70.0)),
    "vector": Input(
        "vector", (6,), (1e4, 3.0, -2.0, 0.5, 0.0, 0.0), (10.0, 1.0, 0.1, 2.0, 1.0, 1.0), categories=(3, 5)
    ),
    "sequence": Input("sequence", (16, 2), (0.5, -20.0), (1.0, 4.0)),
    "text": Input("text", (12,), vocabulary=40),
    "audio": Input("audio", (4000,), (0.0,), (32768.0,), sample_rate=8000),
}
"""A small input of each kind, with numbers that have to be standardised."""
RECOMMENDATION = {
    "user": Input("ids", (1,), vocabulary=30),
    "history": Input("ids", (6,), vocabulary=20),
    "user_features": Input("vector", (3,), (1.0, 0.0, 0.0), (2.0, 1.0, 1.0), categories=(3,)),
    "item": Input("ids", (1,), vocabulary=20, item=True),
    "item_features": Input("vector", (4,), (0.0,) * 4, (1.0,) * 4, item=True),
}
SEVERAL = {"photo": INPUTS["image"], "words": replace(INPUTS["text"], item=True)}
ENCODERS = {"photo": ("cnn",), "words": ("bag",)}
SHIPPED = [name for name in catalogue.families if (fit := fit_of(name)) is not None and not fit.named]
"""Those that need a checkpoint have a test of their own."""


@dataclass(frozen=True)
class Member:
    """A built encoder and its data; `x` are examples as they are stored, `expected` what it makes of them."""

    model: keras.Model
    card: DataCard
    x: dict[str, Any]
    expected: dict[str, Any]


def member(name: str, rows: int = 5) -> Member:
    """The default member of the family."""
    inputs, encoders, features = given_to(name)
    card = DataCard("none", "0" * 64, "", inputs, Target(names=("a", "b", "c")), {"train": 8, "validation": 8})
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    built = make_family(name, None, card, features, encoders).build(AnsweredHyperParameters(lambda ask: ask.default))
    return told(built, card, rows)


def told(built: keras.Model, card: DataCard, rows: int = 5) -> Member:
    """What `built` makes of some examples, with weights that are moved a little."""
    rng = np.random.default_rng(0)
    for weight in built.trainable_weights:
        weight.assign(weight + 0.05 * rng.normal(size=weight.shape))
    outputs = built.outputs
    names = ["features"] if len(outputs) == 1 else ["query_vector", "item_vector"]
    model = keras.Model(built.input, dict(zip(names, outputs, strict=True)))
    x = {name: stored(given, rows) for name, given in card.inputs.items()}
    standard = standardiser(card)(x["x"] if list(x) == ["x"] else x)
    expected = {key: np.asarray(value) for key, value in model(standard, training=False).items()}
    return Member(model, card, {key: array.astype(card.inputs[key].dtype) for key, array in x.items()}, expected)


def given_to(name: str) -> tuple[dict[str, Input], dict[str, tuple[str, ...]], str]:
    """The inputs, the encoders of each, and the features that the family is asked for."""
    if name in ("two_tower", "ranker"):
        return RECOMMENDATION, {}, "pair" if name == "two_tower" else "vector"
    if name in ("fusion", "pair"):
        return SEVERAL, ENCODERS, "pair" if name == "pair" else "vector"
    return {"x": INPUTS[fit_of(name).kinds[0]]}, {}, "vector"


def stored(given: Input, rows: int) -> np.ndarray:
    """Random examples as they are stored: not standardised."""
    drawn = example_batch({"x": given}, rows)
    if not given.mean:
        return drawn
    if given.kind == "audio":
        return np.round(32767 * drawn).astype(np.int16)
    return (drawn * np.array(given.std) + np.array(given.mean)).astype(np.float32)
