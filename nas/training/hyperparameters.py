"""KerasTuner's ``hp``, answered by somebody else.

``build(hp)`` asks for choices as it goes. Each choice it meets for the first time becomes an `Ask`; whoever answers
(the coordinator in a search, a dict of stored params everywhere else) decides. Conditional scopes, name scopes and
``Fixed`` are KerasTuner's own and work unchanged; an inactive choice is never asked.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from nas.conversation import Ask, Distribution, Scalar
from nas.errors import FamilyError

Answer: TypeAlias = Callable[[Ask], Scalar]


class AnsweredHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A ``HyperParameters`` whose values come from `answer`.

    Args:
        answer: Gives the value for an `Ask`.
        prefix: Put before every name, e.g. ``"cnn/"``, so that two families may use the same names.
    """

    def __init__(self, answer: Answer, prefix: str = "") -> None:
        super().__init__()
        self._answer = answer
        self._prefix = prefix

    def _retrieve(self, hp: Any) -> Any:
        if hp.name not in self.values and not isinstance(hp, kt.Fixed) and self._conditions_are_active(hp.conditions):
            self.values[hp.name] = self._ask(hp)
        return super()._retrieve(hp)

    def _ask(self, hp: Any) -> Scalar:
        distribution = _distribution(hp)
        value = self._answer(Ask(self._prefix + hp.name, distribution, _default(hp, distribution)))
        if isinstance(hp, kt.Int):
            return round(_mirrored(hp, float(value)))  # type: ignore[arg-type]  # Keras layers refuse 16.0
        if isinstance(hp, kt.Float):
            return _mirrored(hp, float(value))  # type: ignore[arg-type]
        return value


def from_params(params: Mapping[str, Scalar]) -> Answer:
    """Return an answer that looks up stored `params`: the same architecture is built again.

    The answer raises `FamilyError` for a choice that was not made then.
    """

    def answer(ask: Ask) -> Scalar:
        if ask.name not in params:
            raise FamilyError(
                f"The search space asks for {ask.name!r}, which the stored params do not have: it has changed since. "
                f"Stored: {', '.join(sorted(params)) or 'none'}."
            )
        return params[ask.name]

    return answer


def of_default(ask: Ask) -> Scalar:
    """Return the default of what is asked for."""
    return ask.default


def drawn(rng: random.Random) -> Answer:
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


def _distribution(hp: Any) -> Distribution:
    """Return the values `hp` may take (KerasTuner's bounds are inclusive, like ours)."""
    if isinstance(hp, kt.Boolean):
        return Distribution("categorical", choices=(False, True))
    if isinstance(hp, kt.Choice):
        return Distribution("categorical", choices=tuple(hp.values))
    kind: Literal["int", "float"] = "int" if isinstance(hp, kt.Int) else "float"
    if hp.sampling == "linear":
        step = hp.step if hp.step is not None else (1 if kind == "int" else None)
        return Distribution(kind, low=hp.min_value, high=hp.max_value, step=step)
    if hp.step is None:
        return Distribution(kind, low=hp.min_value, high=hp.max_value, log=True)
    # A geometric grid: Optuna knows no logarithmic steps, so the few values are named one by one.
    return Distribution("categorical", choices=_geometric(hp))


def _geometric(hp: Any) -> tuple[Scalar, ...]:
    values: list[Scalar] = []
    value = hp.min_value
    while value <= hp.max_value * (1 + 1e-9):
        values.append(int(value) if isinstance(hp, kt.Int) else float(value))
        value *= hp.step
    return tuple(values)


def _default(hp: Any, distribution: Distribution) -> Scalar:
    default = hp.default
    if isinstance(hp, kt.Int):
        default = round(_mirrored(hp, default))
    elif isinstance(hp, kt.Float):
        default = _mirrored(hp, default)
    if distribution.kind == "categorical" and default not in distribution.choices:
        return distribution.choices[0]
    value: Scalar = default
    return value


def _mirrored(hp: Any, value: float) -> float:
    """Map a logarithmic draw to KerasTuner's ``reverse_log``, dense at the upper end; it is its own inverse."""
    if hp.sampling != "reverse_log" or hp.step is not None:
        return value
    low, high = float(hp.min_value), float(hp.max_value)
    return min(max(high + low - value, low), high)
