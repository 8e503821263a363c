"""What several families of sound encoders are made of: a base class, how far time may shrink, how it is pooled."""

import keras_tuner
from keras import layers

from search_spaces.audio.front_end import FEWEST_SAMPLES
from search_spaces.blocks import normalize

LONGEST_STEP = 40.0
"""Milliseconds that a step of a sequence stands for, at most: 25 steps a second, where speech has 10 to 20 sounds."""

FEWEST_STEPS = 4
"""So many steps are left, at least, before they are pooled to a vector."""


class SoundEncoder(keras_tuner.HyperModel):
    """An encoder for sounds of `input_shape`, (samples,), at `sample_rate` a second.

    `features` is what it is to give: ``"vector"``, (features,), or ``"sequence"``, (steps, features), with a step at
    least every `LONGEST_STEP` milliseconds.
    """

    def __init__(self, input_shape, sample_rate, features="vector", name=None):
        super().__init__(name=name)
        (samples,) = input_shape
        if samples < FEWEST_SAMPLES:
            raise ValueError(f"A sound must have at least {FEWEST_SAMPLES} samples. Received: {samples}.")
        if sample_rate <= 0:
            raise ValueError(f"The sample rate must be known. Received: {sample_rate}.")
        if features not in ("vector", "sequence"):
            raise ValueError(f"Sounds are encoded as a 'vector' or a 'sequence'. Received: {features!r}.")
        self.input_shape, self.sample_rate, self.features = (samples,), sample_rate, features

    def ask_pooling(self, hp, *more):
        """Ask how steps become a vector; nothing where they do not."""
        return hp.Choice("pooling", ["mean", "max", "attention", *more]) if self.features == "vector" else None

    def halvings(self, frames, hop):
        """Return how often the number of `frames`, one every `hop` milliseconds, may be halved.

        Example:
            >>> [SoundEncoder((8000,), 8000, "sequence").halvings(63, hop) for hop in (8.0, 12.5, 16.0)]
            [2, 1, 1]
            >>> SoundEncoder((8000,), 8000).halvings(63, 16.0)
            3
        """
        times = 0
        while (
            frames > FEWEST_STEPS * 2 ** (times + 1)
            if self.features == "vector"
            else hop * 2 ** (times + 1) <= LONGEST_STEP
        ):
            times += 1
        return times


def convolve_map(x, filters, kernel, activation, name, stride=1):
    """Convolution over time and frequency, batch normalization, activation."""
    # A normalization subtracts the mean, so that a bias before it would do nothing.
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = normalize(x, "batch", name=f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_activation")(x)


def as_map(x):
    """Return a spectrogram as a map of one channel: (batch, frames, bands) -> (batch, frames, bands, 1)."""
    return layers.Reshape((*x.shape[1:], 1), name="map")(x)


def as_steps(x, name="steps"):
    """Return a map as a sequence: (batch, frames, bands, channels) -> (batch, frames, bands × channels)."""
    return layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name=name)(x)
