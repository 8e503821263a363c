"""Sound ▶ log-mel spectrogram, as the choices of a search: what the families that look at spectrograms begin with.

A spectrogram is made anew for every batch: its bands, its window and its hop are searched, so that none can be kept.
Hence a fast Fourier transform: for 64 seconds at 16 kHz it took 9 to 14 ms on two CPU cores, where a product with sines
and cosines, as in Keras's ``STFTSpectrogram``, took 40 to 150.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from search_spaces.blocks import MOMENTUM

BANDS = [24, 32, 40, 64, 80]
WINDOWS = [20.0, 25.0, 32.0, 40.0]
HOPS = [8.0, 10.0, 12.5, 16.0, 20.0]
"""In milliseconds, times `scale`: no hop is longer than a window, so that no sample is skipped."""

FEWEST_FRAMES, MOST_FRAMES = 24, 400
FEWEST_SAMPLES = 256
LOWEST = 40.0
"""Hertz where the lowest band begins; below it, microphones hum."""


def log_mel(hp, inputs, sample_rate, features):
    """Return the spectrogram that `hp` describes, (batch, frames, bands), and its hop in milliseconds.

    Shapes are known, and there are `FEWEST_FRAMES` frames at least.
    """
    samples = inputs.shape[1]
    factor = scale(samples, sample_rate, features)
    bands = hp.Choice("mel_bands", BANDS, default=40)
    window = hp.Choice("window_ms", [factor * ms for ms in WINDOWS], default=factor * 32.0)
    hop = hp.Choice("hop_ms", [factor * ms for ms in HOPS], default=factor * 16.0)
    floor = hp.Choice("floor_db", [-100, -80, -60], default=-80)
    standard = hp.Choice("standardise", ["batch", "clip"], default="batch")
    masks = hp.Int("spec_augment", 0, 2, default=0)

    in_samples = (max(1, round(ms * sample_rate / 1000)) for ms in (window, hop))
    x = LogMel(sample_rate, *in_samples, bands, floor, name="log_mel")(inputs)
    x = standardise(x, standard, name="standardise")
    if masks > 0:
        x = SpecAugment(masks, name="spec_augment")(x)
    return x, hop


def scale(samples, sample_rate, features):
    """Return what windows and hops are multiplied with, a power of 2.

    Short sounds are looked at more closely, so that there are `FEWEST_FRAMES` at the longest hop. Long ones more
    coarsely, so that there are no more than `MOST_FRAMES` at the middle hop; but not where each step of a sequence
    counts.

    Example:
        >>> [scale(seconds * 8000, 8000, "vector") for seconds in (0.25, 1, 5, 10, 30)]
        [0.5, 1.0, 1.0, 2.0, 8.0]
    """
    duration, factor = 1000 * samples / sample_rate, 1.0
    while 1 + duration // (HOPS[-1] * factor) < FEWEST_FRAMES:
        factor /= 2
    while features == "vector" and duration // (HOPS[2] * factor) > MOST_FRAMES:
        factor *= 2
    return factor


def standardise(x, how, name):
    """Return `x`, (batch, frames, bands), with every band of mean 0 and deviation 1.

    Over the examples it is trained on for ``"batch"``; for ``"clip"`` over the frames of each sound by itself, which
    takes out loudness and microphone, and also what does not change during the sound.
    """
    if how == "batch":
        return layers.BatchNormalization(momentum=MOMENTUM, center=False, scale=False, name=name)(x)
    return layers.LayerNormalization(axis=1, center=False, scale=False, name=name)(x)


@keras.saving.register_keras_serializable(package="search_spaces")
class LogMel(layers.Layer):
    """The log-mel spectrogram of sounds in [-1, 1]: (batch, samples) -> (batch, 1 + samples // hop, bands).

    Frames under a Hann window, centred on every `hop`-th sample, with the sound mirrored at its ends; the power of
    each frequency in decibels of a full-scale sine; triangular bands, evenly spaced in mel from 40 Hz to half the
    sample rate. Keras's own ``MelSpectrogram`` is not used: it cuts off what is 80 dB below the loudest of the whole
    batch, so that an example is told by its neighbours; its narrow bands are empty; and its shape is off by one frame
    for some lengths.

    Args:
        sample_rate: Samples a second.
        window: Samples a frame.
        hop: Samples from one frame to the next.
        bands: How many.
        floor: Decibels; whatever is softer is as loud as that.

    Source: Davis and Mermelstein 1980, for the bands; mel as in HTK, 2595 · log10(1 + hertz / 700).
    """

    def __init__(self, sample_rate, window, hop, bands, floor=-80, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.window, self.hop, self.bands, self.floor = sample_rate, window, hop, bands, floor
        # Any even length will do: padding up to a power of 2 would only take longer.
        self.fft_length = window + window % 2
        # A sine of amplitude 1 has half the sum of the window (a Hann window's is half its length) in its bin.
        self.filters = mel_filters(sample_rate, self.fft_length, bands) * (4 / window) ** 2

    def call(self, inputs):
        """Return decibels above the middle between full scale and the floor, in units of ten."""
        real, imaginary = ops.stft(inputs, self.window, self.hop, self.fft_length)
        power = ops.matmul(ops.square(real) + ops.square(imaginary), ops.convert_to_tensor(self.filters))
        return ops.log(ops.maximum(power, 10.0 ** (self.floor / 10))) / math.log(10) - self.floor / 20

    def compute_output_shape(self, input_shape):
        """Return (batch, frames, bands)."""
        batch, samples = input_shape
        return (batch, 1 + samples // self.hop, self.bands)

    def get_config(self):
        """Return what `from_config` needs."""
        own = {name: getattr(self, name) for name in ("sample_rate", "window", "hop", "bands", "floor")}
        return {**super().get_config(), **own}


def mel_filters(sample_rate, fft_length, bands, steps=16):
    """Return the weights of mel bands over the bins of a Fourier transform, float32 (bins, bands); a band's sum is 1.

    Bands see a spectrum that is interpolated between bins, in so many `steps`: a band that lies between two bins has
    its share of both, and none is empty.
    """
    bins = fft_length // 2 + 1
    fine = np.arange((bins - 1) * steps + 1) / steps  # in bins
    hertz = fine * sample_rate / fft_length
    lowest = min(LOWEST, sample_rate / 20)
    edges = np.linspace(_mel(lowest), _mel(sample_rate / 2), bands + 2)
    lower, centre, upper = (edges[start : start + bands] for start in range(3))
    mel = _mel(hertz)[:, None]
    triangles = np.maximum(0, np.minimum((mel - lower) / (centre - lower), (upper - mel) / (upper - centre)))
    for band in np.flatnonzero(triangles.sum(axis=0) == 0):  # narrower than a step
        triangles[np.abs(mel[:, 0] - centre[band]).argmin(), band] = 1
    below = np.minimum(fine.astype(int), bins - 2)
    filters = np.zeros((bins, bands))
    np.add.at(filters, below, triangles * (below + 1 - fine)[:, None])
    np.add.at(filters, below + 1, triangles * (fine - below)[:, None])
    return (filters / filters.sum(axis=0)).astype("float32")


def _mel(hertz):
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


@keras.saving.register_keras_serializable(package="search_spaces")
class SpecAugment(layers.Layer):
    """Puts 0, the mean, in the place of a few stretches of time and of frequency, in training: the same shape.

    (batch, frames, bands); each example has its own. Time is not warped: it costs most and helps least (section 5).

    Args:
        masks: How many stretches of frames, and as many of bands.
        time: The share of the frames that one stretch covers, at most.
        frequency: The share of the bands.

    Source: Park et al. 2019, arXiv:1904.08779, section 2.
    """

    def __init__(self, masks, time=0.1, frequency=0.2, **kwargs):
        super().__init__(**kwargs)
        self.masks, self.time, self.frequency = masks, time, frequency
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Return `inputs`; in training with some of it 0."""
        if not training:
            return inputs
        examples, (frames, bands) = ops.shape(inputs)[0], inputs.shape[1:]
        seen = (
            self._seen(examples, frames, self.time)[:, :, None] * self._seen(examples, bands, self.frequency)[:, None]
        )
        return inputs * ops.cast(seen, inputs.dtype)

    def _seen(self, examples, length, share):
        """Return where nothing is hidden, bool (examples, length)."""
        shape = (examples, self.masks, 1)
        width = ops.floor(keras.random.uniform(shape, 0, int(share * length) + 1, seed=self.seed_generator))
        start = ops.floor(keras.random.uniform(shape, seed=self.seed_generator) * (length - width + 1))
        places = ops.arange(length, dtype="float32")
        outside = ops.logical_or(places < start, places >= start + width)
        return ops.all(outside, axis=1)

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "masks": self.masks, "time": self.time, "frequency": self.frequency}
