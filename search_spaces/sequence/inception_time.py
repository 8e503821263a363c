"""InceptionTime: (steps, channels) -> (4 × filters,), or (steps, 4 × filters).

Blocks of parallel convolutions of three lengths, each half as long as the one before, behind a bottleneck, beside a
max-pooling branch; a shortcut over every three blocks. After Ismail Fawaz et al. 2019, arXiv:1909.04939: there the
lengths are 40, 20 and 10, with 32 filters and six blocks. No kernel is longer than the series.

For 64 steps of 2 channels: 6,750 architectures, from 2,144 weights and 121 thousand MACs to 425 thousand weights and 27
million MACs; by default 24 thousand weights and 1.5 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize, pool_steps

SHORTCUT = 3
"""Blocks a shortcut goes over."""


class InceptionTime(keras_tuner.HyperModel):
    """An inception network for series of `input_shape`, (steps, channels).

    `features` is ``"vector"`` for one vector an example, ``"sequence"`` for one a step.
    """

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, steps, channels) -> (batch, width) or (batch, steps, width)."""
        steps = self.input_shape[0]
        longest = [length for length in (10, 20, 40, 80) if length <= steps] or [steps]
        filters = hp.Choice("filters", [8, 12, 16, 24, 32], default=16)
        depth = hp.Int("depth", 2, 6, default=3)
        kernel = hp.Choice("kernel", longest, default=longest[min(1, len(longest) - 1)]) if longest[1:] else longest[0]
        bottleneck = hp.Choice("bottleneck", [8, 16, 32], default=16)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)

        inputs = x = start = keras.Input(self.input_shape)
        for number in range(1, depth + 1):
            x = inception(x, filters, kernel_lengths(kernel), bottleneck, activation, name=f"block{number}")
            if number % SHORTCUT == 0:
                x = start = shortcut(start, x, activation, name=f"block{number}_shortcut")
        if self.features == "vector":
            x = pool_steps(x, hp.Choice("pooling", ["mean", "max", "attention"], default="mean"))
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(inputs, x, name=self.name or "inception_time")


def inception(x, filters, lengths, bottleneck, activation, name):
    """One block: (batch, steps, channels) -> (batch, steps, (len(lengths) + 1) × filters)."""
    narrow = x
    if x.shape[-1] > bottleneck:
        narrow = layers.Conv1D(bottleneck, 1, use_bias=False, name=f"{name}_bottleneck")(x)
    branches = [
        layers.Conv1D(filters, length, padding="same", use_bias=False, name=f"{name}_conv{length}")(narrow)
        for length in lengths
    ]
    pooled = layers.MaxPooling1D(3, 1, padding="same", name=f"{name}_max")(x)
    branches.append(layers.Conv1D(filters, 1, use_bias=False, name=f"{name}_conv_max")(pooled))
    y = layers.Concatenate(name=f"{name}_join")(branches)
    return layers.Activation(activation, name=f"{name}_activation")(normalize(y, "batch", name=f"{name}_norm"))


def shortcut(start, x, activation, name):
    """Add `start` to `x`, projected to its width."""
    y = layers.Conv1D(x.shape[-1], 1, use_bias=False, name=f"{name}_conv")(start)
    y = layers.Add(name=f"{name}_add")([normalize(y, "batch", name=f"{name}_norm"), x])
    return layers.Activation(activation, name=f"{name}_activation")(y)


def kernel_lengths(longest):
    """Return three lengths, or fewer that differ: `longest`, a half and a quarter of it.

    Example:
        >>> [kernel_lengths(longest) for longest in (40, 5, 1)]
        [[40, 20, 10], [5, 2, 1], [1]]
    """
    return sorted({longest, max(1, longest // 2), max(1, longest // 4)}, reverse=True)
