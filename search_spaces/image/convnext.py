"""Modern convolutional networks: (height, width, channels) -> (features,), or the last map.

Blocks of a depthwise convolution, layer normalization and two pointwise layers with a GELU between them, after Liu et
al. 2022, arXiv:2201.03545, section 2; layer scale as Touvron et al. 2021, arXiv:2103.17239, start it in nets of this
depth; stochastic depth after Huang et al. 2016, arXiv:1603.09382. The stem cuts patches of 4×4 pixels as there; where
the image is small it goes on by 2 pixels or by 1, and looks at 3×3.

For 28×28×1: 5,400 architectures, from 1,504 weights and 257 thousand MACs to 559 thousand weights and 43 million MACs;
by default 97 thousand weights and 7.4 million MACs.
"""

import math

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import LayerScale, drop_branch, rising_rates, stages_that_fit
from search_spaces.image.blocks import finish, image_features

SMALLEST_FIRST_MAP = 14
"""The side that the stem leaves at least, where the image has it; in the paper it leaves 56 of 224."""


class ConvNeXt(keras_tuner.HyperModel):
    """A ConvNeXt for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map."""
        stride = stem_stride(self.input_shape)
        most = stages_that_fit([math.ceil(side / stride) for side in self.input_shape[:2]])
        stages = hp.Int("stages", 1, most, default=min(3, most)) if most > 1 else 1
        width = hp.Choice("width", [16, 24, 32, 48, 64], default=32)
        ratio = hp.Int("mlp_ratio", 2, 4, default=4)
        drop_depth = hp.Float("stochastic_depth", 0.0, 0.3, step=0.1, default=0.0)
        depths = [hp.Int(f"stage{stage}_blocks", 1, 3, default=2) for stage in range(1, stages + 1)]
        rates = iter(rising_rates(drop_depth, sum(depths)))

        inputs = keras.Input(self.input_shape)
        # The normalization that follows would leave nothing of a patch of one grey pixel but its sign.
        x = layers.Conv2D(width, max(3, stride), stride, padding="same", name="stem")(inputs)
        x = layers.LayerNormalization(epsilon=1e-6, name="stem_norm")(x)
        for stage, depth in enumerate(depths, 1):
            if stage > 1:
                x = layers.LayerNormalization(epsilon=1e-6, name=f"stage{stage}_norm")(x)
                x = layers.Conv2D(2 * x.shape[-1], 2, 2, padding="same", name=f"stage{stage}_downsample")(x)
            kernel = hp.Int(f"stage{stage}_kernel", 3, 7, step=2, default=5)
            for block in range(1, depth + 1):
                x = convnext_block(x, kernel, ratio, next(rates), name=f"stage{stage}_block{block}")
        x = finish(x, self.features)
        x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
        return keras.Model(inputs, x, name=self.name or "convnext")


def convnext_block(x, kernel, ratio, rate, name):
    """One block: look around in each channel, then mix the channels of each place; dropped at `rate`, added to `x`."""
    width = x.shape[-1]
    y = layers.DepthwiseConv2D(kernel, padding="same", name=f"{name}_depthwise")(x)
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(y)
    y = layers.Dense(ratio * width, activation="gelu", name=f"{name}_dense1")(y)
    y = layers.Dense(width, name=f"{name}_dense2")(y)
    y = LayerScale(name=f"{name}_scale")(y)
    y = drop_branch(y, rate, name=f"{name}_drop")
    return layers.Add(name=f"{name}_add")([x, y])


def stem_stride(input_shape):
    """Return how many pixels the stem goes on by: the largest of 4, 2 and 1 that leaves a map worth looking at.

    Example:
        >>> [stem_stride((side, side, 3)) for side in (8, 28, 32, 64, 224)]
        [1, 2, 2, 4, 4]
    """
    return next(stride for stride in (4, 2, 1) if stride == 1 or min(input_shape[:2]) // stride >= SMALLEST_FIRST_MAP)
