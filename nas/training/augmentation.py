"""Ways to vary a training batch that leave its labels true. Cheap enough for a CPU, one per trial and input.

Each takes a standardised batch (examples, …) and a seed, int32 (2,), and gives a batch of the same shape; what is
shifted in is 0, the mean. Shifting and mirroring are those of He et al. 2016, arXiv:1512.03385, section 4.2: 4 of
32 pixels, at most. Leaving out words is that of Iyyer et al. 2015 (deep averaging networks), section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

from nas.data_card import Input, InputKind

Tensor: TypeAlias = Any
Augment: TypeAlias = Callable[[Tensor, Tensor], Tensor]

SHIFT = 8
"""Images are shifted by at most one part in so many of their side, sounds and sequences of their length."""
NOISE = 0.1
"""Standard deviation of the noise, in standard deviations of the feature."""
DROPPED = 0.1
"""The share of words that are left out."""
UNKNOWN = 1
"""The token that stands for what a vocabulary lacks, and for a word that is left out."""
GAIN = 0.5
"""Sounds are made louder or softer by at most so many times e."""


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


def drop_tokens(x: Tensor, seed: Tensor, unknown: int = UNKNOWN, special: tuple[int, ...] = (0,)) -> Tensor:
    """Put the `unknown` word in the place of one word in ten; `special` tokens, such as padding, stay."""
    dropped = tf.random.stateless_uniform(tf.shape(x), seed) < DROPPED
    return tf.where(tf.logical_and(dropped, is_word(x, special)), tf.constant(unknown, x.dtype), x)


def is_word(x: Tensor, special: tuple[int, ...]) -> Tensor:
    """Return which tokens are words: none of the `special` ones."""
    return tf.reduce_all(x[..., None] != tf.constant(special, x.dtype), axis=-1)


def shift_gain(x: Tensor, seed: Tensor) -> Tensor:
    """Move each sound by up to an eighth of its length, and make it louder or softer."""
    gain = tf.exp(tf.random.stateless_uniform([tf.shape(x)[0], 1], seed, -GAIN, GAIN))
    return _shift_along((x * gain)[..., None], 1, seed + 1)[..., 0]


def shift_steps(x: Tensor, seed: Tensor) -> Tensor:
    """Move each sequence by up to an eighth of its length."""
    return _shift_along(x, 1, seed)


AUGMENTATIONS: dict[InputKind, dict[str, Augment]] = {
    "image": {"none": none, "shift": shift, "shift_flip": shift_flip},
    "vector": {"none": none, "noise": noise},
    "text": {"none": none, "drop_tokens": drop_tokens},
    "audio": {"none": none, "shift_gain": shift_gain},
    "sequence": {"none": none, "noise": noise, "shift": shift_steps},
    "ids": {"none": none},
}
"""By the kind of input, then by name."""

MOVES_STEPS = {"shift", "shift_gain"}
"""Augmentations of sequences and sounds that move steps away from their labels, where each step has one."""


def augmentations(given: Input, *, steps_have_labels: bool) -> dict[str, Augment]:
    """Return those that leave an input true: noise is for numbers alone, shifts not for labelled steps."""
    kind, found = given.kind, dict(AUGMENTATIONS[given.kind])
    if given.categories:
        del found["noise"]
    if kind == "text":
        found["drop_tokens"] = partial(drop_tokens, unknown=given.unknown, special=given.special)
    if kind in ("sequence", "audio") and steps_have_labels:
        found = {name: augment for name, augment in found.items() if name not in MOVES_STEPS}
    return found


def _shift_along(x: Tensor, axis: int, seed: Tensor) -> Tensor:
    """Shift along axis 1, or along columns (axis 2). Gathering along axis 1 is several times faster than along 2."""
    if axis == 2:
        return tf.transpose(_shift_along(tf.transpose(x, [0, 2, 1, 3]), 1, seed), [0, 2, 1, 3])
    side = x.shape[1]
    most = side // SHIFT
    starts = tf.random.stateless_uniform([tf.shape(x)[0], 1], seed, 0, 2 * most + 1, tf.int32)
    rows = starts + tf.range(side)[None, :]  # (examples, side)
    padded = tf.pad(x, [[0, 0], [most, most], *[[0, 0]] * (len(x.shape) - 2)])
    return tf.ensure_shape(tf.gather(padded, rows, axis=1, batch_dims=1), x.shape)
