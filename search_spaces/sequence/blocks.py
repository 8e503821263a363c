"""What families of sequences share: patches of steps."""

import math

from keras import layers

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
