"""Recurrent networks over tokens: (length,) tokens -> (features,), or one vector a token.

LSTM (Hochreiter and Schmidhuber 1997) or GRU (Cho et al. 2014, arXiv:1406.1078), in one direction or both (Schuster and
Paliwal 1997), stacked; the features are the last state, or the mean, the maximum or a weighted mean of all (Lin et al.
2017, arXiv:1703.03130). Padding is passed over: the state behind a text's last token is the last one.

For 64 tokens of 10,000, whose embeddings are the most of it: 3,456 architectures, from 322 thousand weights and 147
thousand MACs to 2.4 million weights and 71 million MACs; by default 690 thousand weights, 50 thousand of them behind
the embeddings, and 3.1 million MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.attention import pool
from search_spaces.text.blocks import embed, erase, tokens_in

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}


class TextRNN(keras_tuner.HyperModel):
    """A recurrent network for texts of `input_shape`, (length,), with tokens below `vocabulary`."""

    def __init__(self, input_shape, vocabulary, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape, self.vocabulary, self.features = tuple(input_shape), vocabulary, features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, length) -> (batch, features) or (batch, length, features)."""
        cell = hp.Choice("cell", ["gru", "lstm"], default="gru")
        embedding = hp.Choice("embedding", [32, 64, 128], default=64)
        width = hp.Choice("width", [16, 32, 64, 128], default=64)
        depth = hp.Int("depth", 1, 3, default=1)
        both_ways = hp.Boolean("bidirectional", default=True)
        pooling = (
            hp.Choice("pooling", ["last", "mean", "max", "attention"], default="max")
            if self.features == "vector"
            else None
        )
        dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.1)

        tokens, mask = tokens_in(*self.input_shape)
        x = embed(tokens, self.vocabulary, embedding)
        for block in range(1, depth + 1):
            if dropout > 0:
                x = layers.Dropout(dropout, name=f"block{block}_dropout")(x)
            # The last state of the way back is that of the first token: only the layer itself knows both.
            every_step = block < depth or pooling != "last"
            read = CELLS[cell](width, return_sequences=every_step, name=f"block{block}_{cell}")
            if both_ways:
                read = layers.Bidirectional(read, name=f"block{block}_bidirectional")
            x = read(x, mask=mask)
            if every_step:
                x = erase(x, mask)  # and with it Keras's mask, which not every head can take
        if pooling and pooling != "last":
            x = pool(x, pooling, mask)
        return keras.Model(tokens, x, name=self.name or "text_rnn")
