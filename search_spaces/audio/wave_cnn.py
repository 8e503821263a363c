"""Convolutional networks over raw samples: (samples,) -> (features,), or (steps, features).

A first layer of long kernels, as long as a filter bank's, then stages of short ones with pooling by four between them:
M3 to M11 of Dai et al. 2017, arXiv:1610.00087, scaled down. Where a sequence is wanted, time shrinks to a step every
40 ms at most; steps that few stages leave too close are averaged.

For one second at 8 kHz, as a vector: 2.1 million architectures, from 1,216 weights and 256 thousand MACs to 1.5 million
weights and 96 million MACs; by default 42 thousand weights and 4.7 million MACs.
"""

import math

import keras
from keras import layers

from search_spaces.audio.blocks import FEWEST_STEPS, LONGEST_STEP, SoundEncoder
from search_spaces.blocks import normalize, pool_steps

POOL = 4


class WaveCNN(SoundEncoder):
    """A convolutional network over the samples of a sound."""

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, samples) -> (batch, features) or (batch, steps, features)."""
        kernel = hp.Choice("stem_kernel_ms", [2.5, 5.0, 10.0, 20.0], default=10.0)
        stride = hp.Choice("stem_stride_ms", [0.5, 1.0, 2.0], default=1.0)
        level = hp.Boolean("standardise", default=False)
        stages = hp.Int("stages", 1, 4, default=3)
        width = hp.Choice("width", [16, 24, 32, 48], default=32)
        depth = hp.Int("depth", 1, 2, default=1)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        growth = hp.Choice("growth", [1.0, 1.25, 1.5], default=1.5)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        pooling = self.ask_pooling(hp)

        inputs = x = keras.Input(self.input_shape)
        if level:
            x = layers.LayerNormalization(axis=1, center=False, scale=False, epsilon=1e-6, name="standardise")(x)
        x = layers.Reshape((*self.input_shape, 1), name="channel")(x)
        step = self.in_samples(stride)
        x = convolve(x, width, self.in_samples(kernel), activation, name="stem", stride=step)
        for stage in range(1, stages + 1):
            pool = next(pool for pool in (POOL, POOL // 2, 1) if step * pool <= self.longest_step)
            if pool > 1:
                x = layers.MaxPooling1D(pool, padding="same", name=f"stage{stage}_downsample")(x)
            step *= pool
            filters = round(width * growth**stage)
            short = hp.Choice(f"stage{stage}_kernel", [3, 5, 9], default=3)
            for block in range(1, depth + 1):
                x = convolve(x, filters, short, activation, name=f"stage{stage}_block{block}")
        left = self.longest_step // step
        if self.features == "sequence" and left > 1:
            x = layers.AveragePooling1D(left, padding="same", name="steps")(x)
        x = pool_steps(x, pooling)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(inputs, x, name=self.name or "wave_cnn")

    @property
    def longest_step(self):
        """How many samples a step may stand for, at most."""
        if self.features == "vector":
            return max(1, math.ceil(self.input_shape[0] / FEWEST_STEPS) - 1)
        return max(1, int(LONGEST_STEP * self.sample_rate / 1000))

    def in_samples(self, ms):
        """Return so many milliseconds as samples, at least 1."""
        return max(1, round(ms * self.sample_rate / 1000))


def convolve(x, filters, kernel, activation, name, stride=1):
    """Convolution over time, batch normalization, activation."""
    x = layers.Conv1D(filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = normalize(x, "batch", name=f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_activation")(x)
