"""What families of sequences share: patches, positions, and the ways in which steps become one vector."""

import math

import keras
from keras import layers, ops

FEWEST_PATCHES, MOST_PATCHES = 8, 128


def patch_sizes(steps):
    """Return the powers of two by which `steps` become 8 to 128 patches; 1 where there are fewer steps than that.

    Example:
        >>> [patch_sizes(steps) for steps in (5, 24, 64, 1000)]
        [[1], [1, 2], [1, 2, 4, 8], [8, 16, 32, 64, 128]]
    """
    sizes = [2**power for power in range(steps.bit_length())]
    return [size for size in sizes if FEWEST_PATCHES <= math.ceil(steps / size) <= MOST_PATCHES] or [1]


def ask_patch(hp, steps, features):
    """Return how many steps a patch has: a choice where several sizes fit, 1 where every step wants a vector."""
    sizes = patch_sizes(steps)
    if features == "sequence" or len(sizes) == 1:
        return 1 if features == "sequence" else sizes[0]
    few = [size for size in sizes if math.ceil(steps / size) <= 32]
    return hp.Choice("patch", sizes, default=few[0])


def embed_patches(x, width, patch, name):
    """Return each run of `patch` steps as one vector: (batch, steps, channels) -> (batch, ⌈steps / patch⌉, width)."""
    return layers.Conv1D(width, patch, patch, padding="same", name=name)(x)


def pool(x, pooling, name="pool"):
    """Return one vector an example: (batch, steps, width) -> (batch, width).

    ``"mean"``, ``"max"`` and ``"last"`` are what they say. ``"attention"`` is a mean whose weights are computed from
    the steps themselves, after Lin et al. 2017, arXiv:1703.03130, section 2.1, with one linear score a step.
    """
    if pooling == "mean":
        return layers.GlobalAveragePooling1D(name=name)(x)
    if pooling == "max":
        return layers.GlobalMaxPooling1D(name=name)(x)
    if pooling == "last":
        return x[:, -1]
    if pooling == "attention":
        scores = layers.Dense(1, use_bias=False, name=f"{name}_score")(x)
        weights = layers.Softmax(axis=1, name=f"{name}_weights")(scores)
        return layers.Flatten(name=name)(layers.Dot(axes=1, name=f"{name}_sum")([weights, x]))
    raise ValueError(f"pooling must be 'mean', 'max', 'last' or 'attention'. Received: {pooling!r}.")


@keras.saving.register_keras_serializable(package="search_spaces")
class SineSteps(layers.Layer):
    """Adds fixed sines and cosines of the step: (batch, steps, width) -> the same shape; `width` is even. No weights.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """

    def call(self, inputs):
        """Return `inputs` plus the position of each step."""
        _, steps, width = inputs.shape
        half = width // 2
        wavelengths = 10_000.0 ** (ops.arange(half, dtype=inputs.dtype) / half)
        angles = ops.reshape(ops.arange(steps, dtype=inputs.dtype), (-1, 1)) / wavelengths
        return inputs + ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape
