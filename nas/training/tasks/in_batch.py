"""The loss that finds the right item of a pair among those of the whole batch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from nas.data.source import Array
from nas.training.tasks.contrastive import NEVER


class InBatchSoftmax(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of the right item among all items of the batch: the others are the negatives.

    An item is in a batch as often as it is popular; without a correction a model would learn to score popular ones too
    low. So the log of an item's share of the examples is taken from its logits, as Yi et al. 2019 do
    (doi:10.1145/3298689.3346996, section 4, "logQ correction"). Another example's item that is the right one as well is
    no negative.

    `y_true` is the item of each example, (batch,); `y_pred` is (batch, 2, width): the query's vector and the item's.

    Args:
        counts: How often each item is in train, (items,).
    """

    def __init__(self, counts: Array, name: str = "in_batch_softmax") -> None:
        super().__init__(name=name)
        shares = np.maximum(counts, 1) / max(1, counts.sum())
        self._log_shares = ops.convert_to_tensor(np.log(shares), "float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example, (batch,)."""
        items = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        logits = ops.matmul(y_pred[:, 0], ops.transpose(y_pred[:, 1]))  # (examples, items of the batch)
        logits -= ops.take(self._log_shares, items, axis=0)[None, :]
        same = ops.equal(items[:, None], items[None, :])
        own = ops.eye(ops.shape(items)[0], dtype="bool")
        logits = ops.where(ops.logical_and(same, ops.logical_not(own)), NEVER, logits)
        return ops.logsumexp(logits, axis=1) - ops.diagonal(logits)
