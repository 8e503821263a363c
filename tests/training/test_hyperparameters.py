"""KerasTuner's vocabulary, answered from outside."""

import keras_tuner
import pytest

from nas.conversation import Ask
from nas.errors import FamilyError
from nas.training.hyperparameters import AnsweredHyperParameters, from_params

pytestmark = pytest.mark.tf


class Answers:
    """Answers with the last choice, or the upper bound, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    def __call__(self, ask: Ask):
        self.asked.append(ask)
        return ask.distribution.choices[-1] if ask.distribution.choices else ask.distribution.high


def build(hp: keras_tuner.HyperParameters) -> dict[str, object]:
    values = {
        "units": hp.Int("units", 8, 32, step=8),
        "rate": hp.Float("rate", 1e-4, 1e-1, sampling="log"),
        "deep": hp.Boolean("deep"),
        "kernel": hp.Choice("kernel", [3, 5], default=5),
        "width": hp.Int("width", 16, 64, step=2, sampling="log"),
        "fixed": hp.Fixed("fixed", 7),
    }
    with hp.conditional_scope("deep", [True]):
        values["depth"] = hp.Int("depth", 2, 4)
    with hp.conditional_scope("deep", [False]):
        values["never"] = hp.Int("never", 2, 4)
    with hp.name_scope("block_0"):
        values["block"] = hp.Choice("op", ["conv", "pool"])
    values["again"] = hp.Int("units", 8, 32, step=8)
    return values


def test_every_choice_is_asked_once_with_its_bounds():
    answers = Answers()
    values = build(AnsweredHyperParameters(answers, prefix="cnn/"))
    asked = {ask.name: ask for ask in answers.asked}
    assert list(asked) == [
        f"cnn/{name}" for name in ("units", "rate", "deep", "kernel", "width", "depth", "block_0/op")
    ]
    assert (asked["cnn/units"].distribution.low, asked["cnn/units"].distribution.step) == (8, 8)
    assert asked["cnn/rate"].distribution.log
    assert asked["cnn/width"].distribution.choices == (16, 32, 64)  # Optuna knows no logarithmic steps
    assert asked["cnn/kernel"].default == 5
    assert values["never"] is None  # inactive: KerasTuner says None, and nobody is asked
    assert values["again"] == values["units"] == 32
    assert values["width"] == 64
    assert isinstance(values["width"], int)
    assert values["fixed"] == 7


def test_stored_params_build_the_same():
    answers = Answers()
    first = build(AnsweredHyperParameters(answers, prefix="cnn/"))
    params = {ask.name: Answers()(ask) for ask in answers.asked}
    assert build(AnsweredHyperParameters(from_params(params), prefix="cnn/")) == first


def test_a_choice_that_was_not_stored_is_named():
    with pytest.raises(FamilyError, match=r"asks for 'units'.*changed"):
        AnsweredHyperParameters(from_params({"other": 1})).Int("units", 1, 2)


@pytest.mark.parametrize("drawn", [1.0, 3.0, 10.0])
def test_reverse_log_stays_within_its_bounds_and_is_its_own_inverse(drawn):
    value = AnsweredHyperParameters(lambda _: drawn).Float("x", 1.0, 10.0, sampling="reverse_log")
    assert value == pytest.approx(11.0 - drawn)


def test_reverse_log_integers_reach_both_ends():
    for drawn, expected in ((10, 1000), (1000, 10)):
        value = AnsweredHyperParameters(lambda _, drawn=drawn: drawn).Int("x", 10, 1000, sampling="reverse_log")
        assert value == expected
        assert isinstance(value, int)


def test_the_default_of_an_ask_is_among_its_choices():
    answers = Answers()
    build(AnsweredHyperParameters(answers))
    for ask in answers.asked:
        if ask.distribution.kind == "categorical":
            assert ask.default in ask.distribution.choices
