"""What a table's columns become: numbers as they are or as periodic embeddings, categories as trained vectors.

An example is (features,): numbers first, then one column for each entry of `categories`, whose values are whole numbers
from 0 (a category that was not there to train on) to the entry - 1.
"""

import math

import keras
from keras import layers, ops

FREQUENCIES = 16
"""Of a periodic embedding, for each number."""
PERIODIC_WIDTH = 8
"""Of what is made of them, where columns are put side by side."""
MOST_PERIODIC = 128
"""Numbers a table may have for periodic embeddings to be a choice: they make each of them several times as wide."""


def ask_numbers(hp, input_shape, categories):
    """Return how numbers enter, a choice where they are not too many: ``None``, as they are, or a scale of frequencies.

    The scale is the standard deviation of the frequencies of a `PeriodicEmbedding`, its most important parameter.
    """
    if len(input_shape) > 1 or not 0 < input_shape[0] - len(categories) <= MOST_PERIODIC:
        return None
    if hp.Choice("numbers", ["plain", "periodic"], default="plain") == "plain":
        return None
    return hp.Choice("frequency_scale", [0.03, 0.1, 0.3, 1.0], default=0.1)


def side_by_side(x, categories, scale):
    """Return all columns as one vector: (batch, features) -> (batch, width), numbers first.

    Categories are embedded, each as wide as its number of values asks for; numbers are embedded if there is a `scale`.
    """
    numbers, ids = split_columns(x, categories)
    parts = []
    if numbers is not None and scale is not None:
        numbers = layers.Flatten(name="number_columns")(number_vectors(numbers, PERIODIC_WIDTH, scale))
    if numbers is not None:
        parts.append(numbers)
    if ids is not None:
        widths = [embedding_width(count) for count in categories]
        parts.append(CategoryEmbedding(categories, widths, name="categories")(ids))
    return layers.Concatenate(name="columns")(parts) if len(parts) > 1 else parts[0]


def column_tokens(x, categories, width, scale):
    """Return a vector for each column: (batch, features) -> (batch, features, width), numbers first.

    Source: Gorishniy et al. 2021, arXiv:2106.11959, section 3.3, the feature tokenizer.
    """
    numbers, ids = split_columns(x, categories)
    parts = []
    if numbers is not None:
        parts.append(number_vectors(numbers, width, scale))
    if ids is not None:
        vectors = CategoryEmbedding(categories, [width] * len(categories), name="categories")(ids)
        vectors = layers.Reshape((len(categories), width), name="category_vectors")(vectors)
        parts.append(ColumnBias(name="category_bias")(vectors))
    return layers.Concatenate(axis=1, name="columns")(parts) if len(parts) > 1 else parts[0]


def split_columns(x, categories):
    """Return the numbers and the categories of (batch, features) apart; ``None`` for what there is none of."""
    numbers = x.shape[-1] - len(categories)
    if not categories:
        return x, None
    return (x[:, :numbers] if numbers else None), x[:, numbers:]


def number_vectors(numbers, width, scale=None):
    """Return a vector for each number, with weights of its own: (batch, numbers) -> (batch, numbers, width).

    Linear in the number, or, with a `scale`, a periodic embedding, a dense layer for each number, and ReLU.
    """
    shape = (numbers.shape[-1], width)
    if scale is None:
        return layers.EinsumDense(
            "bn,nd->bnd",
            output_shape=shape,
            bias_axes="nd",
            kernel_initializer=uniform(width),
            bias_initializer=uniform(width),
            name="numbers",
        )(numbers)
    waves = PeriodicEmbedding(FREQUENCIES, scale, name="waves")(numbers)
    return layers.EinsumDense(
        "bnk,nkd->bnd",
        output_shape=shape,
        activation="relu",
        bias_axes="nd",
        kernel_initializer=uniform(2 * FREQUENCIES),  # Glorot's would count the columns in
        name="numbers",
    )(waves)


def uniform(width):
    """Return an initializer with the bounds ±1/√width."""
    return keras.initializers.RandomUniform(-(width**-0.5), width**-0.5)


def embedding_width(count):
    """Return how wide a category of `count` values is embedded: fastai's rule of thumb, min(600, 1.6 · count^0.56).

    Source: Howard and Gugger 2020, arXiv:2002.04688; ``fastai.tabular.model.emb_sz_rule``.

    Example:
        >>> [embedding_width(count) for count in (2, 3, 10, 1000)]
        [2, 3, 6, 77]
    """
    return min(600, round(1.6 * count**0.56))


@keras.saving.register_keras_serializable(package="search_spaces")
class CategoryEmbedding(layers.Layer):
    """Looks up a trained vector for each category and puts them side by side: (batch, columns) -> (batch, Σ widths).

    Value 0, which training does not have, is a vector of zeros: there is nothing to learn of it. Values beyond the
    last, which should not be, are taken for it too.

    Args:
        counts: How many values each column has, 0 among them.
        widths: How wide each column is embedded.
    """

    def __init__(self, counts, widths, **kwargs):
        super().__init__(**kwargs)
        self.counts, self.widths = tuple(counts), tuple(widths)

    def build(self, input_shape):
        """Make a table for each column, (count - 1, width)."""
        self.tables = [
            self.add_weight(
                shape=(max(1, count - 1), width),
                initializer=keras.initializers.RandomNormal(stddev=width**-0.5),
                name=f"table{column}",
            )
            for column, (count, width) in enumerate(zip(self.counts, self.widths, strict=True))
        ]

    def call(self, inputs):
        """Return the vectors of all columns of `inputs`, whole numbers of any dtype."""
        ids = ops.cast(inputs, "int32")
        vectors = []
        for column, (table, count) in enumerate(zip(self.tables, self.counts, strict=True)):
            one = ids[:, column : column + 1]
            known = ops.logical_and(one > 0, one < count)
            found = ops.take(table, ops.where(known, one - 1, 0)[:, 0], axis=0)
            vectors.append(found * ops.cast(known, found.dtype))
        return ops.concatenate(vectors, axis=-1)

    def compute_output_shape(self, input_shape):
        """Return (batch, Σ widths)."""
        return (input_shape[0], sum(self.widths))

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "counts": self.counts, "widths": self.widths}


@keras.saving.register_keras_serializable(package="search_spaces")
class ColumnBias(layers.Layer):
    """Adds a trained vector of its own to each column: (batch, columns, width) -> the same shape."""

    def build(self, input_shape):
        """Make the vectors, (columns, width)."""
        self.bias = self.add_weight(shape=input_shape[1:], initializer=uniform(input_shape[-1]), name="bias")

    def call(self, inputs):
        """Return `inputs` plus the vector of each column."""
        return inputs + self.bias

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape


@keras.saving.register_keras_serializable(package="search_spaces")
class PeriodicEmbedding(layers.Layer):
    """Sines and cosines of each number with trained frequencies: (batch, numbers) -> (batch, numbers, 2 × frequencies).

    Args:
        frequencies: How many each number has, of its own.
        scale: The standard deviation they are drawn with.

    Source: Gorishniy et al. 2022, arXiv:2203.05556, section 3.3.
    """

    def __init__(self, frequencies, scale, **kwargs):
        super().__init__(**kwargs)
        self.frequencies, self.scale = frequencies, scale

    def build(self, input_shape):
        """Make the frequencies, (numbers, frequencies)."""
        normal = keras.initializers.RandomNormal(stddev=self.scale)
        self.coefficients = self.add_weight(
            shape=(input_shape[-1], self.frequencies), initializer=normal, name="coefficients"
        )

    def call(self, inputs):
        """Return the waves of each number."""
        angles = 2 * math.pi * self.coefficients * ops.expand_dims(inputs, -1)
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return (batch, numbers, 2 × frequencies)."""
        return (*input_shape, 2 * self.frequencies)

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "frequencies": self.frequencies, "scale": self.scale}
