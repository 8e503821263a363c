"""Convolutional-recurrent networks over log-mel spectrograms: (samples,) -> (features,), or (steps, features).

Convolutions summarise frequency and neighbouring frames, a recurrent network what comes one after another: Choi et
al. 2017, arXiv:1609.04243, and Çakır et al. 2017, arXiv:1702.06286. Between stages bands are halved, and frames as
long as there are enough.

For one second at 8 kHz, as a vector: 484 million architectures, 1,800 spectrograms among them, from 7 thousand weights
and 676 thousand MACs to 1.3 million weights (four stages: 225 million MACs); by default 75 thousand weights and 5.7
million MACs.
"""

import keras
from keras import layers

from search_spaces.audio.blocks import SoundEncoder, as_map, as_steps, convolve_map
from search_spaces.audio.front_end import log_mel
from search_spaces.blocks import pool_steps

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}


class CRNN(SoundEncoder):
    """Convolutions over the spectrogram of a sound, then recurrence over time."""

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, samples) -> (batch, features) or (batch, steps, features)."""
        inputs = keras.Input(self.input_shape)
        x, hop = log_mel(hp, inputs, self.sample_rate, self.features)
        stages = hp.Int("stages", 2, 4, default=3)
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=16)
        activation = hp.Choice("activation", ["relu", "elu"], default="relu")
        cell = hp.Choice("cell", ["gru", "lstm"], default="gru")
        units = hp.Choice("units", [16, 24, 32, 48, 64, 96], default=48)
        depth = hp.Int("recurrent_layers", 1, 2, default=1)
        both_ways = hp.Boolean("bidirectional", default=True)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        pooling = self.ask_pooling(hp, "last")

        halvings = self.halvings(x.shape[1], hop)
        x = as_map(x)
        for stage in range(1, stages + 1):
            kernel = hp.Choice(f"stage{stage}_kernel", [3, 5], default=3)
            x = convolve_map(x, width * (1 + (stage > 1)), kernel, activation, name=f"stage{stage}")
            halve = (2 if stage <= halvings else 1, 2)
            x = layers.MaxPooling2D(halve, padding="same", name=f"stage{stage}_downsample")(x)
        x = as_steps(x)
        for layer in range(1, depth + 1):
            if dropout > 0:
                x = layers.Dropout(dropout, name=f"recurrent{layer}_dropout")(x)
            last = pooling == "last" and layer == depth
            x = recur(x, cell, units, both_ways, steps=not last, name=f"recurrent{layer}")
        x = pool_steps(x, None if pooling == "last" else pooling)
        return keras.Model(inputs, x, name=self.name or "crnn")


def recur(x, cell, units, both_ways, steps, name):
    """A recurrent layer over `x`, (batch, steps, width): the state at every step, or the last one alone."""
    layer = CELLS[cell](units, return_sequences=steps, name=name)
    return layers.Bidirectional(layer, name=f"{name}_both_ways")(x) if both_ways else layer(x)
