"""A study goes on with other code only where it asks for what was asked before; what does not is told in one go."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

from nas.architecture import Architecture, Cost
from nas.conversation import Ask, Built, Distribution
from nas.errors import ChoicesChanged
from nas.search.pool.simulated import SimulatedPool
from nas.search.same_choices import refuse_other_choices, refuse_other_families
from tests.search.scripts import CARD, study_of

WIDTH = CategoricalDistribution([8, 16, 32])
RATE = FloatDistribution(1e-4, 1e-1, log=True)
DEPTH = IntDistribution(1, 3)
FAMILY = CategoricalDistribution(("cnn", "mlp"))


def trial(family, **params):
    distributions = {"width": WIDTH, "rate": RATE, "depth": DEPTH, "family": FAMILY}
    params = {"family": family, **params}
    return create_trial(value=0.5, params=params, distributions={name: distributions[name] for name in params})


TRIALS = [
    trial("mlp", rate=0.01),
    trial("cnn", width=16, depth=1),
    trial("cnn", width=8, depth=2),
    trial("mlp", rate=0.1),
]


def asks(**choices):
    """Families that ask for `choices`, ``mlp`` for the rate only; and what they were answered."""
    answered = []

    def build(order):
        told = {"family": order.family}
        for name, distribution in choices.items():
            if order.family == "cnn" or name == "rate":
                default = (distribution.choices or (distribution.low,))[0]
                told[name] = (yield Ask(name, distribution, default)).value
        answered.append(told)
        yield Built(Architecture("a", (), Cost()), {})

    return build, answered


def check(build, trials=TRIALS):
    refuse_other_choices(study_of(), trials, SimulatedPool(build), card=CARD, base="")


SAME = {
    "width": Distribution("categorical", choices=(8, 16, 32)),
    "depth": Distribution("int", low=1, high=3, step=1),
    "rate": Distribution("float", low=1e-4, high=1e-1, log=True),
}


def test_what_is_asked_as_before_can_be_gone_on_with_and_few_are_asked():
    build, answered = asks(**SAME)
    check(build)
    assert answered == [
        {"family": "cnn", "width": 16, "depth": 1, "rate": 1e-4},  # of its own trial no rate was asked
        {"family": "mlp", "rate": 0.01},
    ]


def test_new_choices_choices_that_are_gone_and_other_ranges_are_no_hindrance():
    build, _ = asks(
        kernel=Distribution("categorical", choices=(3, 5)), depth=Distribution("int", low=1, high=9, step=1)
    )
    check(build)


def test_all_other_choices_are_named():
    build, _ = asks(
        width=Distribution("categorical", choices=(8, 16)),
        rate=Distribution("float", low=1e-4, high=1e-1),
        depth=Distribution("categorical", choices=(1, 2)),
    )
    with pytest.raises(ChoicesChanged, match="give the study file another `name`") as caught:
        check(build)
    assert caught.value.exit_code == 4
    assert caught.value.differences == {
        "width": "one of 8, 16, 32 then; one of 8, 16 now",
        "depth": "a whole number from 1 to 3 then; one of 1, 2 now",
        "rate": "a number from 0.0001 to 0.1, logarithmic then; a number from 0.0001 to 0.1 now",
    }


def test_other_families_are_refused_without_asking_them():
    refuse_other_families(study_of(), TRIALS)
    study = study_of()
    more = study.model_copy(update={"space": study.space.model_copy(update={"families": ("cnn", "mlp", "vit")})})
    with pytest.raises(ChoicesChanged, match="family: one of cnn, mlp then; one of cnn, mlp, vit now"):
        refuse_other_families(more, TRIALS)
    refuse_other_families(more, [])
