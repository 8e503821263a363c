"""Residual networks: (height, width, channels) -> (features,), or the last map.

Basic and bottleneck blocks after He et al. 2015, arXiv:1512.03385, with the small-image stem of its section 4.2 (one
3×3 convolution, no pooling), which goes on by several pixels on images of more than 56×56; squeeze-and-excitation after
Hu et al. 2017, arXiv:1709.01507; stochastic depth after Huang et al. 2016, arXiv:1603.09382.

For 28×28×1: 31,200 architectures, from 376 weights and 220 thousand MACs to 1.1 million weights and 124 million MACs;
by default 78 thousand weights and 9.3 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import drop_branch, rising_rates
from search_spaces.image.blocks import ask_stem, convolve, excite, finish, image_features, stem_kernel


class ResNet(keras_tuner.HyperModel):
    """A residual network for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map."""
        stride, most = ask_stem(hp, self.input_shape)
        stages = hp.Int("stages", 1, most, default=min(3, most)) if most > 1 else 1
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=16)
        bottleneck = hp.Boolean("bottleneck", default=False)
        squeeze = hp.Boolean("squeeze_excite", default=False)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        drop_depth = hp.Float("stochastic_depth", 0.0, 0.3, step=0.1, default=0.0)
        depths = [hp.Int(f"stage{stage}_blocks", 1, 3, default=1) for stage in range(1, stages + 1)]
        rates = iter(rising_rates(drop_depth, sum(depths)))

        inputs = keras.Input(self.input_shape)
        x = convolve(inputs, width, stem_kernel(stride), name="stem", activation=activation, stride=stride)
        for stage, depth in enumerate(depths, 1):
            filters = width * 2 ** (stage - 1)
            for block in range(1, depth + 1):
                stride, name = (2 if stage > 1 and block == 1 else 1), f"stage{stage}_block{block}"
                x = residual(x, filters, stride, bottleneck, squeeze, activation, next(rates), name)
        return keras.Model(inputs, finish(x, self.features, dropout), name=self.name or "resnet")


def residual(x, filters, stride, bottleneck, squeeze, activation, rate, name):
    """One block: what the convolutions make of `x`, dropped at `rate`, added to `x` (projected where shapes differ)."""
    if bottleneck:
        y = convolve(x, filters // 2, 1, name=f"{name}_conv1", activation=activation)
        y = convolve(y, filters // 2, 3, name=f"{name}_conv2", activation=activation, stride=stride)
        y = convolve(y, filters, 1, name=f"{name}_conv3")
    else:
        y = convolve(x, filters, 3, name=f"{name}_conv1", activation=activation, stride=stride)
        y = convolve(y, filters, 3, name=f"{name}_conv2")
    if squeeze:
        y = excite(y, activation, name=f"{name}_squeeze")
    y = drop_branch(y, rate, name=f"{name}_drop")
    if x.shape != y.shape:
        x = convolve(x, filters, 1, name=f"{name}_shortcut", stride=stride)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.Activation(activation, name=f"{name}_activation")(x)
