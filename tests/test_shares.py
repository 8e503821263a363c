"""Intervals of shares: known values, and the ends."""

import pytest

from nas.shares import wilson


def test_known_intervals():
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 and 1 of 29
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_nothing_and_all_have_an_interval_as_well():
    assert wilson(0.0, 20)[0] == 0
    assert 0 < wilson(0.0, 20)[1] < 0.2
    assert wilson(1.0, 20)[1] == 1
    with pytest.raises(ValueError, match="no examples"):
        wilson(0.5, 0)
