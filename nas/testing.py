"""Checks for what you add yourself: does a family of encoders keep its promises?

Use it in a test of your own::

    def test_my_family():
        check_family(MyNet(input_shape=(28, 28, 1)), input_shape=(28, 28, 1))
"""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable
from typing import Any

from nas.conversation import Architecture, Ask, Scalar


def check_family(
    family: Any, input_shape: tuple[int, ...], classes: int = 10, members: int = 10, seed: int = 0
) -> tuple[Architecture, ...]:
    """Build the default and `members` - 1 random members of `family` and check what every member has to keep to.

    It builds; it builds again from the same params and is the same architecture; its features are a vector, a
    sequence or a map with all but the batch axis known (a compiled model may end as it likes); its cost is known; it
    can be written down (``get_config``) and made anew from that; one step of training gives a finite loss.

    Args:
        family: A ``keras_tuner.HyperModel``, or a class of them, which is given `input_shape` if it takes one.
        input_shape: The shape of one example, without the batch axis.
        classes: How many classes the random labels have.
        members: How many architectures are drawn.
        seed: Of the draws and of the training.

    Returns:
        What was built, for further checks.

    Raises:
        AssertionError: A member breaks the contract; the message names its params.
    """
    import keras

    if isinstance(family, type):
        takes_shape = "input_shape" in inspect.signature(family).parameters
        family = family(input_shape=tuple(input_shape)) if takes_shape else family()
    rng = random.Random(seed)
    described = []
    for member in range(members):
        answer = _Recorder(_default if member == 0 else _drawn(rng))
        keras.utils.set_random_seed(seed)
        described.append(_check_member(family, answer, tuple(input_shape), classes))
        keras.utils.clear_session()
    return tuple(described)


class _Recorder:
    """An answer that remembers what it said."""

    def __init__(self, answer: Callable[[Ask], Scalar]) -> None:
        self._answer = answer
        self.params: dict[str, Scalar] = {}

    def __call__(self, ask: Ask) -> Scalar:
        value = self.params[ask.name] = self._answer(ask)
        return value


def _default(ask: Ask) -> Scalar:
    return ask.default


def _drawn(rng: random.Random) -> Callable[[Ask], Scalar]:
    """Return an answer that draws uniformly from what is asked for."""

    def answer(ask: Ask) -> Scalar:
        asked = ask.distribution
        if asked.kind == "categorical":
            return rng.choice(asked.choices)
        assert asked.low is not None
        assert asked.high is not None
        if asked.log:
            value = math.exp(rng.uniform(math.log(asked.low), math.log(asked.high)))
        elif asked.step is not None:
            value = asked.low + asked.step * rng.randint(0, int((asked.high - asked.low) / asked.step + 1e-9))
        else:
            value = rng.uniform(asked.low, asked.high)
        return round(value) if asked.kind == "int" else value

    return answer


def _check_member(family: Any, answer: _Recorder, input_shape: tuple[int, ...], classes: int) -> Architecture:
    import keras

    from nas.training.architecture import describe
    from nas.training.hyperparameters import AnsweredHyperParameters, from_params

    model = family.build(AnsweredHyperParameters(answer))
    params = answer.params
    assert isinstance(model, keras.Model), f"build(hp) must return a keras.Model. Received: {model!r}, for {params}."
    architecture = describe(model, input_shape)
    again = describe(family.build(AnsweredHyperParameters(from_params(params))), input_shape)
    assert again.fingerprint == architecture.fingerprint, f"The same params make another architecture: {params}."
    cost = architecture.cost
    assert cost.macs is not None, (
        f"The MACs are not known: {cost.unknown}. Register a rule for it, see `nas.training.macs`. For {params}."
    )
    if not architecture.opaque:
        copy = describe(type(model).from_config(model.get_config()), input_shape)
        assert copy.fingerprint == architecture.fingerprint, f"from_config(get_config()) makes another model: {params}."
    loss = _train_one_step(model, input_shape, classes)
    assert math.isfinite(loss), f"The loss of the first step is {loss}, for {params}."
    return architecture


def _train_one_step(model: Any, input_shape: tuple[int, ...], classes: int) -> float:
    """Train `model` on one random batch, with a dense head if it has none; return the loss."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, *input_shape)).astype("float32")
    y = rng.integers(0, classes, size=8)
    if not model.compiled:
        features = model.output
        assert isinstance(features, keras.KerasTensor), f"An encoder has one output. Received: {features!r}."
        assert 2 <= len(features.shape) <= 4, f"Features are a vector, a sequence or a map. Received: {features.shape}."
        assert None not in features.shape[1:], f"The shape of the features must be known. Received: {features.shape}."
        if len(features.shape) > 2:
            features = keras.layers.Flatten()(features)
        logits = keras.layers.Dense(classes)(features)
        model = keras.Model(model.input, logits)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = model.get_weights()
    logs = model.train_on_batch(x, y, return_dict=True)
    changed = any((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))
    assert changed, "A step of training changed no weight."
    return float(logs["loss"])
