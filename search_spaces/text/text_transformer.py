"""Transformers over tokens: (length,) tokens -> (features,), or one vector a token.

Encoders after BERT (Devlin et al. 2018, arXiv:1810.04805), small enough to be trained from nothing: normalization
before or after each part (Xiong et al. 2020, arXiv:2002.04745), positions that are learned, sines or rotary (Su et al.
2021, arXiv:2104.09864), feed-forward layers with or without a gate (Shazeer 2020, arXiv:2002.05202). The features are
the mean of all tokens, a weighted mean (Lin et al. 2017, arXiv:1703.03130), or a token of their own, as in BERT.

For 64 tokens of 10,000, whose embeddings are the most of it: 55,296 architectures, from 327 thousand weights and 653
thousand MACs to 2.1 million weights and 56 million MACs; by default 711 thousand weights, 71 thousand of them behind
the embeddings, and 5.2 million MACs.
"""

import keras
import keras_tuner
from keras import layers, ops

from search_spaces.attention import ACTIVATIONS, EPSILON, POSITIONS, add_positions, pool, transformer_block
from search_spaces.blocks import ClassToken
from search_spaces.text.blocks import embed, tokens_in


class TextTransformer(keras_tuner.HyperModel):
    """A Transformer for texts of `input_shape`, (length,), with tokens below `vocabulary`."""

    def __init__(self, input_shape, vocabulary, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape, self.vocabulary, self.features = tuple(input_shape), vocabulary, features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, length) -> (batch, width) or (batch, length, width)."""
        width = hp.Choice("width", [32, 64, 96, 128], default=64)
        depth = hp.Int("depth", 1, 4, default=2)
        heads = hp.Choice("heads", [1, 2, 4, 8], default=4)
        ratio = hp.Choice("mlp_ratio", [1, 2, 4], default=2)
        activation = hp.Choice("activation", ACTIVATIONS, default="gelu")
        norm = hp.Choice("norm", ["pre", "post"], default="pre")
        position = hp.Choice("position", POSITIONS, default="learned")
        pooling = (
            hp.Choice("pooling", ["mean", "attention", "token"], default="mean") if self.features == "vector" else None
        )
        dropout = hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.1)

        tokens, mask = tokens_in(*self.input_shape)
        # Embeddings are small at first, sines are not: scaled as in Vaswani et al. 2017, arXiv:1706.03762, section 3.4.
        x = layers.Rescaling(width**0.5, name="scale")(embed(tokens, self.vocabulary, width))
        x = add_positions(x, position)
        if pooling == "token":
            x = ClassToken(name="class_token")(x)
            mask = ops.pad(mask, [[0, 0], [1, 0]], constant_values=True)
        if norm == "post":
            x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        for block in range(1, depth + 1):
            x = transformer_block(
                x,
                mask,
                heads=heads,
                ratio=ratio,
                activation=activation,
                norm=norm,
                rotary=position == "rotary",
                dropout=dropout,
                name=f"block{block}",
            )
        if norm == "pre":
            x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)
        if pooling:
            x = pool(x, "first" if pooling == "token" else pooling, mask)
        return keras.Model(tokens, x, name=self.name or "text_transformer")
