"""What scikit-learn carries."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import builtin
from nas.data.builtin import KNOWN
from nas.data.options import DataSection
from nas.errors import DataError


def load(rest, base):
    return builtin.load(rest, base, DataSection(source="sklearn:x"))


@pytest.mark.parametrize("name", KNOWN)
def test_every_one_loads(name):
    raw = load(name, Path())
    assert len(raw.train.only) == len(raw.train.y)
    assert set(raw.train.y) == set(range(len(raw.target.names)))


def test_digits_are_images():
    raw = load("digits", Path())
    assert raw.train.only.shape == (1797, 8, 8, 1)
    assert raw.train.only.dtype == np.uint8
    assert raw.train.only.max() == 16


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        load("digit", Path())
