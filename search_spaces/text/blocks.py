"""What the families for texts share: tokens become vectors, and it is known which of them are padding."""

import keras
from keras import layers, ops

PADDING = 0


def tokens_in(length):
    """Return a new input of int32 tokens, (batch, length), and its mask: which of them are not padding."""
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    return tokens, ops.not_equal(tokens, PADDING)


def embed(tokens, vocabulary, width):
    """Return one trained vector for each token: (batch, length) -> (batch, length, width)."""
    return layers.Embedding(vocabulary, width, name="embedding")(tokens)


def erase(x, mask):
    """Return `x` with zeros where there is padding: what looks beyond a text's end finds nothing there."""
    return ops.multiply(x, ops.cast(mask, x.dtype)[:, :, None])
