"""Conformers over log-mel spectrograms, scaled down: (samples,) -> (features,), or (steps, features).

Convolutions that halve time and frequency, then blocks of two half-step feed-forward modules around self-attention
and a convolution module: Gulati et al. 2020, arXiv:2005.08100. Positions are a trained vector for each step, or none
(the convolution modules tell what is next to what), instead of relative ones within attention.

For one second at 8 kHz, as a vector: 133 million architectures, 1,800 spectrograms among them, from 15 thousand weights
and 406 thousand MACs to 946 thousand weights and 39 million MACs; by default 84 thousand weights and 2.2 million MACs.
"""

import keras
from keras import layers

from search_spaces.audio.blocks import SoundEncoder, as_map, as_steps, convolve_map
from search_spaces.audio.front_end import log_mel
from search_spaces.blocks import PositionEmbedding, normalize, pool_steps


class Conformer(SoundEncoder):
    """Attention and convolution over the steps of a sound."""

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, samples) -> (batch, features) or (batch, steps, features)."""
        inputs = keras.Input(self.input_shape)
        x, hop = log_mel(hp, inputs, self.sample_rate, self.features)
        channels = hp.Choice("subsampling_channels", [8, 16, 24, 32], default=16)
        width = hp.Choice("width", [32, 48, 64, 96], default=48)
        blocks = hp.Int("blocks", 1, 4, default=2)
        heads = hp.Choice("heads", [1, 2, 4, 8], default=4)
        kernel = hp.Choice("kernel", [5, 9, 15, 31], default=9)
        ratio = hp.Choice("mlp_ratio", [1, 2, 4], default=2)
        position = hp.Choice("position", ["learned", "none"], default="learned")
        dropout = hp.Float("dropout", 0.0, 0.3, step=0.1, default=0.0)
        pooling = self.ask_pooling(hp)

        halvings = self.halvings(x.shape[1], hop)
        x = as_map(x)
        for layer in (1, 2):
            stride = (2 if layer <= halvings else 1, 2)
            x = convolve_map(x, channels, 3, "relu", name=f"subsampling{layer}", stride=stride)
        x = layers.Dense(width, name="project")(as_steps(x))
        if position == "learned":
            x = PositionEmbedding(name="position")(x)
        for block in range(1, blocks + 1):
            x = feed_forward(x, ratio, dropout, name=f"block{block}_before")
            x = attend(x, heads, dropout, name=f"block{block}_attention")
            x = convolve_steps(x, kernel, dropout, name=f"block{block}_convolution")
            x = feed_forward(x, ratio, dropout, name=f"block{block}_after")
            x = layers.LayerNormalization(epsilon=1e-6, name=f"block{block}_norm")(x)
        return keras.Model(inputs, pool_steps(x, pooling), name=self.name or "conformer")


def feed_forward(x, ratio, dropout, name):
    """Each step by itself, added with half its weight: section 2.3 of the paper."""
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
    y = layers.Dense(ratio * x.shape[-1], activation="silu", name=f"{name}_dense1")(y)
    y = layers.Dense(x.shape[-1], name=f"{name}_dense2")(drop(y, dropout, name=f"{name}_dropout1"))
    y = layers.Rescaling(0.5, name=f"{name}_half")(drop(y, dropout, name=f"{name}_dropout2"))
    return layers.Add(name=f"{name}_add")([x, y])


def attend(x, heads, dropout, name):
    """Every step looks at every other one: section 2.1."""
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
    y = layers.MultiHeadAttention(heads, x.shape[-1] // heads, name=name)(y, y)
    return layers.Add(name=f"{name}_add")([x, drop(y, dropout, name=f"{name}_dropout")])


def convolve_steps(x, kernel, dropout, name):
    """A gate, then each feature over `kernel` steps by itself: section 2.2."""
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
    values = layers.Dense(width, name=f"{name}_values")(y)
    gates = layers.Dense(width, activation="sigmoid", name=f"{name}_gates")(y)
    y = layers.Multiply(name=f"{name}_gated")([values, gates])
    y = layers.DepthwiseConv1D(kernel, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = normalize(y, "batch", name=f"{name}_batch_norm")
    y = layers.Activation("silu", name=f"{name}_activation")(y)
    y = drop(layers.Dense(width, name=f"{name}_mix")(y), dropout, name=f"{name}_dropout")
    return layers.Add(name=f"{name}_add")([x, y])


def drop(x, rate, name):
    """Return `x` under dropout, where there is any."""
    return layers.Dropout(rate, name=name)(x) if rate > 0 else x
