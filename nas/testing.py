"""Checks for what you add yourself: does a family of encoders keep its promises?

Use it in a test of your own::

    def test_my_family():
        check_family(MyNet, input_shape=(28, 28, 1))
        check_family(MyReader, Input("text", (64,), vocabulary=1000))
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nas.architecture import Architecture
from nas.conversation import Ask, Scalar
from nas.data_card import DataCard, Input, InputKind, Target
from nas.errors import plural


def check_family(
    family: Any,
    given: Input | Mapping[str, Input] | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    classes: int = 10,
    features: str = "vector",
    encoders: Mapping[str, tuple[str, ...]] | None = None,
    members: int = 50,
    seed: int = 0,
) -> Members:
    """Build the default and `members` - 1 random members of `family` and check what every member has to keep to.

    It builds; it builds again from the same params and is the same architecture; its features are a vector, a
    sequence or a map with all but the batch axis known, of the same rank for all members (a compiled model may end as
    it likes); its cost is known; it can be written down (``get_config``) and made anew from that; one step of training
    gives a finite loss. A member may be turned away with ``keras_tuner.errors.FailedTrialError`` that says why, but
    not the default, and not more than half of them.

    Args:
        family: A ``keras_tuner.HyperModel``, a class of them or a function: made as a study would make it.
        given: What it encodes: one input, or several by name.
        input_shape: Instead of `given`, the shape of one example: an image, a sequence or a vector.
        classes: How many classes the random labels have.
        features: What it is asked for: "vector", "sequence", "map" or "pair".
        encoders: For a family that joins several inputs: by input, which families it may be encoded by.
        members: How many architectures are drawn.
        seed: Of the draws and of the training.

    Returns:
        What was built, the default first, for further checks: a tuple.

    Raises:
        AssertionError: A member breaks the contract; the message names its params.
    """
    import keras
    from keras_tuner.errors import FailedTrialError

    from nas.training.hyperparameters import drawn, of_default

    inputs = _inputs(given, input_shape)
    model_family = _made(family, inputs, classes, features, encoders)
    rng = random.Random(seed)
    described: list[Architecture] = []
    ranks: set[tuple[int, ...]] = set()
    for member in range(members):
        answer = _Recorder(of_default if member == 0 else drawn(rng))
        keras.utils.set_random_seed(seed)
        reason: str | None = None
        try:
            model, architecture = _check_member(model_family, answer, inputs, classes)
        except FailedTrialError as error:
            reason = str(error)
        if reason is not None:
            assert member > 0, f"The default member is turned away: {reason}."
            assert reason, f"A member is turned away without a reason: {answer.params}."
            continue
        described.append(architecture)
        if not model.compiled:
            ranks.add(tuple(len(output.shape) for output in model.outputs))
        keras.utils.clear_session()
    assert 2 * len(described) >= members, f"Only {len(described)} of {members} members can be built."
    assert len(ranks) <= 1, f"Members differ in what they give: features with {sorted(ranks)} axes."
    return Members(described)


class Members(tuple[Architecture, ...]):
    """Members of a family that were built. In a notebook they are a sentence: their layers would fill the screen."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return how many there are, and from where to where their costs go."""
        different = len({architecture.fingerprint for architecture in self})
        told = [plural(len(self), "member"), f"{different} different"][: 2 if len(self) > 1 else 1]
        costs = {
            "weights": [each.cost.weights for each in self if each.cost.weights is not None],
            "MACs": [each.cost.macs for each in self if each.cost.macs is not None],
        }
        spans = [f"{_span(known)} {called}" for called, known in costs.items() if known]
        return f"<{', '.join(told)}{': ' if spans else ''}{', '.join(spans)}>"


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def example_batch(inputs: Mapping[str, Input], rows: int = 8, seed: int = 0) -> Any:
    """Return random inputs as a model receives them: an array, or several by name."""
    import numpy as np

    rng = np.random.default_rng(seed)

    def draw(given: Input) -> Any:
        shape = (rows, *given.shape)
        if given.dtype == "int32":
            return rng.integers(0, max(given.vocabulary, 2), shape).astype("int32")
        x = rng.normal(size=shape).astype("float32")
        for column, count in enumerate(reversed(given.categories), 1):
            x[:, -column] = rng.integers(0, count, rows)
        return np.clip(x / 4, -1, 1) if given.kind == "audio" else x

    drawn = {name: draw(given) for name, given in inputs.items()}
    return drawn["x"] if list(drawn) == ["x"] else drawn


def _inputs(given: Input | Mapping[str, Input] | None, input_shape: tuple[int, ...] | None) -> dict[str, Input]:
    if isinstance(given, Input):
        return {"x": given}
    if given is not None:
        return dict(given)
    assert input_shape is not None, "Say what the family encodes: `given` or `input_shape`."
    kinds: dict[int, InputKind] = {3: "image", 2: "sequence"}
    return {"x": Input(kinds.get(len(input_shape), "vector"), tuple(input_shape))}


def _made(
    family: Any,
    inputs: dict[str, Input],
    classes: int,
    features: str,
    encoders: Mapping[str, tuple[str, ...]] | None,
) -> Any:
    """Return `family` as a ``HyperModel``, made as for a study."""
    from nas.training.families import made_for

    names = tuple(str(label) for label in range(classes))
    card = DataCard("check", "0" * 64, "", inputs, Target(names=names), {"train": 8, "validation": 8})
    return made_for(family, getattr(family, "__name__", type(family).__name__), card, features, encoders)


class _Recorder:
    """An answer that remembers what it said."""

    def __init__(self, answer: Callable[[Ask], Scalar]) -> None:
        self._answer = answer
        self.params: dict[str, Scalar] = {}

    def __call__(self, ask: Ask) -> Scalar:
        value = self.params[ask.name] = self._answer(ask)
        return value


def _check_member(family: Any, answer: _Recorder, inputs: dict[str, Input], classes: int) -> tuple[Any, Architecture]:
    import keras

    from nas.training.architecture import describe
    from nas.training.hyperparameters import AnsweredHyperParameters, from_params

    shapes = [given.shape for given in inputs.values()]
    input_shape = shapes[0] if len(shapes) == 1 else None
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
    loss = _train_one_step(model, inputs, classes)
    assert math.isfinite(loss), f"The loss of the first step is {loss}, for {params}."
    return model, architecture


def _train_one_step(model: Any, inputs: dict[str, Input], classes: int) -> float:
    """Train `model` on one random batch, with a dense head if it has none; return the loss."""
    import keras
    import numpy as np

    x = example_batch(inputs)
    y = np.random.default_rng(0).integers(0, classes, size=8)
    if not model.compiled:
        for features in model.outputs:
            assert 2 <= len(features.shape) <= 4, f"Features are a vector, sequence or map. Received: {features.shape}."
            assert None not in features.shape[1:], (
                f"The shape of the features must be known. Received: {features.shape}."
            )
        flat = [keras.layers.Flatten()(f) if len(f.shape) > 2 else f for f in model.outputs]
        joined = flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)
        logits = keras.layers.Dense(classes)(joined)
        model = keras.Model(model.input, logits)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    before = model.get_weights()
    logs = model.train_on_batch(x, y, return_dict=True)
    changed = any((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))
    assert changed, "A step of training changed no weight."
    return float(logs["loss"])
