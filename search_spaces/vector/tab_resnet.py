"""Residual networks for tables: (features,) -> (width,).

Blocks of two dense layers with the normalization in front, two rates of dropout, after Gorishniy et al. 2021,
arXiv:2106.11959, section 3.2; categories are embedded, and numbers may be, periodically, after Gorishniy et al. 2022,
arXiv:2203.05556.

For 64 numbers: 43,200 architectures, from 1,648 weights and 1,536 MACs to 3.3 million weights and as many MACs; by
default 38 thousand weights and 37 thousand MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize
from search_spaces.vector.columns import ask_numbers, side_by_side


class TabResNet(keras_tuner.HyperModel):
    """A residual network for tables of `input_shape`, (features,).

    The last ``len(categories)`` features are categories, of so many values each.
    """

    def __init__(self, input_shape, categories=(), name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.categories = tuple(categories)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, features) -> (batch, width)."""
        width = hp.Choice("width", [16, 32, 64, 128, 256], default=64)
        depth = hp.Int("depth", 1, 6, default=2)
        expansion = hp.Choice("expansion", [1, 2, 4], default=2)
        norm = hp.Choice("norm", ["batch", "layer"], default="batch")
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        hidden_dropout = hp.Float("hidden_dropout", 0.0, 0.5, step=0.1, default=0.2)
        residual_dropout = hp.Float("residual_dropout", 0.0, 0.3, step=0.1, default=0.0)
        scale = ask_numbers(hp, self.input_shape, self.categories)

        inputs = keras.Input(self.input_shape)
        x = layers.Dense(width, name="stem")(side_by_side(inputs, self.categories, scale))
        for block in range(1, depth + 1):
            name = f"block{block}"
            y = normalize(x, norm, name=f"{name}_norm")
            y = layers.Dense(expansion * width, activation, name=f"{name}_dense1")(y)
            if hidden_dropout > 0:
                y = layers.Dropout(hidden_dropout, name=f"{name}_dropout1")(y)
            y = layers.Dense(width, name=f"{name}_dense2")(y)
            if residual_dropout > 0:
                y = layers.Dropout(residual_dropout, name=f"{name}_dropout2")(y)
            x = layers.Add(name=f"{name}_add")([x, y])
        x = layers.Activation(activation, name="activation")(normalize(x, norm, name="norm"))
        return keras.Model(inputs, x, name=self.name or "tab_resnet")
