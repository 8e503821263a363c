"""Temporal convolutional networks: (steps, channels) -> (width,), or (steps, width).

Residual blocks of two dilated convolutions after Bai, Kolter and Koltun 2018, arXiv:1803.01271; the dilation doubles
from block to block as long as a kernel of 3 fits into the series, and larger kernels are dilated no further than that
they fit. Causal as in the paper (no step sees a later one), or centred, which sees both sides. Normalized by batch or
layer where the paper normalizes weights.

For 64 steps of 2 channels: 12,000 architectures, from 1,040 weights and 57 thousand MACs to 262 thousand weights and
16.6 million MACs; by default 23 thousand weights and 1.4 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize, pool_steps

MOST_LEVELS = 8


class TCN(keras_tuner.HyperModel):
    """A temporal convolutional network for series of `input_shape`, (steps, channels).

    `features` is ``"vector"`` for one vector an example, ``"sequence"`` for one a step.
    """

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, steps, channels) -> (batch, width) or (batch, steps, width)."""
        steps = self.input_shape[0]
        most = levels_that_fit(steps)
        kernels = [kernel for kernel in (3, 5, 7) if kernel <= steps] or [steps]
        width = hp.Choice("width", [16, 24, 32, 48, 64], default=32)
        levels = hp.Int("levels", 1, most, default=min(4, most)) if most > 1 else 1
        kernel = hp.Choice("kernel", kernels, default=kernels[0]) if len(kernels) > 1 else kernels[0]
        padding = "causal" if hp.Boolean("causal", default=False) else "same"
        norm = hp.Choice("norm", ["batch", "layer"], default="batch")
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)

        inputs = x = keras.Input(self.input_shape)
        for level in range(1, levels + 1):
            dilation = min(2 ** (level - 1), longest_dilation(steps, kernel))
            x = block(x, width, kernel, dilation, padding, norm, activation, dropout, name=f"level{level}")
        if self.features == "vector":
            x = pool_steps(x, hp.Choice("pooling", ["mean", "max", "last", "attention"], default="mean"))
        return keras.Model(inputs, x, name=self.name or "tcn")


def block(x, width, kernel, dilation, padding, norm, activation, dropout, name):
    """Two dilated convolutions, added to `x` (projected where the shapes differ)."""
    y = x
    for number in (1, 2):
        y = layers.Conv1D(
            width, kernel, padding=padding, dilation_rate=dilation, use_bias=False, name=f"{name}_conv{number}"
        )(y)
        y = normalize(y, norm, name=f"{name}_norm{number}")
        y = layers.Activation(activation, name=f"{name}_activation{number}")(y)
        if dropout > 0:
            y = layers.SpatialDropout1D(dropout, name=f"{name}_dropout{number}")(y)
    if x.shape != y.shape:
        x = layers.Conv1D(width, 1, name=f"{name}_shortcut")(x)
    return layers.Activation(activation, name=f"{name}_activation")(layers.Add(name=f"{name}_add")([x, y]))


def longest_dilation(steps, kernel):
    """Return the largest dilation, at least 1, with which a `kernel` spans no more than `steps`."""
    return max(1, (steps - 1) // max(1, kernel - 1))


def levels_that_fit(steps):
    """Return how many blocks, 1 to 8, may double the dilation until a kernel of 3 spans the series.

    Example:
        >>> [levels_that_fit(steps) for steps in (1, 5, 24, 64, 5000)]
        [1, 2, 4, 5, 8]
    """
    return min(MOST_LEVELS, longest_dilation(steps, 3).bit_length())
