"""Vision transformers: (height, width, channels) -> (features,), or the last map.

Pre-norm blocks over embedded patches after Dosovitskiy et al. 2020, arXiv:2010.11929; pooling by the mean and sine
positions after Beyer, Zhai and Kolesnikov 2022, arXiv:2205.01580; patches that overlap, which helps where there is
little data, after Wang et al. 2021, arXiv:2106.13797, section 3.2.

For 28×28×1: 12,288 architectures, from 8 thousand weights and 140 thousand MACs to 457 thousand weights and 24 million
MACs; by default 73 thousand weights and 4.0 million MACs.
"""

import math

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import EPSILON, transformer_block
from search_spaces.blocks import ClassToken, PositionEmbedding, SinePositions
from search_spaces.image.blocks import image_features

FEWEST_TOKENS, MOST_TOKENS = 9, 144


class ViT(keras_tuner.HyperModel):
    """A vision transformer for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map."""
        sizes = patch_sizes(self.input_shape)
        patch = (
            hp.Choice("patch", sizes, default=default_patch(self.input_shape, sizes)) if len(sizes) > 1 else sizes[0]
        )
        width = hp.Choice("width", [32, 48, 64, 96], default=64)
        depth = hp.Int("depth", 1, 4, default=2)
        heads = hp.Choice("heads", [1, 2, 4, 8], default=4)
        ratio = hp.Choice("mlp_ratio", [1, 2, 4], default=2)
        overlap = hp.Boolean("overlap", default=True) if patch > 1 else False
        position = hp.Choice("position", ["learned", "sine"], default="learned")
        pooling = hp.Choice("pooling", ["mean", "token"], default="mean") if self.features == "vector" else None
        dropout = hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.0)

        inputs = keras.Input(self.input_shape)
        kernel = 2 * patch - 1 if overlap else patch
        x = layers.Conv2D(width, kernel, patch, padding="same", name="patches")(inputs)
        grid = x.shape[1:3]
        x = layers.Reshape((grid[0] * grid[1], width), name="tokens")(x)
        x = (PositionEmbedding(name="position") if position == "learned" else SinePositions(grid, name="position"))(x)
        if pooling == "token":
            x = ClassToken(name="class_token")(x)
        for block in range(1, depth + 1):
            x = transformer_block(x, heads=heads, ratio=ratio, activation="gelu", dropout=dropout, name=f"block{block}")
        x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)
        if self.features == "map":
            x = layers.Reshape((*grid, width), name="map")(x)
        elif pooling == "token":
            x = x[:, 0]
        else:
            x = layers.GlobalAveragePooling1D(name="pool")(x)
        return keras.Model(inputs, x, name=self.name or "vit")


def patch_sizes(input_shape):
    """Return the patch sizes, small to large, that cut an image into 9 to 144 tokens.

    Sizes that divide both sides are preferred; where there are none the last patches are padded.

    Example:
        >>> [patch_sizes((side, side, 1)) for side in (8, 28, 32)]
        [[1, 2], [4, 7], [4, 8]]
    """
    height, width = input_shape[:2]
    fitting = [
        size
        for size in range(1, max(height, width) + 1)
        if FEWEST_TOKENS <= math.ceil(height / size) * math.ceil(width / size) <= MOST_TOKENS
    ]
    dividing = [size for size in fitting if height % size == width % size == 0]
    return dividing or fitting or [1]


def default_patch(input_shape, sizes):
    """Return the finest of `sizes` that is more than a pixel and makes at most 64 tokens."""
    height, width = input_shape[:2]
    coarse = [size for size in sizes if size > 1 and math.ceil(height / size) * math.ceil(width / size) <= 64]
    return coarse[0] if coarse else sizes[-1]
