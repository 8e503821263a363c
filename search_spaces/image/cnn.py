"""Plain convolutional networks: (height, width, channels) -> (features,), or the last map.

Stages of 3×3 or 5×5 convolutions, the map halved and the width grown between them, after VGG (Simonyan and
Zisserman 2014, arXiv:1409.1556) with batch normalization (Ioffe and Szegedy 2015, arXiv:1502.03167); the mean over
the last map, as in Network in Network (Lin et al. 2013, arXiv:1312.4400), gives the features. On images of more than
56×56 pixels the first convolution goes on by several pixels.

For 28×28×1: 33,300 architectures, from 80 weights and 56 thousand MACs to 1.3 million weights and 141 million MACs;
by default 72 thousand weights and 7.3 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize
from search_spaces.image.blocks import ask_stem, finish, image_features, stem_kernel


class CNN(keras_tuner.HyperModel):
    """A plain convolutional network for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map."""
        stride, most = ask_stem(hp, self.input_shape)
        stages = hp.Int("stages", 1, most, default=min(3, most)) if most > 1 else 1
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=16)
        depth = hp.Int("depth", 1, 3, default=2)
        norm = hp.Choice("norm", ["batch", "layer", "none"], default="batch")
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        growth = hp.Choice("growth", [1.0, 1.5, 2.0], default=2.0) if stages > 1 else 1.0
        downsample = hp.Choice("downsample", ["max", "average"], default="max") if stages > 1 else None

        inputs = x = keras.Input(self.input_shape)
        for stage in range(1, stages + 1):
            if stage > 1:
                pool = layers.MaxPooling2D if downsample == "max" else layers.AveragePooling2D
                x = pool(2, name=f"stage{stage}_downsample")(x)
            filters = round(width * growth ** (stage - 1))
            kernel = hp.Choice(f"stage{stage}_kernel", [3, 5], default=3)
            for block in range(1, depth + 1):
                first = stage == block == 1
                size, step = (max(kernel, stem_kernel(stride)), stride) if first else (kernel, 1)
                x = convolve(x, filters, size, norm, activation, name=f"stage{stage}_block{block}", stride=step)
        return keras.Model(inputs, finish(x, self.features, dropout), name=self.name or "cnn")


def convolve(x, filters, kernel, norm, activation, name, stride=1):
    """Convolution, normalization, activation."""
    # A normalization subtracts the mean, so that a bias before it would do nothing.
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=norm == "none", name=f"{name}_conv")(x)
    x = normalize(x, norm, name=f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_activation")(x)
