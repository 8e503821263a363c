"""Who belongs to whom within a batch: losses and measures for vectors that are compared with each other."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

NEVER = -1e9
"""The logit of a pair that does not count."""


@keras.saving.register_keras_serializable(package="nas")
class ComparedPair(keras.layers.Layer):  # type: ignore[misc]
    """Two vectors packed so that the product of two halves is a logit: 2 × (batch, width) -> (batch, 2, width [+ 1]).

    The logit is the cosine of the two, times a trained factor of at most 100; to `compare` by a ``"sigmoid"``, not a
    ``"softmax"``, a trained bias is added, which takes the last feature: 1 in the first half, the bias in the second.

    Source: Radford et al. 2021, arXiv:2103.00020, section 2.5, for the factor, which begins at 1 / 0.07; Zhai et al.
    2023, arXiv:2303.15343, section 3.2, for the bias, which begins at -10 with a factor of 10: nearly all pairs of a
    batch are no pairs.
    """

    def __init__(self, compare: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.compare = compare

    def build(self, input_shape: Any) -> None:
        """Make the logarithm of the factor and, for the sigmoid, the bias."""
        start = math.log(10 if self.compare == "sigmoid" else 1 / 0.07)
        self.log_factor = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(start), name="log_factor"
        )  # its logarithm, so that it stays positive
        if self.compare == "sigmoid":
            self.bias = self.add_weight(shape=(), initializer=keras.initializers.Constant(-10.0), name="bias")

    def call(self, inputs: Any) -> Any:
        """Return both, of the same length each, packed."""
        root = ops.exp(ops.minimum(self.log_factor, math.log(100)) / 2)
        query, item = (ops.normalize(half, axis=-1) * root for half in inputs)
        if self.compare == "sigmoid":
            one = ops.ones_like(query[:, :1])
            query, item = ops.concatenate([query, one], axis=-1), ops.concatenate([item, one * self.bias], axis=-1)
        return ops.stack([query, item], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, 2, width [+ 1])."""
        batch, width = input_shape[0]
        return (batch, 2, width + (self.compare == "sigmoid"))

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "compare": self.compare}


class MatchingLoss(keras.losses.Loss):  # type: ignore[misc]
    """How badly each half of a pair finds the other among those of its batch; what `ComparedPair` packed.

    ``"softmax"``: the mean of two cross-entropies, over the items for a query and over the queries for an item
    (arXiv:2103.00020, figure 3). ``"sigmoid"``: every two halves are a pair or not (arXiv:2303.15343, section 3.2).
    Labels (batch,) name items: halves whose items are the same, though of two examples, do not count.
    """

    def __init__(self, compare: str) -> None:
        super().__init__(name="matching")
        self.compare = compare

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example, (batch,)."""
        logits = ops.matmul(y_pred[:, 0], ops.transpose(y_pred[:, 1]))
        items = ops.reshape(y_true, (-1,))
        pairs = ops.eye(ops.shape(logits)[0], dtype=logits.dtype)
        same = ops.cast(ops.equal(items[:, None], items[None, :]), logits.dtype)
        uncounted = same - pairs
        if self.compare == "sigmoid":
            signs = 2.0 * pairs - 1.0
            return ops.sum((1.0 - uncounted) * ops.softplus(-signs * logits), axis=1)
        logits = logits + NEVER * uncounted
        found = ops.diagonal(logits)
        return (ops.logsumexp(logits, axis=1) + ops.logsumexp(logits, axis=0)) / 2.0 - found


class NTXent(keras.losses.Loss):  # type: ignore[misc]
    """How badly one view of an image finds the other among all views of its batch.

    Vectors (2 · images, width) of length 1, first all first views, then all second ones in the same order; labels are
    not looked at. Source: Chen et al. 2020, arXiv:2002.05709, equation 1.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="nt_xent")
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each view, (2 · images,)."""
        logits, other = _views(y_pred)
        logits = logits / self.temperature
        return ops.logsumexp(logits, axis=1) - ops.sum(logits * other, axis=1)


class InstanceAccuracy(keras.metrics.Mean):  # type: ignore[misc]
    """The share of views whose nearest one in the batch is the other view of the same image."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of vectors as `NTXent` takes them; labels and weights are not looked at."""
        logits, other = _views(y_pred)
        super().update_state(ops.equal(ops.argmax(logits, axis=1), ops.argmax(other, axis=1)))


def _views(vectors: Any) -> tuple[Any, Any]:
    """Return the products of all views with all others, and 1 where two are of one image: (views, views) both."""
    views = ops.shape(vectors)[0]
    itself = ops.eye(views, dtype=vectors.dtype)
    other = ops.roll(itself, views // 2, axis=1)
    return ops.matmul(vectors, ops.transpose(vectors)) + NEVER * itself, other
