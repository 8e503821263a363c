"""Every registered family keeps the contract: a new one is tested by existing.

A few members of each here, for time; ``NAS_TEST_MEMBERS=50`` draws as many as `check_family` does by itself.
"""

import os

import pytest

from nas import catalogue
from nas.data_card import Input
from nas.search.fit import fit_of, modality
from nas.testing import check_family

pytestmark = pytest.mark.tf

INPUTS = {
    "image": Input("image", (8, 8, 1)),
    "vector": Input("vector", (12,), categories=(3, 5)),
    "sequence": Input("sequence", (24, 3)),
    "text": Input("text", (16,), vocabulary=50),
    "audio": Input("audio", (4000,), sample_rate=8000),
}
"""A small input of each kind."""
MEMBERS = int(os.environ.get("NAS_TEST_MEMBERS", "4"))
ALONE = [name for name in catalogue.families if (fit := fit_of(name)) and not fit.several and not fit.named]
"""Families of one input; those of several, and those that need a checkpoint, have tests of their own."""
IMAGES = [name for name in ALONE if modality(name) == "image"]


@pytest.mark.parametrize("name", ALONE)
def test_random_members_keep_the_contract(name):
    for kind in fit_of(name).kinds:
        built = check_family(catalogue.families[name], INPUTS[kind], members=MEMBERS)
        assert len({architecture.fingerprint for architecture in built}) > 1


@pytest.mark.parametrize(("name", "features"), [(name, form) for name in ALONE for form in fit_of(name).gives[1:]])
def test_members_give_the_features_that_are_asked_for(name, features):
    for kind in fit_of(name).kinds:
        for architecture in check_family(catalogue.families[name], INPUTS[kind], features=features, members=2):
            assert len(architecture.graph[-1].shape) == {"sequence": 2, "map": 3}[features]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)], ids=str)
@pytest.mark.parametrize("name", IMAGES)
def test_the_default_member_is_sound_on_larger_images(name, shape):
    (architecture,) = check_family(catalogue.families[name], input_shape=shape, members=1)
    assert architecture.cost.weights < 1_000_000


@pytest.mark.parametrize("name", ALONE)
def test_the_default_member_is_small_on_small_inputs(name):
    (architecture,) = check_family(catalogue.families[name], INPUTS[fit_of(name).kinds[0]], members=1)
    assert architecture.cost.weights < 200_000
