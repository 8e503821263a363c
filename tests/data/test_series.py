"""Series that are drawn on the spot."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import series
from nas.data.checks import check
from nas.data.duplicates import hashes
from nas.data.options import DataSection
from nas.errors import DataError


def load(rest):
    return series.load(rest, Path(), DataSection(source=f"series:{rest}"))


@pytest.mark.parametrize("name", series.KNOWN)
def test_the_same_every_time_and_nothing_twice(name):
    first, second = load(name), load(name)
    assert np.array_equal(first.train.only, second.train.only)
    assert np.array_equal(first.train.labels, second.train.labels)
    assert len(set(hashes(first.train))) == len(first.train)


@pytest.mark.parametrize("name", series.KNOWN)
def test_they_are_sequences_as_the_checks_want_them(name):
    raw = check(load(name))
    assert raw.inputs["x"].kind == "sequence"
    assert raw.train.only.shape[1:] == (64, 2)
    assert raw.train.only.dtype == np.float32
    assert set(np.unique(raw.train.labels)) == set(range(len(raw.target.names)))


def test_every_class_has_as_many():
    raw = load("shapes")
    assert np.bincount(raw.train.labels).tolist() == [250] * 8
    assert raw.target.names[:3] == ("cylinder", "bell", "funnel")


@pytest.mark.parametrize("shape", series.SHAPES)
def test_without_noise_a_shape_is_what_it_is_called(shape):
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, second = series.SHAPES[shape](rng).T
        inside = np.flatnonzero(first)
        match shape:
            case "nothing":
                assert not first.any()
                assert not second.any()
            case "cylinder":
                assert np.ptp(first[inside]) == 0
            case "bell":
                assert (np.diff(first[inside]) * np.sign(first[inside[-1]]) > 0).all()
            case "funnel":
                assert (np.diff(first[inside]) * np.sign(first[inside[0]]) < 0).all()
            case "trend":
                assert len(set(np.sign(np.diff(first)))) == 1
            case "spikes":
                assert 2 <= len(inside) <= 5
            case _:  # correlated best when the second channel is moved back, or forth
                moves = range(-4, 5)
                alike = [np.corrcoef(first[5:-5], np.roll(second, -move)[5:-5])[0, 1] for move in moves]
                better = max(alike[5:]) > max(alike[:4])
                assert better == (shape == "leading")


def test_no_regime_follows_itself_and_rough_times_are_rougher():
    raw = load("regimes")
    x, y = raw.train.only, raw.train.labels
    assert y.shape == x.shape[:2]
    changes = np.diff(y, axis=1) != 0
    assert (changes[:, :7] == 0).all()  # it lasts eight steps at least
    steps = np.diff(x, axis=1)[~changes]
    inside = y[:, 1:][~changes]
    spread = [steps[inside == regime].std() for regime in range(4)]
    assert spread[1] > 2 * spread[0]
    assert steps[inside == series.REGIMES.index("rising")].mean() == pytest.approx(0.4, abs=0.05)


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(DataError, match="Did you mean 'shapes'"):
        load("shape")
