"""Sound files ▶ arrays of one length. What a file is, its content decides, not its name.

Sound becomes one channel (the mean of all there are) of 16-bit samples, resampled by a polyphase filter, cut off at
the end or filled up with silence. Of a long file, no more is decoded than is wanted. A file that was cut off is told by
its header; Ogg has none that says how long it is, and is read as far as it goes.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.source import Array
from nas.errors import DataError

SUFFIXES = frozenset(
    [".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"]
)
"""How the names of files usually end that can be decoded."""

FULL = 2**15
"""A sample of ±1 as 16 bits."""
FINEST = 1000
"""Rates are converted by a fraction with no larger denominator: nobody hears the difference in pitch, and a filter for
44,101 to 16,000 is no longer than others."""
SLOWEST, FASTEST = 1000, 1_000_000
"""Samples a second; a file that says something else is not believed."""
SPILL = 16
"""Samples at the wanted rate that are read beyond the end, so that the filter sees what comes next."""
LONGEST = 2**31 - 2**16
"""Bytes; a file whose header says more was written by something that did not know how long it would be."""

_TOO_SHORT = re.compile(r"^ *(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
"""What libsndfile notes of a file that was cut off (WAV, AIFF, AU), which it reads without complaint."""


def read_sound(path: Path, sample_rate: int, samples: int) -> Array:
    """Return the first `samples` of the file at `path` at `sample_rate` a second: int16 (samples,).

    May be called from several threads.

    Raises:
        DataError: It is missing, empty, damaged, no sound that libsndfile decodes, or it holds no samples.
    """
    import soundfile

    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes).")
        with path.open("rb") as opened, soundfile.SoundFile(opened) as file:
            rate = _believed(file.samplerate, path)
            wanted = min(file.frames, math.ceil((samples + SPILL) * rate / sample_rate))
            read: Array = file.read(wanted, dtype="float32", always_2d=True)
            said = _TOO_SHORT.search(file.extra_info)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}.") from None
    except Exception as error:  # a damaged file can raise nearly anything
        why = getattr(error, "error_string", None) or str(error) or type(error).__name__
        raise DataError(f"{path} is no sound that can be decoded: {why.strip().rstrip('.')}.") from None
    if said and int(said[2]) < int(said[1]) < LONGEST:
        raise DataError(f"{path} is cut off: it should have {int(said[1]):,} bytes of sound, and has {int(said[2]):,}.")
    if len(read) < wanted:
        raise DataError(f"{path} is cut off: it should have {wanted:,} samples, and has {len(read):,}.")
    try:
        return fit_sound(read, rate, sample_rate, samples)
    except DataError as error:
        raise DataError(f"{path} cannot be used: {error}") from None


def fit_sound(sound: Array, rate: int, sample_rate: int, samples: int) -> Array:
    """Return `sound` as int16 (samples,) at `sample_rate`: one channel, resampled, cut off or filled up with silence.

    Args:
        sound: (samples,) or (samples, channels); integers of full scale, or floats in [-1, 1]. What is beyond is
            clipped.
        rate: Its samples a second.
        sample_rate: The wanted ones.
        samples: How many are wanted.

    Raises:
        DataError: It has no samples, or some that are no finite numbers.
    """
    if len(sound) == 0:
        raise DataError("there are no samples in it.")
    wave = _as_floats(sound[: math.ceil((samples + SPILL) * rate / sample_rate)])
    if wave.ndim == 2:
        wave = wave.mean(axis=1)
    if not np.isfinite(wave).all():
        raise DataError("some of its samples are NaN or infinite.")
    wave = _resample(wave, rate, sample_rate)[:samples]
    fitted = np.zeros(samples, dtype=np.int16)
    fitted[: len(wave)] = np.clip(np.round(FULL * wave), -FULL, FULL - 1)
    return fitted


def _as_floats(sound: Array) -> Array:
    if sound.dtype.kind == "i":
        return sound.astype(np.float32) / -float(np.iinfo(sound.dtype).min)
    if sound.dtype.kind == "u":  # as in WAV files of 8 bits, silence is in the middle
        middle = (int(np.iinfo(sound.dtype).max) + 1) / 2
        return (sound.astype(np.float32) - np.float32(middle)) / np.float32(middle)
    return sound.astype(np.float32)


def _resample(wave: Array, rate: int, sample_rate: int) -> Array:
    if rate == sample_rate:
        return wave
    from scipy.signal import resample_poly

    ratio = 1 / Fraction(rate, sample_rate).limit_denominator(FINEST)
    resampled: Any = resample_poly(wave, ratio.numerator, ratio.denominator)
    return np.asarray(resampled, dtype=np.float32)


def _believed(rate: int, path: Path) -> int:
    if not SLOWEST <= rate <= FASTEST:
        raise DataError(f"{path} says that it has {rate:,} samples a second: it is damaged, or no sound.")
    return rate
