"""The Free Spoken Digit data with held-out speakers: what `spoken_digits.toml` searches on."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np

SAMPLES = 8000
"""One second; 99 of 100 recordings are shorter. Silence is filled in at the end."""
VALIDATION, TEST = "lucas", "theo"


def load():
    """Return recordings int16 (n, 8000) and their digits, by speakers: four for train, one each for the others."""
    folder = os.environ.get("NAS_DATA")
    if not folder:
        raise SystemExit("Set the environment variable NAS_DATA to the folder that holds speech/fsdd.npz")
    with np.load(Path(folder) / "speech" / "fsdd.npz") as file:
        pcm, offsets, digits, speakers = (file[name] for name in ("pcm", "offsets", "labels", "speakers"))
        rate = int(file["sample_rate"])
    x = np.zeros((len(digits), SAMPLES), dtype=np.int16)
    for row, (start, end) in enumerate(pairwise(offsets)):
        recording = pcm[start : min(end, start + SAMPLES)]
        x[row, : len(recording)] = recording
    validation, test = speakers == VALIDATION, speakers == TEST
    train = ~validation & ~test
    return {
        "x": x[train],
        "y": digits[train],
        "group": speakers[train],
        "x_val": x[validation],
        "y_val": digits[validation],
        "x_test": x[test],
        "y_test": digits[test],
        "sample_rate": rate,
        "kinds": {"x": "audio"},
    }
