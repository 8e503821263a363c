"""Every registered family keeps the contract: a new one is tested by existing."""

import pytest

from nas import catalogue
from nas.testing import check_family

pytestmark = pytest.mark.tf

IMAGE_SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3)]


@pytest.mark.parametrize("name", list(catalogue.families))
def test_random_members_keep_the_contract(name):
    built = check_family(catalogue.families[name]((8, 8, 1)), (8, 8, 1), members=4)
    assert len({architecture.fingerprint for architecture in built}) > 1


@pytest.mark.parametrize("shape", IMAGE_SHAPES[1:], ids=str)
@pytest.mark.parametrize("name", list(catalogue.families))
def test_the_default_member_is_sound_on_larger_images(name, shape):
    (architecture,) = check_family(catalogue.families[name](shape), shape, members=1)
    assert architecture.cost.weights < 1_000_000


@pytest.mark.parametrize("name", list(catalogue.families))
def test_the_default_member_for_digits_is_small(name):
    (architecture,) = check_family(catalogue.families[name]((8, 8, 1)), (8, 8, 1), members=1)
    assert architecture.cost.weights < 100_000
    assert len(architecture.graph) < 30
