"""What encoders of users and items are made of: tables of embeddings, histories, dense layers."""

import keras
from keras import layers, ops

from search_spaces.attention import EPSILON, transformer_block
from search_spaces.blocks import PositionEmbedding, normalize
from search_spaces.vector.columns import CategoryEmbedding


def is_history(one):
    """Whether the input `one` is several ids in an order, of which 0 is padding."""
    return one.kind == "ids" and one.shape[0] > 1


def items_of(given, history):
    """Return the input of single items that the input `history` is a history of, or ``None``: it has as many names."""
    size = given[history].vocabulary
    alike = (name for name, one in given.items() if one.kind == "ids" and one.item and not is_history(one))
    return next((name for name in alike if given[name].vocabulary == size), None)


class Tables:
    """The embeddings of the ids in all inputs `given`, `width` wide: a layer each, made when it is first used.

    With `share`, a history has the table of the items that it is a history of.
    """

    def __init__(self, given, width, share=True):
        self._given, self._width, self._share = given, width, share
        self._made = {}

    def look_up(self, name, ids):
        """Return the vectors of the `ids` that are the input `name`: (batch, length) -> (batch, length, width)."""
        one = self._given[name]
        owner = (items_of(self._given, name) if self._share and is_history(one) else None) or name
        if owner not in self._made:
            self._made[owner] = layers.Embedding(one.vocabulary, self._width, name=f"{owner}_table")
        return self._made[owner](ids)

    def single(self, name, ids):
        """Return the vector of the only id that is the input `name`: (batch, 1) -> (batch, width)."""
        return layers.Flatten(name=f"{name}_embedding")(self.look_up(name, ids))


def facts(x, one, name):
    """Return what a vector says, as a list of tensors (batch, features): its numbers, and its categories embedded."""
    numbers = one.shape[0] - len(one.categories)
    parts = [x[:, :numbers]] if numbers and one.categories else [x] if numbers else []
    if one.categories:
        widths = [min(16, count) for count in one.categories]
        parts.append(CategoryEmbedding(one.categories, widths, name=f"{name}_categories")(x[:, numbers:]))
    return parts


def join(parts, name):
    """Return `parts` side by side."""
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=name)(parts)


def dense_layers(x, depth, hidden, activation, norm, dropout, name):
    """Return `x` behind `depth` dense layers of `hidden` units, each with normalization, activation and dropout."""
    for block in range(1, depth + 1):
        x = layers.Dense(hidden, use_bias=norm == "none", name=f"{name}_dense{block}")(x)
        x = normalize(x, norm, name=f"{name}_norm{block}")
        x = layers.Activation(activation, name=f"{name}_activation{block}")(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name=f"{name}_dropout{block}")(x)
    return x


def read_history(x, ids, reader, name, depth=1, heads=1, dropout=0.0):
    """Return what the embedded history `x` says: (batch, steps, width), ids (batch, steps) -> (batch, width).

    Args:
        x: The vectors of the items, the last one last.
        ids: Tells padding, 0.
        reader: ``"mean"``; ``"attention"``, a mean with trained weights; ``"gru"`` (Hidasi et al. 2015,
            arXiv:1511.06939); or ``"transformer"``, of which the last step is read (Kang and McAuley 2018,
            arXiv:1808.09781; there is no need of its causal mask, because no step predicts the one after it).
        name: The input's, for the names of layers.
        depth: How many layers a GRU or transformer has.
        heads: Of a transformer.
        dropout: Of a transformer.
    """
    width = x.shape[-1]
    present = Present(name=f"{name}_present")(ids)
    if reader == "mean":
        return MaskedMean(name=f"{name}_mean")([x, present])
    if reader == "attention":
        scores = layers.Dense(width, activation="tanh", name=f"{name}_look")(x)
        scores = layers.Dense(1, use_bias=False, name=f"{name}_scores")(scores)
        return MaskedMean(name=f"{name}_mean")([x, present, scores])
    if reader == "gru":
        for layer in range(1, depth + 1):
            x = layers.GRU(width, return_sequences=layer < depth, name=f"{name}_gru{layer}")(x, mask=present)
        return x
    x = PositionEmbedding(name=f"{name}_position")(x)
    for block in range(1, depth + 1):
        x = transformer_block(
            x, present, heads=heads, ratio=1, activation="relu", dropout=dropout, name=f"{name}_block{block}"
        )
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x[:, -1])


@keras.saving.register_keras_serializable(package="search_spaces")
class Present(layers.Layer):
    """Which steps of a history are there: ids (batch, steps) -> booleans of the same shape.

    Where none is, all are: what is read then is the vector of id 0, which is trained to stand for "nothing yet".
    """

    def call(self, ids):
        """Return whether each of `ids` is not 0, or all of them are."""
        there = ops.not_equal(ids, 0)
        nothing = ops.logical_not(ops.any(there, axis=1, keepdims=True))
        return ops.logical_or(there, nothing)

    def compute_output_spec(self, ids):
        """Return booleans of the shape of `ids`."""
        return keras.KerasTensor(ids.shape, dtype="bool")


@keras.saving.register_keras_serializable(package="search_spaces")
class MaskedMean(layers.Layer):
    """The mean of the steps that are there, weighted by the softmax of their scores if there are some.

    [x (batch, steps, width), present (batch, steps), maybe scores (batch, steps, 1)] -> (batch, width).
    """

    def call(self, inputs):
        """Return the mean of the first of `inputs`, in which the second says what counts."""
        x, present, *scores = inputs
        weights = ops.cast(ops.expand_dims(present, -1), x.dtype)
        if scores:
            weights = ops.softmax(ops.where(ops.expand_dims(present, -1), scores[0], -1e9), axis=1)
        return ops.sum(x * weights, axis=1) / ops.sum(weights, axis=1)

    def compute_output_shape(self, input_shape):
        """Return (batch, width)."""
        batch, _, width = input_shape[0]
        return (batch, width)
