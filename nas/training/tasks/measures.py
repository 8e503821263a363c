"""Metrics that Keras does not have, or not in the form in which batches add up to the whole split's."""

from __future__ import annotations

from collections.abc import Sequence
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
        """Count a batch: `y_true` int (batch, …), `y_pred` (batch, …, classes); weights are not looked at.

        Labels below 0 are none: they are not counted.
        """
        true = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), self.classes)
        taken = ops.one_hot(ops.reshape(ops.argmax(y_pred, axis=-1), (-1,)), self.classes)
        self.counts.assign(self.counts + ops.matmul(ops.transpose(true), taken))


class Accuracy(_Confusion):
    """The share of labels that are recognised."""

    def result(self) -> Any:
        """Return it, in [0, 1]."""
        return ops.sum(ops.diagonal(self.counts)) / ops.maximum(ops.sum(self.counts), 1.0)


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


class _LabelCounts(keras.metrics.Metric):  # type: ignore[misc]
    """Counts, label by label, (labels,): marks that are right, marks there are, marks that are set (logits above 0)."""

    def __init__(self, labels: int, name: str) -> None:
        super().__init__(name=name)
        self.hits, self.true, self.set = (
            self.add_weight(shape=(labels,), initializer="zeros", name=counted) for counted in ("hits", "true", "set")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: `y_true` 0 or 1 (batch, labels), `y_pred` logits; weights are not looked at."""
        true, marked = ops.cast(y_true, "float32"), ops.cast(y_pred > 0, "float32")
        self.hits.assign(self.hits + ops.sum(true * marked, axis=0))
        self.true.assign(self.true + ops.sum(true, axis=0))
        self.set.assign(self.set + ops.sum(marked, axis=0))


class LabelMacroF1(_LabelCounts):
    """The mean over labels of F1 = 2·tp / (2·tp + fp + fn); labels neither there nor set are left out."""

    def result(self) -> Any:
        """Return it, in [0, 1]."""
        both = self.true + self.set
        there = ops.cast(both > 0, "float32")
        return ops.sum(2.0 * self.hits / ops.maximum(both, 1.0)) / ops.maximum(ops.sum(there), 1.0)


class LabelMicroF1(_LabelCounts):
    """F1 over the marks of all labels together."""

    def result(self) -> Any:
        """Return it, in [0, 1]."""
        return 2.0 * ops.sum(self.hits) / ops.maximum(ops.sum(self.true) + ops.sum(self.set), 1.0)


class R2(keras.metrics.Metric):  # type: ignore[misc]
    """The share of the labels' variance that is explained, the mean over columns; columns without any are left out.

    Sums are those of standardised numbers: float32 cannot tell the squares of large ones apart.

    Args:
        mean: About that of the labels, (columns,).
        std: About their deviation, (columns,).
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], name: str = "r2") -> None:
        super().__init__(name=name)
        self.mean, self.std = tuple(mean), tuple(std)
        shape = (len(self.mean),)
        self.sum, self.squares, self.errors = (
            self.add_weight(shape=shape, initializer="zeros", name=summed) for summed in ("sum", "squares", "errors")
        )
        self.examples = self.add_weight(shape=(), initializer="zeros", name="examples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: `y_true` and `y_pred` (batch, columns); weights are not looked at."""
        std = ops.convert_to_tensor(self.std, "float32")
        label = (ops.cast(y_true, "float32") - ops.convert_to_tensor(self.mean, "float32")) / std
        error = (ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")) / std
        self.sum.assign(self.sum + ops.sum(label, axis=0))
        self.squares.assign(self.squares + ops.sum(ops.square(label), axis=0))
        self.errors.assign(self.errors + ops.sum(ops.square(error), axis=0))
        self.examples.assign(self.examples + ops.cast(ops.shape(y_true)[0], "float32"))

    def result(self) -> Any:
        """Return it: 1 at best, 0 for the mean of the labels."""
        spread = self.squares - ops.square(self.sum) / ops.maximum(self.examples, 1.0)
        there = spread > 1e-6 * self.squares
        each = ops.where(there, 1.0 - self.errors / ops.where(there, spread, 1.0), 0.0)
        return ops.sum(each) / ops.maximum(ops.sum(ops.cast(there, "float32")), 1.0)
