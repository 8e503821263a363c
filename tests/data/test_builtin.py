"""What scikit-learn carries."""

from pathlib import Path

import numpy as np
import pytest

from nas.data.builtin import KNOWN, load
from nas.errors import DataError


@pytest.mark.parametrize("name", KNOWN)
def test_every_one_loads(name):
    raw = load(name, Path())
    assert len(raw.train.x) == len(raw.train.y)
    assert set(raw.train.y) == set(range(len(raw.class_names)))


def test_digits_are_images():
    raw = load("digits", Path())
    assert raw.train.x.shape == (1797, 8, 8, 1)
    assert raw.train.x.dtype == np.uint8
    assert raw.train.x.max() == 16


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        load("digit", Path())
