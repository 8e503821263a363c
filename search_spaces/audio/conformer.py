"""Conformers over log-mel spectrograms, scaled down: (samples,) -> (features,), or (steps, features).

Convolutions that halve time and frequency, then blocks of two half-step feed-forward modules around self-attention
and a convolution module: Gulati et al. 2020, arXiv:2005.08100. Positions are a trained vector for each step, or none
(the convolution modules tell what is next to what), instead of relative ones within attention.

For one second at 8 kHz, as a vector: 133 million architectures, 1,800 spectrograms among them, from 15 thousand weights
and 406 thousand MACs to 946 thousand weights and 39 million MACs; by default 84 thousand weights and 2.2 million MACs.
"""

import keras
from keras import layers

from search_spaces.attention import EPSILON, SelfAttention, feed_forward, residual
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
            x = half_step(x, ratio, dropout, name=f"block{block}_before")
            x = attend(x, heads, dropout, name=f"block{block}_attention")
            x = convolve_steps(x, kernel, dropout, name=f"block{block}_convolution")
            x = half_step(x, ratio, dropout, name=f"block{block}_after")
            x = layers.LayerNormalization(epsilon=EPSILON, name=f"block{block}_norm")(x)
        return keras.Model(inputs, pool_steps(x, pooling), name=self.name or "conformer")


def half_step(x, ratio, dropout, name):
    """Each step by itself, added with half its weight: section 2.3 of the paper."""

    def transform(y):
        y = feed_forward(y, ratio * x.shape[-1], "silu", dropout, name=name)
        return layers.Rescaling(0.5, name=f"{name}_half")(y)

    return residual(x, transform, "pre", dropout, name=name)


def attend(x, heads, dropout, name):
    """Every step looks at every other one: section 2.1."""
    return residual(x, SelfAttention(heads, name=name), "pre", dropout, name=name)


def convolve_steps(x, kernel, dropout, name):
    """A gate, then each feature over `kernel` steps by itself: section 2.2."""
    width = x.shape[-1]

    def convolve(y):
        values = layers.Dense(width, name=f"{name}_values")(y)
        gates = layers.Dense(width, activation="sigmoid", name=f"{name}_gates")(y)
        y = layers.Multiply(name=f"{name}_gated")([values, gates])
        y = layers.DepthwiseConv1D(kernel, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
        y = normalize(y, "batch", name=f"{name}_batch_norm")
        y = layers.Activation("silu", name=f"{name}_activation")(y)
        return layers.Dense(width, name=f"{name}_mix")(y)

    return residual(x, convolve, "pre", dropout, name=name)
