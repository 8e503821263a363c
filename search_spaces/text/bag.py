"""Bags of embeddings: (length,) tokens -> (features,), or one vector a token.

A vector for each token, their mean or maximum, and up to two dense layers: without them as in fastText (Joulin et al.
2016, arXiv:1607.01759), with them a deep averaging network (Iyyer et al. 2015, "Deep unordered composition rivals
syntactic methods for text classification"), whose dropout of whole tokens is here as well. What every other family has
to beat: it does not see the order of tokens.

For 64 tokens of 10,000, whose embeddings are the most of it: 10,875 architectures, from 160 thousand weights and no
MACs to 2.8 million weights and 197 thousand MACs; by default 644 thousand weights, all but 4,160 of them embeddings,
and 4,096 MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import pool
from search_spaces.text.blocks import embed, tokens_in


class Bag(keras_tuner.HyperModel):
    """A bag of embeddings of texts of `input_shape`, (length,), with tokens below `vocabulary`."""

    def __init__(self, input_shape, vocabulary, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape, self.vocabulary, self.features = tuple(input_shape), vocabulary, features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, length) -> (batch, features) or (batch, length, features)."""
        width = hp.Choice("embedding", [16, 32, 64, 128, 256], default=64)
        pooling = (
            hp.Choice("pooling", ["mean", "max", "mean+max"], default="mean") if self.features == "vector" else None
        )
        depth = hp.Int("depth", 0, 2, default=1)
        word_dropout = hp.Float("word_dropout", 0.0, 0.4, step=0.1, default=0.1)
        hidden = hp.Choice("hidden", [32, 64, 128, 256], default=64) if depth else None
        activation = hp.Choice("activation", ["relu", "gelu", "tanh"], default="relu") if depth else None
        dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.0) if depth else 0.0

        tokens, mask = tokens_in(*self.input_shape)
        x = embed(tokens, self.vocabulary, width)
        if word_dropout > 0:
            whole = (None, self.input_shape[0], 1)
            x = layers.Dropout(word_dropout, noise_shape=whole, name="word_dropout")(x)
        if pooling:
            x = pool(x, pooling, mask)
        for block in range(1, depth + 1):
            x = layers.Dense(hidden, activation=activation, name=f"block{block}_dense")(x)
            if dropout > 0:
                x = layers.Dropout(dropout, name=f"block{block}_dropout")(x)
        return keras.Model(tokens, x, name=self.name or "bag")
