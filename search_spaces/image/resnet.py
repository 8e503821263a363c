"""Residual networks: (height, width, channels) -> (features,).

Basic and bottleneck blocks after He et al. 2015, arXiv:1512.03385, with the small-image stem of its section 4.2 (one
3×3 convolution, no pooling); squeeze-and-excitation after Hu et al. 2017, arXiv:1709.01507.

For 28×28×1: 7,800 architectures, from 376 weights and 220 thousand MACs to 1.1 million weights and 124 million MACs;
by default 78 thousand weights and 9.3 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize, stages_that_fit


class ResNet(keras_tuner.HyperModel):
    """A residual network for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features)."""
        most = stages_that_fit(self.input_shape)
        stages = hp.Int("stages", 1, most, default=min(3, most)) if most > 1 else 1
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=16)
        bottleneck = hp.Boolean("bottleneck", default=False)
        squeeze = hp.Boolean("squeeze_excite", default=False)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)

        inputs = keras.Input(self.input_shape)
        x = convolve(inputs, width, 3, name="stem", activation=activation)
        for stage in range(1, stages + 1):
            filters = width * 2 ** (stage - 1)
            for block in range(1, hp.Int(f"stage{stage}_blocks", 1, 3, default=1) + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                x = residual(x, filters, stride, bottleneck, squeeze, activation, name=f"stage{stage}_block{block}")
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(inputs, x, name=self.name or "resnet")


def residual(x, filters, stride, bottleneck, squeeze, activation, name):
    """One block: what the convolutions make of `x`, added to `x` (projected where the shapes differ)."""
    if bottleneck:
        y = convolve(x, filters // 2, 1, name=f"{name}_conv1", activation=activation)
        y = convolve(y, filters // 2, 3, name=f"{name}_conv2", activation=activation, stride=stride)
        y = convolve(y, filters, 1, name=f"{name}_conv3")
    else:
        y = convolve(x, filters, 3, name=f"{name}_conv1", activation=activation, stride=stride)
        y = convolve(y, filters, 3, name=f"{name}_conv2")
    if squeeze:
        y = excite(y, activation, name=f"{name}_squeeze")
    if x.shape != y.shape:
        x = convolve(x, filters, 1, name=f"{name}_shortcut", stride=stride)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.Activation(activation, name=f"{name}_activation")(x)


def convolve(x, filters, kernel, name, activation=None, stride=1):
    """Convolution, batch normalization and, where one is named, the activation."""
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    x = normalize(x, "batch", name=f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_activation")(x) if activation else x


def excite(x, activation, name, ratio=4):
    """Scale each channel of `x` by a gate in (0, 1) that is computed from the means of all channels."""
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    gate = layers.Conv2D(max(4, channels // ratio), 1, activation=activation, name=f"{name}_reduce")(gate)
    gate = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_gate")(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])
