"""What several families are made of: a size rule, inputs and norms by name, and the layers Keras does not have."""

import keras
from keras import layers, ops

SMALLEST_MAP = 4
"""No stage sees a map with a side below this: a 3×3 kernel would look at more padding than picture."""

MOMENTUM = 0.9
"""Of batch normalization's running means. With Keras's 0.99 the first epochs on a small data set (fewer than some 300
steps) are evaluated with means that have not arrived yet: good candidates would look like chance and be pruned."""


def stages_that_fit(input_shape, most=4):
    """Return how many stages an image of `input_shape` allows (1 to `most`), each halving the map of the one before.

    Example:
        >>> [stages_that_fit((side, side, 1)) for side in (6, 8, 28, 32)]
        [1, 2, 3, 4]
    """
    side, stages = min(input_shape[:2]), 1
    while stages < most and side // 2 >= SMALLEST_MAP:
        side, stages = side // 2, stages + 1
    return stages


def named_inputs(inputs):
    """Return a new symbolic input for each of `inputs`, by name: a model made of them is fed with a dict."""
    return {name: keras.Input(given.shape, dtype=given.dtype, name=name) for name, given in inputs.items()}


def normalize(x, norm, name=None):
    """Return `x` under the normalization called `norm`: ``"batch"``, ``"layer"`` or ``"none"``."""
    if norm == "batch":
        return layers.BatchNormalization(momentum=MOMENTUM, name=name)(x)
    if norm == "layer":
        return layers.LayerNormalization(name=name)(x)
    if norm == "none":
        return x
    raise ValueError(f"norm must be 'batch', 'layer' or 'none'. Received: {norm!r}.")


def pool_steps(x, pooling, name="pool"):
    """Return a vector of the steps of `x`, (batch, steps, width) -> (batch, width); `x` itself for ``None``.

    ``"mean"``, ``"max"`` and ``"last"`` are what they say. ``"attention"`` is a mean in which every step weighs what a
    trained score says of it: Lin et al. 2017, arXiv:1703.03130, section 2.1, with one row and no hidden layer. None of
    them knows of padding: for texts see `search_spaces.attention.pool`.
    """
    if pooling is None:
        return x
    if pooling == "mean":
        return layers.GlobalAveragePooling1D(name=name)(x)
    if pooling == "max":
        return layers.GlobalMaxPooling1D(name=name)(x)
    if pooling == "last":
        return x[:, -1]
    if pooling == "attention":
        scores = layers.Dense(1, use_bias=False, name=f"{name}_scores")(x)
        weights = layers.Softmax(axis=1, name=f"{name}_weights")(scores)
        pooled = layers.Dot(axes=(1, 1), name=f"{name}_sum")([weights, x])
        return layers.Reshape((x.shape[-1],), name=name)(pooled)
    raise ValueError(f"pooling must be 'mean', 'max', 'last' or 'attention'. Received: {pooling!r}.")


def rising_rates(rate, blocks):
    """Return how often each of so many residual branches is dropped: rising linearly to `rate`, that of the last.

    The first layers find what all others build on; the last ones can be spared more easily.

    Source: Huang et al. 2016, arXiv:1603.09382, section 3.

    Example:
        >>> rising_rates(0.2, 4)
        [0.05, 0.1, 0.15, 0.2]
    """
    return [round(rate * block / blocks, 6) for block in range(1, blocks + 1)]


def drop_branch(x, rate, name=None):
    """Return the residual branch `x` under stochastic depth; `x` itself where `rate` is 0."""
    return StochasticDepth(rate, name=name)(x) if rate > 0 else x


@keras.saving.register_keras_serializable(package="search_spaces")
class StochasticDepth(layers.Layer):
    """Drops the whole of an example, in training: (batch, …) -> the same shape. Put it at the end of a residual branch.

    What is kept is scaled by ``1 / (1 - rate)``, so that the expectation stays and nothing is left to do in inference.

    Args:
        rate: The share of examples that are dropped, in [0, 1).

    Source: Huang et al. 2016, arXiv:1603.09382, section 3.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1). Received: {rate!r}.")
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs, training=False):
        """Return `inputs`; in training with some examples zero and the others scaled up."""
        if not training:
            return inputs
        one_an_example = (ops.shape(inputs)[0], *[1] * (len(inputs.shape) - 1))
        return keras.random.dropout(inputs, self.rate, noise_shape=one_an_example, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="search_spaces")
class LayerScale(layers.Layer):
    """Multiplies each channel by a trained number that starts small: (batch, …, channels) -> the same shape.

    At the end of a residual branch it lets a deep net begin near the identity.

    Args:
        initial: Where the numbers start. 0.1 is for nets of up to 18 blocks; deeper ones want less.

    Source: Touvron et al. 2021, arXiv:2103.17239, section 2.
    """

    def __init__(self, initial=0.1, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape):
        """Make the numbers, (channels,)."""
        initial = keras.initializers.Constant(self.initial)
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer=initial, name="scale")

    def call(self, inputs):
        """Return `inputs`, each channel scaled."""
        return inputs * self.scale

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable(package="search_spaces")
class ClassToken(layers.Layer):
    """Puts one trained token before a sequence: (batch, steps, width) -> (batch, 1 + steps, width).

    Source: Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1.
    """

    def build(self, input_shape):
        """Make the token, (width,)."""
        self.token = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="token")

    def call(self, inputs):
        """Return `inputs` with the token in front."""
        tokens = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return ops.concatenate([tokens, inputs], axis=1)

    def compute_output_shape(self, input_shape):
        """Return (batch, 1 + steps, width)."""
        batch, steps, width = input_shape
        return (batch, steps + 1, width)


@keras.saving.register_keras_serializable(package="search_spaces")
class PositionEmbedding(layers.Layer):
    """Adds one trained vector for each position: (batch, steps, width) -> the same shape.

    Source: Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1.
    """

    def build(self, input_shape):
        """Make the vectors, (steps, width)."""
        normal = keras.initializers.TruncatedNormal(stddev=0.02)
        self.positions = self.add_weight(shape=input_shape[1:], initializer=normal, name="positions")

    def call(self, inputs):
        """Return `inputs` plus the vector of each position."""
        return inputs + self.positions

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape


@keras.saving.register_keras_serializable(package="search_spaces")
class SinePositions(layers.Layer):
    """Adds fixed sines and cosines of where a step is: (batch, steps, width) -> the same shape. No weights.

    On a grid of rows and columns half of the features tell the row, half the column; `width` must be a multiple of
    twice as many as there are axes.

    Args:
        grid: (steps,), or (rows, columns) that the sequence was flattened from, row by row.

    Source: Vaswani et al. 2017, arXiv:1706.03762, 3.5; Beyer, Zhai and Kolesnikov 2022, arXiv:2205.01580, appendix A.
    """

    def __init__(self, grid, **kwargs):
        super().__init__(**kwargs)
        self.grid = tuple(grid)

    def call(self, inputs):
        """Return `inputs` plus the position of each step."""
        axes = ops.meshgrid(*(ops.arange(length) for length in self.grid), indexing="ij")
        share = inputs.shape[-1] // (2 * len(axes))
        wavelengths = 10_000.0 ** (ops.arange(share, dtype=inputs.dtype) / share)
        waves = []
        for axis in axes:
            angles = ops.cast(ops.reshape(axis, (-1, 1)), inputs.dtype) / wavelengths
            waves += [ops.sin(angles), ops.cos(angles)]
        return inputs + ops.concatenate(waves, axis=-1)

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "grid": self.grid}
