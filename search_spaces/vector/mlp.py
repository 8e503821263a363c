"""Multi-layer perceptrons: (features,) -> (width,). Images and the like are flattened first.

Dense layers of one width, with residual connections where asked for, after Gorishniy et al. 2021, arXiv:2106.11959
(MLP and ResNet for tables); categories are embedded, and numbers may be, periodically, after Gorishniy et al. 2022,
arXiv:2203.05556.

For 64 numbers: 12,150 architectures, from 1,040 weights and as many MACs to 416 thousand weights and 410 thousand MACs;
by default 26 thousand weights and 25 thousand MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import normalize
from search_spaces.vector.columns import ask_numbers, side_by_side


class MLP(keras_tuner.HyperModel):
    """A multi-layer perceptron for examples of `input_shape`, (features,) or anything that is to be flattened.

    The last ``len(categories)`` features are categories, of so many values each.
    """

    def __init__(self, input_shape, categories=(), name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.categories = tuple(categories)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, …) -> (batch, width)."""
        width = hp.Choice("width", [16, 32, 64, 128, 256], default=128)
        depth = hp.Int("depth", 1, 5, default=2)
        activation = hp.Choice("activation", ["relu", "gelu", "tanh"], default="relu")
        norm = hp.Choice("norm", ["batch", "layer", "none"], default="batch")
        dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.1)
        scale = ask_numbers(hp, self.input_shape, self.categories)
        residual = hp.Boolean("residual", default=False) if depth > 1 else False

        inputs = x = keras.Input(self.input_shape)
        if len(self.input_shape) > 1:
            x = layers.Flatten(name="flatten")(x)
        x = side_by_side(x, self.categories, scale)
        for block in range(1, depth + 1):
            before = x
            x = layers.Dense(width, use_bias=norm == "none", name=f"block{block}_dense")(x)
            x = normalize(x, norm, name=f"block{block}_norm")
            x = layers.Activation(activation, name=f"block{block}_activation")(x)
            if dropout > 0:
                x = layers.Dropout(dropout, name=f"block{block}_dropout")(x)
            if residual and block > 1:
                x = layers.Add(name=f"block{block}_add")([before, x])
        return keras.Model(inputs, x, name=self.name or "mlp")
