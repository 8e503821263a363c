"""Losses that Keras does not have, or not in the form that a task needs. Labels arrive as floats: Keras casts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

SMALL = 1e-7


class StandardisedError(keras.losses.Loss):  # type: ignore[misc]
    """The mean over columns of d², d the error in standard deviations; or of Huber's: d² up to 1, then 2|d| − 1.

    Args:
        std: Those of the labels, (columns,).
        huber: Whether the loss is linear beyond one deviation.

    Source: Huber 1964, The Annals of Mathematical Statistics 35(1), 73–101; twice his, so that both begin as d².
    """

    def __init__(self, std: Sequence[float], *, huber: bool, name: str = "standardised_error") -> None:
        super().__init__(name=name)
        self.std, self.huber = tuple(std), huber

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,)."""
        d = ops.abs(y_true - y_pred) / ops.convert_to_tensor(self.std, y_pred.dtype)
        squared = ops.square(d)
        return ops.mean(ops.where(d <= 1, squared, 2 * d - 1) if self.huber else squared, axis=-1)


class LabelCrossentropy(keras.losses.Loss):  # type: ignore[misc]
    """The binary cross-entropy of logits (batch, labels) and marks 0 or 1, those of 1 weighed label by label.

    Args:
        positive: What a mark of each label weighs, (labels,).
    """

    def __init__(self, positive: Sequence[float], name: str = "label_crossentropy") -> None:
        super().__init__(name=name)
        self.positive = tuple(positive)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,): the mean over labels."""
        weights = ops.convert_to_tensor(self.positive, y_pred.dtype)
        marked, unmarked = weights * y_true * ops.softplus(-y_pred), (1 - y_true) * ops.softplus(y_pred)
        return ops.mean(marked + unmarked, axis=-1)


class StepCrossentropy(keras.losses.Loss):  # type: ignore[misc]
    """The cross-entropy of logits (batch, steps, classes) and labels (batch, steps), -1 for steps without a label.

    Every labelled step of a batch weighs the same.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch, steps), whose mean is that over the labelled steps."""
        labelled = ops.cast(y_true >= 0, y_pred.dtype)
        labels = ops.cast(ops.maximum(y_true, 0), "int32")
        values = keras.losses.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)
        return values * labelled / ops.maximum(ops.mean(labelled), SMALL)


class CTC(keras.losses.Loss):  # type: ignore[misc]
    """Minus the log-likelihood of labels (batch, length), under logits (batch, frames, symbols), for each symbol.

    Labels are symbols from 1, filled up with 0, the blank; none is empty. Their times do not matter. With too few
    frames it is infinite. For each symbol, as PyTorch's mean is, so that the learning rates that are right for other
    losses are right for this one: for whole labels SGD diverged where it had found the best models at half the rate.
    Keras's own gives the sum over the symbols, eight times as slowly on a CPU: its recursion is one of whole tensors.

    Source: Graves et al. 2006, Connectionist Temporal Classification, ICML, equation 8.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,)."""
        labels = tf.sparse.from_dense(tf.cast(y_true, tf.int32))
        frames = tf.fill([tf.shape(y_pred)[0]], tf.shape(y_pred)[1])
        whole = tf.nn.ctc_loss(labels, y_pred, None, frames, logits_time_major=False, blank_index=0)
        return whole / tf.cast(tf.math.count_nonzero(y_true, axis=1), whole.dtype)


class ArcFace(keras.losses.Loss):  # type: ignore[misc]
    """The cross-entropy of scaled cosines, with an angle added to that between an example and its own class.

    Args:
        begin: The first column of the output that is a cosine.
        rows: Which of the cosines is that of each label, (labels,); -1 for those without: they add nothing.
        margin: The angle, in radians.
        scale: What cosines are multiplied with.

    Source: Deng et al. 2019, arXiv:1801.07698, equation 3. Beyond π − margin, where the cosine would rise again, the
    logit goes on falling as cos θ − margin · sin margin, as in the authors' code.
    """

    def __init__(
        self, begin: int, rows: Sequence[int], *, margin: float, scale: float = 30.0, name: str = "arcface"
    ) -> None:
        super().__init__(name=name)
        self.begin, self.rows = begin, tuple(rows)
        self.margin, self.scale = margin, scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,)."""
        cosines = ops.clip(y_pred[:, self.begin :], -1 + SMALL, 1 - SMALL)
        row = ops.take(ops.convert_to_tensor(self.rows, "int32"), ops.cast(y_true, "int32"))
        own = ops.one_hot(ops.maximum(row, 0), cosines.shape[-1], dtype=cosines.dtype)
        sines = ops.sqrt(1 - ops.square(cosines))
        shifted = cosines * math.cos(self.margin) - sines * math.sin(self.margin)
        falling = cosines - self.margin * math.sin(self.margin)
        shifted = ops.where(cosines > -math.cos(self.margin), shifted, falling)
        logits = self.scale * (own * shifted + (1 - own) * cosines)
        values = keras.losses.categorical_crossentropy(own, logits, from_logits=True)
        # Multiplied, not chosen: weights that became NaN have to show even where no label is known.
        return values * ops.cast(row >= 0, values.dtype)


class BatchHardTriplet(keras.losses.Loss):  # type: ignore[misc]
    """How much farther the farthest example of one's own identity is than the nearest of another, in each batch.

    ``log(1 + exp(farthest − nearest))``, the soft margin. Examples that are alone in a batch add nothing; the others
    weigh the same.

    Args:
        width: So many first columns of the output are the embedding, of length 1.

    Source: Hermans, Beyer and Leibe 2017, arXiv:1703.07737, section 2; distances are Euclidean.
    """

    def __init__(self, width: int, name: str = "batch_hard_triplet") -> None:
        super().__init__(name=name)
        self.width = width

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,)."""
        embedding = y_pred[:, : self.width]
        cosines = ops.matmul(embedding, ops.transpose(embedding))
        distances = ops.sqrt(ops.maximum(2 - 2 * cosines, SMALL))  # of unit vectors; a root has no slope at 0
        same = ops.cast(y_true[:, None] == y_true[None, :], distances.dtype)
        others = same - ops.eye(ops.shape(same)[0], dtype=same.dtype)
        farthest = ops.max(distances * others, axis=1)
        nearest = ops.min(distances + 4 * same, axis=1)  # no distance is over 2
        counts = ops.cast(ops.logical_and(ops.max(others, axis=1) > 0, ops.min(same, axis=1) < 1), distances.dtype)
        return ops.softplus(farthest - nearest) * counts / ops.maximum(ops.mean(counts), SMALL)
