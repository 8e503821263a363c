"""Transformers over steps or patches of them: (steps, channels) -> (width,), or (steps, width).

Blocks after Vaswani et al. 2017, arXiv:1706.03762, normalized before or after each of them (Xiong et al. 2020,
arXiv:2002.04745). Patches of several steps become one token, after Nie et al. 2023, arXiv:2211.14730, all channels
together; where every step wants a vector, every step is a token, at a cost that grows with the square of their number.

For 64 steps of 2 channels: 36,864 architectures, from 6,560 weights and 57 thousand MACs to 454 thousand weights and 31
million MACs; by default 40 thousand weights and 1.4 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import EPSILON, add_positions, transformer_block
from search_spaces.blocks import pool_steps
from search_spaces.sequence.blocks import ask_patch, embed_patches


class SeriesTransformer(keras_tuner.HyperModel):
    """A transformer for series of `input_shape`, (steps, channels).

    `features` is ``"vector"`` for one vector an example, ``"sequence"`` for one a step.
    """

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, steps, channels) -> (batch, width) or (batch, steps, width)."""
        patch = ask_patch(hp, self.input_shape[0], self.features)
        width = hp.Choice("width", [32, 48, 64, 96], default=48)
        depth = hp.Int("depth", 1, 4, default=2)
        heads = hp.Choice("heads", [1, 2, 4, 8], default=4)
        ratio = hp.Choice("mlp_ratio", [1, 2, 4], default=2)
        norm = hp.Choice("norm", ["pre", "post"], default="pre")
        position = hp.Choice("position", ["learned", "sine"], default="learned")
        dropout = hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.1)

        inputs = keras.Input(self.input_shape)
        x = embed_patches(inputs, width, patch, name="patches")
        x = add_positions(x, position)
        for block in range(1, depth + 1):
            x = transformer_block(
                x, heads=heads, ratio=ratio, activation="gelu", norm=norm, dropout=dropout, name=f"block{block}"
            )
        if norm == "pre":
            x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)
        if self.features == "vector":
            x = pool_steps(x, hp.Choice("pooling", ["mean", "max", "attention"], default="mean"))
        return keras.Model(inputs, x, name=self.name or "series_transformer")
