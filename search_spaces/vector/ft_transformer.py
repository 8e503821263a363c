"""Transformers over the columns of a table: (features,) -> (width,).

Every column is a token, a class token reads them through pre-norm blocks: FT-Transformer after Gorishniy et al. 2021,
arXiv:2106.11959, section 3.3, with the gated layer ReGLU (Shazeer 2020, arXiv:2002.05202); numbers may be embedded
periodically, after Gorishniy et al. 2022, arXiv:2203.05556. Columns have no order. What it costs grows with the square
of their number.

For 64 numbers: 7,680 architectures, from 3,760 weights and 236 thousand MACs to 800 thousand weights and 42 million
MACs; by default 25 thousand weights and 1.9 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import EPSILON, SelfAttention, feed_forward, residual
from search_spaces.blocks import ClassToken
from search_spaces.vector.columns import ask_numbers, column_tokens


class FTTransformer(keras_tuner.HyperModel):
    """A transformer for tables of `input_shape`, (features,).

    The last ``len(categories)`` features are categories, of so many values each.
    """

    def __init__(self, input_shape, categories=(), name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.categories = tuple(categories)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, features) -> (batch, width)."""
        width = hp.Choice("width", [16, 32, 64, 96], default=32)
        depth = hp.Int("depth", 1, 4, default=2)
        heads = hp.Choice("heads", [1, 2, 4, 8], default=4)
        ratio = hp.Choice("mlp_ratio", [1, 2, 4], default=2)
        activation = hp.Choice("activation", ["reglu", "gelu"], default="reglu")
        dropout = hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.1)
        scale = ask_numbers(hp, self.input_shape, self.categories)

        inputs = keras.Input(self.input_shape)
        x = column_tokens(inputs, self.categories, width, scale)
        x = ClassToken(name="class_token")(x)
        for block in range(1, depth + 1):
            # The tokens of the first block are not normalized: that is easier to train, as the paper found.
            x = column_block(x, heads, ratio * width, activation, dropout, normalized=block > 1, name=f"block{block}")
        x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x[:, 0])
        return keras.Model(inputs, layers.Activation("relu", name="activation")(x), name=self.name or "ft_transformer")


def column_block(x, heads, inner, activation, dropout, normalized, name):
    """Every column looks at every other one, then is transformed by itself.

    Dropout is where the paper has it: of what a column looks at, and between the two dense layers.
    """
    attention = SelfAttention(heads, dropout=dropout, name=f"{name}_attention")

    def transform(y):
        return feed_forward(y, inner, activation, dropout, name=f"{name}_mlp")

    x = residual(x, attention, "pre" if normalized else "none", name=f"{name}_attention")
    return residual(x, transform, "pre", name=f"{name}_mlp")
