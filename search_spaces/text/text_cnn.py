"""Convolutions over tokens: (length,) tokens -> (features,), or one vector a token.

``"parallel"``: windows of several sizes side by side, one layer deep, after Kim 2014, arXiv:1408.5882.
``"residual"``: blocks of one size one after the other, the step within a window doubled from block to block where
``dilated``, so that a deep one sees a whole text, after Bai, Kolter and Koltun 2018, arXiv:1803.01271, but looking
both ways. Padding is erased before every convolution: a text gives the same features whatever length it is padded to.

For 64 tokens of 10,000, whose embeddings are the most of it: 24,768 architectures, from 321 thousand weights and 66
thousand MACs to 2.0 million weights and 44 million MACs; by default 677 thousand weights, 37 thousand of them behind
the embeddings, and 2.4 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import pool
from search_spaces.text.blocks import embed, erase, tokens_in


class TextCNN(keras_tuner.HyperModel):
    """A convolutional network for texts of `input_shape`, (length,), with tokens below `vocabulary`."""

    def __init__(self, input_shape, vocabulary, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape, self.vocabulary, self.features = tuple(input_shape), vocabulary, features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, length) -> (batch, features) or (batch, length, features)."""
        style = hp.Choice("style", ["parallel", "residual"], default="parallel")
        width = hp.Choice("embedding", [32, 64, 128], default=64)
        filters = hp.Choice("filters", [32, 64, 96, 128], default=64)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        pooling = (
            hp.Choice("pooling", ["max", "mean", "mean+max", "attention"], default="max")
            if self.features == "vector"
            else None
        )
        dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.1)

        (length,) = self.input_shape
        tokens, mask = tokens_in(length)
        x = erase(embed(tokens, self.vocabulary, width), mask)
        if style == "parallel":
            smallest = hp.Int("smallest_window", 1, min(4, length), default=min(2, length)) if length > 1 else 1
            largest = smallest + hp.Int("windows", 1, 4, default=3) - 1
            windows = range(smallest, min(largest, length) + 1)
            found = [
                layers.Conv1D(filters, window, padding="same", activation=activation, name=f"window{window}")(x)
                for window in windows
            ]
            x = layers.Concatenate(name="windows")(found) if len(found) > 1 else found[0]
        else:
            kernel = hp.Choice("kernel", [3, 5, 7], default=3)
            depth = hp.Int("depth", 1, 5, default=2)
            dilated = hp.Boolean("dilated", default=True) if depth > 1 else False
            x = layers.Dense(filters, name="widen")(x)
            for block in range(depth):
                dilation = 2**block if dilated else 1
                x = residual(x, mask, kernel, dilation, activation, dropout, name=f"block{block + 1}")
            x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
        if pooling:
            x = pool(x, pooling, mask)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(tokens, x, name=self.name or "text_cnn")


def residual(x, mask, kernel, dilation, activation, dropout, name):
    """Return `x` plus what a normalization, a convolution and a dense layer make of it."""
    filters = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
    y = erase(y, mask)
    y = layers.Conv1D(
        filters, kernel, padding="same", dilation_rate=dilation, activation=activation, name=f"{name}_conv"
    )(y)
    y = layers.Dense(filters, name=f"{name}_dense")(y)
    if dropout > 0:
        y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
    return layers.Add(name=f"{name}_add")([x, y])
