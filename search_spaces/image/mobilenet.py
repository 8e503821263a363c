"""Networks of inverted residuals: (height, width, channels) -> (features,), or the last map.

Narrow maps between blocks, wide depthwise convolutions within, after MobileNetV2 (Sandler et al. 2018,
arXiv:1801.04381, section 3.3); hard-swish and squeeze-and-excitation with a hard sigmoid after MobileNetV3 (Howard et
al. 2019, arXiv:1905.02244, section 5), with its last 1×1 convolution before the pooling. The stem keeps the size of
images of up to 56×56 pixels.

For 28×28×1: 129,000 architectures, from 856 weights and 470 thousand MACs to 1.7 million weights and 106 million MACs;
by default 40 thousand weights and 5.6 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize
from search_spaces.image.blocks import ask_stem, convolve, excite, finish, image_features, stem_kernel


class MobileNet(keras_tuner.HyperModel):
    """A network of inverted residuals for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map."""
        stride, most = ask_stem(hp, self.input_shape)
        stages = hp.Int("stages", 1, most, default=min(3, most)) if most > 1 else 1
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=16)
        expansion = hp.Int("expansion", 2, 6, default=4)
        squeeze = hp.Boolean("squeeze_excite", default=False)
        activation = hp.Choice("activation", ["relu", "hard_swish"], default="hard_swish")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)

        inputs = keras.Input(self.input_shape)
        x = convolve(inputs, width, stem_kernel(stride), name="stem", activation="relu", stride=stride)
        for stage in range(1, stages + 1):
            filters = width * 2 ** (stage - 1)
            # On the largest maps hard-swish costs the most and helps the least (MobileNetV3, section 5.2).
            act = "relu" if stage == 1 else activation
            kernel = hp.Choice(f"stage{stage}_kernel", [3, 5], default=3)
            for block in range(1, hp.Int(f"stage{stage}_blocks", 1, 3, default=1) + 1):
                stride, name = (2 if stage > 1 and block == 1 else 1), f"stage{stage}_block{block}"
                x = inverted_residual(x, filters, kernel, stride, expansion, squeeze, act, name)
        # A block ends without an activation, on few channels: the features would be a linear projection.
        x = convolve(x, expansion * filters, 1, name="mix", activation=activation)
        return keras.Model(inputs, finish(x, self.features, dropout), name=self.name or "mobilenet")


def inverted_residual(x, filters, kernel, stride, expansion, squeeze, activation, name):
    """One block: expand, look around in each channel, weigh the channels, project; added to `x` where shapes agree."""
    y = convolve(x, expansion * x.shape[-1], 1, name=f"{name}_expand", activation=activation)
    y = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = normalize(y, "batch", name=f"{name}_depthwise_norm")
    y = layers.Activation(activation, name=f"{name}_depthwise_activation")(y)
    if squeeze:
        y = excite(y, "relu", name=f"{name}_squeeze", gate="hard_sigmoid")
    y = convolve(y, filters, 1, name=f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, y]) if x.shape == y.shape else y
