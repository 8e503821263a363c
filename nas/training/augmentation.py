"""Ways to vary a training batch that leave its labels true. Cheap enough for a CPU, one per trial.

Each takes a standardised batch (examples, …) and a seed, int32 (2,), and gives a batch of the same shape; what is
shifted in is 0, the mean. Shifting and mirroring are those of He et al. 2016, arXiv:1512.03385, section 4.2: 4 of
32 pixels, at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = Any
Augment: TypeAlias = Callable[[Tensor, Tensor], Tensor]

SHIFT = 8
"""Images are shifted by at most one part in so many of their side."""
NOISE = 0.1
"""Standard deviation of the noise, in standard deviations of the feature."""


def none(x: Tensor, seed: Tensor) -> Tensor:
    """Leave the batch as it is."""
    return x


def shift(x: Tensor, seed: Tensor) -> Tensor:
    """Move each image by whole pixels, up to an eighth of its side, up or down and left or right."""
    for axis in (1, 2):
        x = _shift_along(x, axis, seed + axis)  # draws of their own
    return x


def shift_flip(x: Tensor, seed: Tensor) -> Tensor:
    """Shift, and mirror about every other image from left to right."""
    mirrored = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < 0.5
    return shift(tf.where(mirrored, tf.reverse(x, [2]), x), seed)


def noise(x: Tensor, seed: Tensor) -> Tensor:
    """Add Gaussian noise to every feature."""
    return x + tf.random.stateless_normal(tf.shape(x), seed, stddev=NOISE)


AUGMENTATIONS: dict[str, dict[str, Augment]] = {
    "image": {"none": none, "shift": shift, "shift_flip": shift_flip},
    "vector": {"none": none, "noise": noise},
}
"""By the kind of input, then by name."""


def _shift_along(x: Tensor, axis: int, seed: Tensor) -> Tensor:
    """Shift along rows (axis 1) or columns (axis 2). Gathering along axis 1 is several times faster than along 2."""
    if axis == 2:
        return tf.transpose(_shift_along(tf.transpose(x, [0, 2, 1, 3]), 1, seed), [0, 2, 1, 3])
    side = x.shape[1]
    most = side // SHIFT
    starts = tf.random.stateless_uniform([tf.shape(x)[0], 1], seed, 0, 2 * most + 1, tf.int32)
    rows = starts + tf.range(side)[None, :]  # (examples, side)
    padded = tf.pad(x, [[0, 0], [most, most], [0, 0], [0, 0]])
    return tf.ensure_shape(tf.gather(padded, rows, axis=1, batch_dims=1), x.shape)
