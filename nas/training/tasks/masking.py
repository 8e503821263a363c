"""Inputs of which something is hidden, and how well it is told: for pretraining without labels."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from keras import ops

from nas.data_card import Input
from nas.training.augmentation import is_word

Tensor: TypeAlias = Any
NOT_ASKED = -1


def tokens_asked(length: int, share: float) -> int:
    """Return of how many tokens of a text of full `length` the model is asked."""
    return max(1, math.ceil(share * length))


def hide_tokens(x: Tensor, seed: Tensor, given: Input, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return `x` (texts, length) with some tokens hidden, which places are asked and what was there.

    A `share` of the tokens of each text, at least one, is asked: of these 80 % become the unknown word, 10 % a random
    one, 10 % stay. Tokens that are special to the `given` input, such as padding, are not asked. Places and tokens are
    int32 (texts, asked), with `NOT_ASKED` for a token where a text is too short for so many.

    Source: Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1; with the unknown word in the place of a token of
    its own, so that a vocabulary is the same whatever it is used for.
    """
    asked = tokens_asked(x.shape[1], share)
    known = is_word(x, given.special)
    draws = tf.random.stateless_uniform(tf.shape(x), tf.random.fold_in(seed, 1))
    found, places = tf.math.top_k(tf.where(known, draws, -1.0), asked)
    wanted = tf.round(share * tf.reduce_sum(tf.cast(known, tf.float32), axis=1, keepdims=True))
    wanted = tf.maximum(tf.cast(wanted, tf.int32), 1)
    is_asked = tf.logical_and(found >= 0.0, tf.range(asked)[None, :] < wanted)
    original = tf.gather(x, places, batch_dims=1)
    how = tf.random.stateless_uniform(tf.shape(places), tf.random.fold_in(seed, 2))
    words = sorted(set(range(given.vocabulary)) - set(given.special)) or [given.unknown]
    drawn = tf.random.stateless_uniform(tf.shape(places), tf.random.fold_in(seed, 3), 0, len(words), tf.int32)
    random = tf.gather(tf.constant(words, x.dtype), drawn)
    put = tf.where(how < 0.8, tf.constant(given.unknown, x.dtype), tf.where(how < 0.9, random, original))
    rows = tf.broadcast_to(tf.range(tf.shape(x)[0])[:, None], tf.shape(places))
    hidden = tf.tensor_scatter_nd_update(x, tf.stack([rows, places], axis=-1), tf.where(is_asked, put, original))
    return tf.ensure_shape(hidden, x.shape), places, tf.where(is_asked, original, NOT_ASKED)


def hide_patches(x: Tensor, seed: Tensor, patch: int, share: float) -> tuple[Tensor, Tensor]:
    """Return images (images, height, width, channels) with a `share` of their patches 0, and a mask of what is hidden.

    The mask is float32 (images, height, width, 1): 1 where hidden. Every image has as many hidden patches.

    Source: Xie et al. 2022, arXiv:2111.09886 (SimMIM), section 3.2; what is hidden is the mean pixel here.
    """
    height, width = x.shape[1:3]
    rows, columns = -(-height // patch), -(-width // patch)
    draws = tf.random.stateless_uniform([tf.shape(x)[0], rows * columns], tf.random.fold_in(seed, 1))
    order = tf.argsort(tf.argsort(draws, axis=1), axis=1)  # the rank of each patch
    hidden = tf.cast(order < round(share * rows * columns), tf.float32)
    mask = tf.reshape(hidden, [-1, rows, columns, 1])
    mask = tf.repeat(tf.repeat(mask, patch, axis=1), patch, axis=2)[:, :height, :width]
    mask = tf.ensure_shape(mask, [x.shape[0], height, width, 1])
    return x * (1.0 - mask), mask


@keras.saving.register_keras_serializable(package="nas")
class StepsAt(keras.layers.Layer):  # type: ignore[misc]
    """The steps of a sequence at some places: (batch, steps, width), (batch, places) -> (batch, places, width)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # a mask of the steps may come, and ends here

    def compute_mask(self, *given: Any) -> None:
        """All places are there."""

    def call(self, sequence: Any, places: Any) -> Any:
        """Return them, in the order of `places`."""
        return ops.take_along_axis(sequence, ops.expand_dims(places, -1), axis=1)

    def compute_output_shape(self, sequence_shape: Any, places_shape: Any) -> Any:
        """Return (batch, places, width)."""
        return (*places_shape, sequence_shape[-1])


class TokenLoss(keras.losses.Loss):  # type: ignore[misc]
    """The mean cross-entropy over the tokens that are asked: int (texts, asked) and logits (texts, asked, tokens)."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return it, a single number for the batch."""
        asked, tokens = _asked(y_true)
        each = ops.sparse_categorical_crossentropy(tokens, y_pred, from_logits=True)
        return ops.sum(each * asked) / ops.maximum(ops.sum(asked), 1.0)


class TokenAccuracy(keras.metrics.Mean):  # type: ignore[misc]
    """The share of the tokens asked that are told right."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch, as `TokenLoss` takes it; weights are not looked at."""
        asked, tokens = _asked(y_true)
        super().update_state(ops.equal(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), tokens), asked)


def _asked(y: Any) -> tuple[Any, Any]:
    """Return 1 where a token is asked, and the tokens, 0 where not."""
    asked = ops.not_equal(y, NOT_ASKED)
    return ops.cast(asked, "float32"), ops.cast(ops.where(asked, y, 0), "int32")


class PatchLoss(keras.losses.Loss):  # type: ignore[misc]
    """The mean absolute error over hidden pixels; labels are the pixels and, as one more channel, the mask."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return that of each image, (images,)."""
        return hidden_error(y_true, y_pred)


class PatchError(keras.metrics.Mean):  # type: ignore[misc]
    """The mean absolute error over hidden pixels, in standard deviations of a channel."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch, as `PatchLoss` takes it; weights are not looked at."""
        super().update_state(hidden_error(y_true, y_pred))


def hidden_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean absolute error over the hidden pixels of each image, (images,)."""
    pixels, mask = y_true[..., :-1], y_true[..., -1:]
    error = ops.sum(ops.abs(pixels - y_pred) * mask, axis=(1, 2, 3))
    return error / ops.maximum(ops.sum(mask, axis=(1, 2, 3)) * pixels.shape[-1], 1.0)
