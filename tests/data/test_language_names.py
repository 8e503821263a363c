"""Texts that Babel carries."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nas.data import language_names
from nas.data.language_names import LANGUAGES
from nas.data.options import DataSection, TextSection
from nas.data.prepared import open_split, prepare
from nas.errors import DataError

SECTION = DataSection(source="babel:languages", text=TextSection(tokens="characters", length=24))


def load(rest="languages"):
    return language_names.load(rest, Path(), SECTION)


def test_every_language_has_names_enough():
    raw = load()
    counts = Counter(raw.train.y.tolist())
    assert set(counts) == set(range(len(LANGUAGES)))
    assert min(counts.values()) > 250
    assert 15_000 < len(raw.train) < 30_000
    names = dict(zip(raw.train.only, raw.train.y, strict=True))
    assert raw.target.names[names["Deutschland"]] == "German"
    assert raw.target.names[names["Németország"]] == "Hungarian"


def test_a_name_has_one_language():
    texts = load().train.only
    assert len({text.casefold() for text in texts}) == len(texts)
    assert "Angola" not in texts
    assert all(text == text.strip() != "" for text in texts)
    assert "left out" in load().notes[0]


def test_it_is_the_same_every_time():
    one, other = load(), load()
    assert one.train.only.tolist() == other.train.only.tolist()
    assert one.train.y.tolist() == other.train.y.tolist()


def test_a_slip_is_met_with_the_name_there_is():
    with pytest.raises(DataError, match="Did you mean 'languages'"):
        load("language")


def test_it_is_ready_for_a_study(tmp_path):
    card, notes = prepare(SECTION, "classification", tmp_path, tmp_path)
    (given,) = card.inputs.values()
    assert (given.kind, given.shape) == ("text", (24,))
    assert 100 < given.vocabulary < 300
    assert card.classes == 30
    assert card.baseline.metrics["val_accuracy"] < 0.1
    assert notes
    rows = open_split(card, "train").only
    assert rows.shape == (card.examples["train"], 24)
    assert np.mean(rows == 1) < 0.01
