"""The spoken digits in a row of ``studies/digit_strings.py``: no voice on two sides, what is said is what is heard."""

import os
from pathlib import Path

import numpy as np
import pytest

STUDIES = Path(__file__).parents[2] / "studies"
DATA = Path(os.environ.get("NAS_TEST_DATA", ""))

pytestmark = pytest.mark.skipif(
    "NAS_TEST_DATA" not in os.environ or not (DATA / "speech" / "fsdd.npz").exists(),
    reason="NAS_TEST_DATA names no folder with speech/fsdd.npz",
)


def test_three_to_five_digits_in_a_row_the_same_every_time(monkeypatch):
    monkeypatch.syspath_prepend(STUDIES)
    monkeypatch.setenv("NAS_DATA", str(DATA))
    import digit_strings

    few = {"train": 8, "val": 3, "test": 3}
    made, again = digit_strings.load(few), digit_strings.load(few)
    assert made["x"].shape == (8, 25600)
    assert made["x"].dtype == np.int16
    assert made["sample_rate"] == 8000
    for name in ("x", "y", "x_val", "y_val", "x_test", "y_test"):
        np.testing.assert_array_equal(made[name], again[name])
    assert all(3 <= len(text) <= 5 and text.isdecimal() for text in (*made["y"], *made["y_val"], *made["y_test"]))
    voices = [voice for part in digit_strings.SPEAKERS.values() for voice in part]
    assert len(set(voices)) == len(voices) == 6


def test_without_the_data_it_says_what_to_set(monkeypatch):
    monkeypatch.syspath_prepend(STUDIES)
    monkeypatch.delenv("NAS_DATA", raising=False)
    import digit_strings

    with pytest.raises(FileNotFoundError, match="NAS_DATA must name the folder"):
        digit_strings.load()
