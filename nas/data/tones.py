"""``tones:syllables``: syllables spoken by nobody, rendered where they are needed. Nothing is downloaded.

Ten classes: *s* or *m* before one of five vowels, half a second at 8 kHz. A voice is a train of pulses through four
resonances, as in Klatt 1980; those of vowels are the men's means of Peterson and Barney 1952. Each of the 24 speakers
has a pitch, a length of vocal tract that goes with it, a tempo and a breathiness; each take its own onset, melody,
vowel (a little off), loudness and noise behind it. Takes of one speaker are alike, so cut splits by group: what is
recognised of strangers is the honest score.

It stands in for spoken words where something small has to run anywhere; how well a net does on it says little about
real speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas.data.options import DataSection
from nas.data.source import ONLY, Array, Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError, did_you_mean

RATE = 8000
SAMPLES = RATE // 2
SPEAKERS, TAKES = 24, 6
SEED = 0

VOWELS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
"""Hertz of the first three resonances; a fourth is at `FOURTH`."""
FOURTH = 3500.0
HUM = (250.0, 1000.0, 2200.0)
"""Those of an *m*, roughly."""
SYLLABLES = tuple(consonant + vowel for consonant in "sm" for vowel in VOWELS)


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the syllables: int16 (1440, 4000), in an order in which speakers come one after another.

    ``data.audio`` is of no effect. The group of an example is its speaker.

    Raises:
        DataError: `rest` is not ``"syllables"``.
    """
    if rest != "syllables":
        known = ("syllables",)
        raise DataError(f"There are no tones called {rest!r}.{did_you_mean(rest, known)} Known: {', '.join(known)}.")
    rng = np.random.default_rng(SEED)
    spoken, labels, groups = [], [], []
    for number in range(SPEAKERS):
        speaker = Speaker.draw(rng)
        for _ in range(TAKES):
            for label, syllable in enumerate(SYLLABLES):
                spoken.append(speaker.say(syllable, rng))
                labels.append(label)
                groups.append(number)
    examples = Examples.of(np.stack(spoken), np.array(labels), group=np.array(groups))
    return RawData(examples, inputs={ONLY: RawInput("audio", sample_rate=RATE)}, target=Target(names=SYLLABLES))


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: its `pitch` in hertz, by how much its resonances are higher than those of `VOWELS`, how long its
    syllables are in seconds, and how loud its breath is beside its pulses."""

    pitch: float
    tract: float
    tempo: float
    breath: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Speaker:
        """Return a speaker; a high voice comes from a short vocal tract, more or less."""
        height = rng.uniform(0.0, 1.0)
        tract = 0.95 + 0.22 * height + rng.normal(0, 0.03)
        return cls(90.0 * 3.0**height, tract, rng.uniform(0.22, 0.34), rng.uniform(0.01, 0.08))

    def say(self, syllable: str, rng: np.random.Generator) -> Array:
        """Return one take of `syllable`, int16 (samples,)."""
        consonant, vowel = syllable[0], syllable[1]
        length = round(RATE * self.tempo * rng.uniform(0.85, 1.15))
        before = round(RATE * rng.uniform(0.05, 0.10))
        voice = self._pulses(before + length, rng)
        off = self.tract * rng.normal(1.0, 0.06, size=3)
        sung = _resonate(voice, np.multiply(VOWELS[vowel], off))
        sung *= _fade(np.arange(before + length), rise=before, fall=length // 3)
        if consonant == "m":
            sung[:before] += 0.5 * _resonate(voice, np.multiply(HUM, self.tract))[:before]
        else:
            sung[:before] += 0.4 * _hiss(before, rng)
        return self._record(sung, rng)

    def _pulses(self, length: int, rng: np.random.Generator) -> Array:
        """Return what the vocal folds do: pulses whose pitch falls a little, and breath; without a resonance yet."""
        melody = np.linspace(rng.uniform(1.0, 1.12), rng.uniform(0.82, 0.98), length)
        phase = np.cumsum(self.pitch * rng.normal(1.0, 0.03) * melody / RATE)
        pulses = np.diff(np.floor(phase), prepend=0.0)
        return np.asarray(pulses + self.breath * rng.normal(size=length))

    def _record(self, sung: Array, rng: np.random.Generator) -> Array:
        """Return `sung` somewhere in a recording with noise behind it, int16."""
        sung = sung[:SAMPLES]
        start = rng.integers(0, SAMPLES - len(sung) + 1)
        noise = rng.normal(size=SAMPLES) * 10.0 ** (-rng.uniform(5.0, 25.0) / 20)  # in decibels below the voice
        recording = noise
        recording[start : start + len(sung)] += sung / np.sqrt(np.mean(np.square(sung)))
        recording *= rng.uniform(0.2, 0.9) / np.abs(recording).max()
        whole: Array = np.round(recording * (2**15 - 1)).astype(np.int16)
        return whole


def _resonate(voice: Array, hertz: Array) -> Array:
    """Return `voice` through a resonance at each of `hertz` and at `FOURTH`, one after another; its RMS is 1."""
    from scipy.signal import lfilter

    for place, centre in enumerate((*np.minimum(hertz, 0.47 * RATE), FOURTH)):
        radius = np.exp(-np.pi * (60.0 + 40.0 * place) / RATE)  # bandwidths of 60 to 180 hertz
        feedback = [1.0, -2 * radius * np.cos(2 * np.pi * centre / RATE), radius**2]
        voice = lfilter([sum(feedback)], feedback, voice)
    return np.asarray(voice / np.sqrt(np.mean(np.square(voice))))


def _hiss(length: int, rng: np.random.Generator) -> Array:
    """Return an *s*: noise without what is low, swelling and fading."""
    noise = rng.normal(size=length + 2)
    high = noise[2:] - 2 * noise[1:-1] + noise[:-2]
    return np.asarray(high / high.std() * np.hanning(length))


def _fade(places: Array, rise: int, fall: int) -> Array:
    """Return a gain that rises to 1 in `rise` places and falls to 0 over the last `fall`."""
    return np.asarray(np.clip(np.minimum(places / rise, (len(places) - places) / fall), 0.0, 1.0))
