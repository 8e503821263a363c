"""Every registered family keeps the contract: a new one is tested by existing."""

import pytest

from nas import catalogue
from nas.conversation import Input
from nas.search.fit import FITS, FITS_OF, modality
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
ALONE = [
    name for name in catalogue.families if modality(name) and not (FITS_OF.get(name) or FITS[modality(name)]).several
]
IMAGES = [name for name in ALONE if modality(name) == "image"]


def fit(name):
    return FITS_OF.get(name) or FITS[modality(name)]


@pytest.mark.parametrize("name", ALONE)
def test_random_members_keep_the_contract(name):
    for kind in fit(name).kinds:
        built = check_family(catalogue.families[name], INPUTS[kind], members=4)
        assert len({architecture.fingerprint for architecture in built}) > 1


@pytest.mark.parametrize(("name", "features"), [(name, form) for name in ALONE for form in fit(name).gives[1:]])
def test_members_give_the_features_that_are_asked_for(name, features):
    for kind in fit(name).kinds:
        for architecture in check_family(catalogue.families[name], INPUTS[kind], features=features, members=2):
            assert len(architecture.graph[-1].shape) == {"sequence": 2, "map": 3}[features]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)], ids=str)
@pytest.mark.parametrize("name", IMAGES)
def test_the_default_member_is_sound_on_larger_images(name, shape):
    (architecture,) = check_family(catalogue.families[name], input_shape=shape, members=1)
    assert architecture.cost.weights < 1_000_000


@pytest.mark.parametrize("name", ALONE)
def test_the_default_member_is_small_on_small_inputs(name):
    (architecture,) = check_family(catalogue.families[name], INPUTS[fit(name).kinds[0]], members=1)
    assert architecture.cost.weights < 200_000
