"""What scikit-learn carries."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import builtin
from nas.data.builtin import CLASSES
from nas.data.checks import check
from nas.data.options import DataSection
from nas.errors import DataError


def load(rest, base):
    return builtin.load(rest, base, DataSection(source="sklearn:x"))


@pytest.mark.parametrize("name", CLASSES)
def test_every_one_with_classes_loads(name):
    raw = load(name, Path())
    assert len(raw.train.only) == len(raw.train.y)
    assert set(raw.train.y) == set(range(len(raw.target.names)))


def test_digits_are_images():
    raw = load("digits", Path())
    assert raw.train.only.shape == (1797, 8, 8, 1)
    assert raw.train.only.dtype == np.uint8
    assert raw.train.only.max() == 16


def test_diabetes_has_numbers_for_labels_and_a_category_last():
    raw = check(load("diabetes", Path()))
    assert raw.train.only.shape == (442, 10)
    assert raw.inputs["x"].categories == (3,)
    assert set(raw.train.only[:, -1]) == {1.0, 2.0}
    assert 19 <= raw.train.only[:, 0].min() < raw.train.only[:, 0].max() <= 79  # years, not scaled
    assert raw.train.labels.dtype == np.float32
    assert len(np.unique(raw.train.labels)) > 200
    assert raw.target.names == ()


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        load("digit", Path())
