"""Recurrent networks: (steps, channels) -> (units,), or (steps, units); twice as wide if they read both ways.

LSTM after Hochreiter and Schmidhuber 1997; GRU after Cho et al. 2014, arXiv:1406.1078; both directions after Schuster
and Paliwal 1997. A long series is read in patches of several steps, embedded to one, as frames of speech are in Sak et
al. 2015, arXiv:1507.06947: a network that takes as many steps as the series has is slow and forgets.

For 64 steps of 2 channels: 3,840 architectures, from 960 weights and 14 thousand MACs to 594 thousand weights and 33
million MACs; by default 50 thousand weights and 1.6 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import pool_steps
from search_spaces.sequence.blocks import ask_patch, embed_patches

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}


class SeriesRNN(keras_tuner.HyperModel):
    """A recurrent network for series of `input_shape`, (steps, channels).

    `features` is ``"vector"`` for one vector an example, ``"sequence"`` for one a step.
    """

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, steps, channels) -> (batch, width) or (batch, steps, width)."""
        patch = ask_patch(hp, self.input_shape[0], self.features)
        cell = hp.Choice("cell", ["gru", "lstm"], default="gru")
        units = hp.Choice("units", [16, 32, 64, 96], default=64)
        depth = hp.Int("depth", 1, 3, default=1)
        both = hp.Boolean("bidirectional", default=True)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        pooling = "none"
        if self.features == "vector":
            pooling = hp.Choice("pooling", ["last", "mean", "max", "attention"], default="last")

        inputs = x = keras.Input(self.input_shape)
        if patch > 1:
            x = embed_patches(x, units, patch, name="patches")
        for number in range(1, depth + 1):
            # The last state of a direction is what it makes of the whole series: for the one that reads backwards,
            # its state at the first step, not at the last.
            whole = pooling == "last" and number == depth
            layer = CELLS[cell](units, return_sequences=not whole, name=f"layer{number}")
            x = (layers.Bidirectional(layer, name=f"layer{number}") if both else layer)(x)
            if dropout > 0:
                x = layers.Dropout(dropout, name=f"layer{number}_dropout")(x)
        if pooling not in ("none", "last"):
            x = pool_steps(x, pooling)
        return keras.Model(inputs, x, name=self.name or "series_rnn")
