"""``series:NAME``: time series drawn here, always the same: nothing is downloaded.

``series:shapes`` has 2,000 series of 64 steps and 2 channels, as many of each of eight classes. Three are those of
Saito 1994, *Local feature extraction and its applications using a library of bases* (PhD thesis, Yale), scaled from 128
steps to 64: something begins somewhere and ends somewhere, and in between stays (cylinder), grows (bell) or fades
(funnel). The others: a trend, up or down; a season, which the second channel shows later (leading) or earlier (lagging)
than the first, so that neither channel alone can tell; a few spikes; and nothing. The second channel sees the same,
more or less strongly and a little later. Both have noise of standard deviation 1 and an offset of their own.

``series:regimes`` has 1,000 such series with a label for each step: what is going on changes from time to time between
calm, rough, rising and swinging.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nas.data.options import DataSection
from nas.data.source import ONLY, Array, Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError, did_you_mean

STEPS = 64
SEED = 1994
AMPLITUDE = 0.5
"""Of everything but the noise: with Saito's own, 1, there is little left to learn."""

Generator = np.random.Generator
Draw = Callable[[Generator], Array]
"""One series without its noise: ``(generator) -> (steps, 2)``."""


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the series called `rest`, float32 (examples, steps, 2), and their labels.

    Raises:
        DataError: There are none of that name.
    """
    if rest not in KNOWN:
        raise DataError(f"There are no series called {rest!r}.{did_you_mean(rest, KNOWN)} Known: {', '.join(KNOWN)}.")
    x, y, names = KNOWN[rest]()
    # Rounded, so that the last bits of a machine's sines make no other data set.
    x = x.round(3).astype(np.float32)
    return RawData(Examples.of(x, y), inputs={ONLY: RawInput("sequence")}, target=Target(names=names))


def shapes(examples: int = 2000) -> tuple[Array, Array, tuple[str, ...]]:
    """Return `examples` series (examples, steps, 2) of the classes in `SHAPES`, in turn, and the names of these."""
    rng = np.random.default_rng(SEED)
    y = np.arange(examples) % len(SHAPES)
    draws = list(SHAPES.values())
    clean = np.stack([draws[label](rng) for label in y])
    return clean + rng.normal(size=clean.shape) + rng.normal(size=(examples, 1, 2)), y, tuple(SHAPES)


def _event(rng: Generator, height: Callable[[Array], Array]) -> Array:
    """Return an event of the height 6 + N(0, 1), times `height` of the time in [0, 1] since its beginning."""
    start = rng.uniform(STEPS / 8, STEPS / 4)
    length = rng.uniform(STEPS / 4, 3 * STEPS / 4)
    since = (np.arange(STEPS) - start) / length
    event = np.where((since >= 0) & (since <= 1), height(since), 0.0)
    return _seen_twice(rng, AMPLITUDE * (6 + rng.normal()) * event)


def _cylinder(rng: Generator) -> Array:
    return _event(rng, np.ones_like)


def _bell(rng: Generator) -> Array:
    return _event(rng, lambda since: since)


def _funnel(rng: Generator) -> Array:
    return _event(rng, lambda since: 1 - since)


def _trend(rng: Generator) -> Array:
    rise = AMPLITUDE * rng.choice([-1, 1]) * rng.uniform(2, 5)
    return _seen_twice(rng, rise * np.linspace(-1, 1, STEPS))


def _season(rng: Generator, lag: float) -> Array:
    """Return a wave whose second channel is `lag` periods behind the first."""
    period, phase = rng.uniform(8, 24), rng.uniform(0, 1)
    cycles = np.arange(STEPS)[:, None] / period + phase - np.array([0.0, lag])
    waves: Array = AMPLITUDE * rng.uniform(1.5, 4, size=2) * np.sin(2 * np.pi * cycles)
    return waves


def _leading(rng: Generator) -> Array:
    return _season(rng, rng.uniform(0.1, 0.4))


def _lagging(rng: Generator) -> Array:
    return _season(rng, -rng.uniform(0.1, 0.4))


def _spikes(rng: Generator) -> Array:
    channel = np.zeros(STEPS)
    places = rng.choice(STEPS, rng.integers(2, 6), replace=False)
    channel[places] = rng.choice([-1, 1]) * AMPLITUDE * rng.uniform(4, 9, len(places))
    return _seen_twice(rng, channel)


def _nothing(rng: Generator) -> Array:
    return np.zeros((STEPS, 2))


def _seen_twice(rng: Generator, channel: Array) -> Array:
    """Return `channel` (steps,) and, beside it, what another sensor sees of it: 0 to 4 steps later, weaker or not."""
    delay = int(rng.integers(0, 5))
    later = np.concatenate([np.full(delay, channel[0]), channel[: STEPS - delay]])
    return np.stack([channel, rng.uniform(0.4, 1.2) * later], axis=1)


SHAPES: dict[str, Draw] = {
    "cylinder": _cylinder,
    "bell": _bell,
    "funnel": _funnel,
    "trend": _trend,
    "leading": _leading,
    "lagging": _lagging,
    "spikes": _spikes,
    "nothing": _nothing,
}
"""The classes, in the order of their labels."""


REGIMES = ("calm", "rough", "rising", "swinging")
"""What may be going on, in the order of the labels of steps."""


def regimes(examples: int = 1000) -> tuple[Array, Array, tuple[str, ...]]:
    """Return `examples` series (examples, steps, 2), the regime of each step (examples, steps), and their names.

    A regime lasts 8 steps at least, and 16 on average. Noise is of standard deviation 1, in rough times of 3; in rising
    ones the series gain about 0.4 a step, in swinging ones they go up and down with a period of about 8 steps.
    """
    rng = np.random.default_rng(SEED)
    y = np.stack([_changes(rng) for _ in range(examples)])
    noise = rng.normal(size=(examples, STEPS, 2)) * np.where(y == REGIMES.index("rough"), 3.0, 1.0)[..., None]
    gain = rng.uniform(0.2, 0.6, size=(examples, 1, 2)) * (y == REGIMES.index("rising"))[..., None]
    cycles = np.arange(STEPS) / rng.uniform(6, 10, size=(examples, 1)) + rng.uniform(size=(examples, 1))
    swing = 2 * (np.sin(2 * np.pi * cycles) * (y == REGIMES.index("swinging")))[..., None]
    return gain.cumsum(axis=1) + swing + noise, y, REGIMES


def _changes(rng: Generator) -> Array:
    """Return a regime for each step, (steps,); none follows itself."""
    labels: list[int] = []
    while len(labels) < STEPS:
        others = [regime for regime in range(len(REGIMES)) if not labels or regime != labels[-1]]
        labels += [int(rng.choice(others))] * int(8 + rng.geometric(1 / 8))
    return np.array(labels[:STEPS])


KNOWN: dict[str, Callable[[], tuple[Array, Array, tuple[str, ...]]]] = {"shapes": shapes, "regimes": regimes}
