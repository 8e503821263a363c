"""Metrics that Keras does not have, or not in the form in which batches add up to the whole split's."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class _Confusion(keras.metrics.Metric):  # type: ignore[misc]
    """Counts how often each class is taken for each other; (classes, classes), true classes along the first axis."""

    def __init__(self, classes: int, name: str) -> None:
        super().__init__(name=name)
        self.classes = classes
        self.counts = self.add_weight(shape=(classes, classes), initializer="zeros", name="counts")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: `y_true` int (batch,), `y_pred` (batch, classes); weights are not looked at."""
        true = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), self.classes)
        taken = ops.one_hot(ops.argmax(y_pred, axis=-1), self.classes)
        self.counts.assign(self.counts + ops.matmul(ops.transpose(true), taken))


class BalancedAccuracy(_Confusion):
    """The mean over classes of the share of its examples that are recognised; classes without any are left out."""

    def result(self) -> Any:
        """Return it, in [0, 1]."""
        hits, all_of = ops.diagonal(self.counts), ops.sum(self.counts, axis=1)
        there = ops.cast(all_of > 0, "float32")
        return ops.sum(hits / ops.maximum(all_of, 1.0)) / ops.maximum(ops.sum(there), 1.0)


class MacroF1(_Confusion):
    """The mean over classes of F1 = 2·tp / (2·tp + fp + fn); classes neither true nor predicted are left out."""

    def result(self) -> Any:
        """Return it, in [0, 1]."""
        hits = ops.diagonal(self.counts)
        both = ops.sum(self.counts, axis=0) + ops.sum(self.counts, axis=1)
        there = ops.cast(both > 0, "float32")
        return ops.sum(2.0 * hits / ops.maximum(both, 1.0)) / ops.maximum(ops.sum(there), 1.0)
