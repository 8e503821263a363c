"""``audio:folder/``: sound files, in one subfolder for each class, as `nas.data.class_folders` finds them.

WAV, FLAC, Ogg (Vorbis, Opus), MP3 and whatever else libsndfile decodes, of any rate, number of channels and depth.
They become ``data.audio.seconds`` at ``data.audio.sample_rate``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nas.data.class_folders import Files, load_folders
from nas.data.options import DataSection
from nas.data.sound import SUFFIXES, read_sound
from nas.data.source import RawData, RawInput


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the sounds in the folder `rest`, relative to `base`: int16 (sounds, samples).

    They come in the sorted order of their paths. Labels are the names of the classes' folders.

    Raises:
        DataError: There is no such folder, no sound or only one class in it, or too many files are bad.
    """
    rate = options.audio.sample_rate
    samples = round(rate * options.audio.seconds)
    files = Files("sounds", "audio/", lambda path: read_sound(path, rate, samples), (samples,), np.int16, SUFFIXES)
    return load_folders(base / Path(rest).expanduser(), files, RawInput("audio", sample_rate=rate), options.bad)
