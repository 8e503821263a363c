"""Syllables spoken by nobody."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import tones
from nas.data.options import DataSection, SplitSection
from nas.data.prepared import open_split, prepare
from nas.errors import DataError

SECTION = DataSection(source="tones:syllables", split=SplitSection(by="group"))


@pytest.fixture(scope="module")
def raw():
    return tones.load("syllables", Path(), SECTION)


def test_every_speaker_says_every_syllable_as_often(raw):
    examples = raw.train
    assert (examples.only.shape, examples.only.dtype) == ((1440, 4000), np.int16)
    assert (raw.inputs["x"].kind, raw.inputs["x"].sample_rate) == ("audio", 8000)
    counts = np.zeros((tones.SPEAKERS, 10), dtype=int)
    np.add.at(counts, (examples.group, examples.y), 1)
    assert (counts == tones.TAKES).all()


def test_they_are_the_same_every_time_and_no_two_are_alike(raw):
    np.testing.assert_array_equal(tones.load("syllables", Path(), SECTION).train.only, raw.train.only)
    assert len(np.unique(raw.train.only, axis=0)) == 1440


def test_no_sample_is_clipped_and_none_is_silent(raw):
    loudest = np.abs(raw.train.only.astype(int)).max(axis=1)
    assert loudest.min() > 0.19 * 2**15
    assert loudest.max() < 0.91 * 2**15


def test_vowels_have_their_resonances(raw):
    """Of the two vowels that differ most: *i* is loud above 1800 hertz and *u* below 1200."""
    spectra = np.abs(np.fft.rfft(raw.train.only[:, 1200:2800] / 2**15)) ** 2
    hertz = np.fft.rfftfreq(1600, 1 / tones.RATE)
    high = spectra[:, (hertz > 1800) & (hertz < 3000)].sum(axis=1) / spectra[:, hertz < 1200].sum(axis=1)
    by_name = {name: np.median(high[raw.train.y == label]) for label, name in enumerate(tones.SYLLABLES)}
    assert by_name["mi"] > 5 * by_name["mu"]
    assert by_name["si"] > 5 * by_name["su"]


def test_speakers_can_be_held_out(tmp_path):
    card, notes = prepare(SECTION, "classification", tmp_path, tmp_path)
    assert notes == ()
    assert sum(card.examples.values()) == 1440
    assert card.target.names == tones.SYLLABLES
    sides = [{row.tobytes() for row in open_split(card, name).only} for name in card.examples]
    assert not set.intersection(*sides)
    assert all(examples % (10 * tones.TAKES) == 0 for examples in card.examples.values())  # whole speakers


def test_another_name_is_refused():
    with pytest.raises(DataError, match=r"no tones called 'syllable'\. Did you mean 'syllables'"):
        tones.load("syllable", Path(), SECTION)
