"""Spoken digits in a row, without the times at which they are spoken: what `digit_strings.toml` searches on.

Single digits from the Free Spoken Digit Dataset (8 kHz, CC BY-SA 4.0, github.com/Jakobovski/free-spoken-digit-dataset)
are put one after another, three to five of one speaker with pauses between them. Four speakers are for training, one
for validation, one for the test: no voice is on two sides. The folder that holds ``speech/fsdd.npz`` is named by the
environment variable NAS_DATA.
"""

import os
from pathlib import Path

import numpy as np

SPEAKERS = {
    "train": ("george", "jackson", "nicolas", "yweweler"),
    "val": ("lucas",),
    "test": ("theo",),
}
EXAMPLES = {"train": 1600, "val": 300, "test": 300}
DIGITS = (3, 5)
SECONDS = 3.2
PAUSE = (0.05, 0.2)
"""Seconds."""
LONGEST = 0.7
"""Seconds; a few clips are longer, mostly silence: they are left out."""


def load(examples=EXAMPLES, seed=0):
    """Return arrays by the names of the splits: int16 (examples, samples), and texts such as "0427"."""
    if "NAS_DATA" not in os.environ:
        raise FileNotFoundError("NAS_DATA must name the folder that holds speech/fsdd.npz, e.g. NAS_DATA=~/data.")
    with np.load(Path(os.environ["NAS_DATA"]).expanduser() / "speech" / "fsdd.npz") as file:
        clips = np.split(file["pcm"], file["offsets"][1:-1])
        digits, speakers, rate = file["labels"], file["speakers"], int(file["sample_rate"])
    short = np.array([len(clip) <= LONGEST * rate for clip in clips])
    rng = np.random.default_rng(seed)
    made = {"sample_rate": rate, "kinds": {"x": "audio"}}
    for split, voices in SPEAKERS.items():
        of = [np.flatnonzero((speakers == voice) & short) for voice in voices]
        spoken = [_spoken(rng, of[number % len(of)], clips, digits, rate) for number in range(examples[split])]
        end = "" if split == "train" else f"_{split}"
        made[f"x{end}"] = np.stack([sound for sound, _ in spoken])
        made[f"y{end}"] = np.array([text for _, text in spoken])
    return made


def _spoken(rng, rows, clips, digits, rate):
    """Return one utterance, filled up with silence, and what is said; digits that there is no room for are left out."""
    chosen = rng.choice(rows, rng.integers(DIGITS[0], DIGITS[1] + 1))
    sound, at, said = np.zeros(int(SECONDS * rate), np.int16), 0, ""
    for row in chosen:
        at += int(rng.uniform(*PAUSE) * rate)
        if at + len(clips[row]) > len(sound):
            break  # no digit is cut in two
        sound[at : at + len(clips[row])] = clips[row]
        at, said = at + len(clips[row]), said + str(digits[row])
    return sound, said
