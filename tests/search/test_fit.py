"""A family that cannot take the data is refused before any trial."""

from dataclasses import replace

import pytest

from nas.errors import BadInput
from nas.search.fit import refuse_misfits
from tests.search.scripts import CARD


def test_an_image_family_is_refused_on_vectors_and_the_others_are_named():
    vectors = replace(CARD, input_shape=(20,))
    with pytest.raises(BadInput, match=r"'cnn' is for images.*\(20,\).*For these data: mlp"):
        refuse_misfits(("mlp", "cnn"), vectors)


def test_what_fits_passes_and_a_family_of_ones_own_is_its_own_business():
    refuse_misfits(("cnn", "resnet", "vit", "mlp", "mine.py:Mine"), CARD)
    refuse_misfits(("mlp", "mine.py:Mine"), replace(CARD, input_shape=(20,)))
