"""Run a trained model over examples, batch by batch, and give what it says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nas.data.others import Others
from nas.data.prepared import open_split
from nas.data.source import ONLY, Array, Examples
from nas.data_card import DataCard
from nas.training.feed import standardiser

SMALLEST = 1e-12
"""A vector shorter than that has no direction."""


@dataclass(frozen=True, slots=True)
class Part:
    """A split of the study's own data, as it is stored; it gives batches as `Others` does."""

    card: DataCard
    split: str
    rows: Array | None = None
    """Only these rows of it, in ascending order."""

    def _examples(self) -> Examples:
        return open_split(self.card, self.split)

    def __len__(self) -> int:
        return self.card.examples[self.split] if self.rows is None else len(self.rows)

    @property
    def labels(self) -> Array | None:
        """The labels, (examples, …); names where there are classes and one of them an example."""
        y: Array = np.asarray(self._examples().labels if self.rows is None else self._examples().labels[self.rows])
        if self.card.classes and self.card.target.shape == ():
            y = np.array(self.card.target.names)[y]
        return y

    @property
    def split_names(self) -> Sequence[str | None]:
        """The split of each example."""
        return [self.split] * len(self)

    def batches(self, size: int) -> Iterator[dict[str, Array]]:
        """Yield the examples, at most `size` at once."""
        x = self._examples().x
        for start in range(0, len(self), size):
            taken = slice(start, start + size) if self.rows is None else self.rows[start : start + size]
            yield {name: np.ascontiguousarray(array[taken]) for name, array in x.items()}


class Embedder:
    """``batch of stored examples -> (examples, …) float32``; traced once, for batches of `size`.

    Args:
        model: Takes what is standardised, gives one tensor by name.
        card: What the data of the study are.
        size: Examples at once.
        normalise: Whether each vector is given the length 1.
    """

    def __init__(self, model: keras.Model, card: DataCard, size: int, *, normalise: bool = False) -> None:
        self.size = size
        self._normalise = normalise
        self._alone = list(card.inputs) == [ONLY]
        self._names = [ONLY] if self._alone else list(model.input)
        (self.shape,) = (tuple(tensor.shape[1:]) for tensor in model.output.values())
        standardise = standardiser(card)

        def forward(x: Any) -> Any:
            x = standardise(x)
            if not self._alone:
                x = {name: x[name] for name in self._names}
            (features,) = model(x, training=False).values()
            return features

        self._forward = tf.function(forward, autograph=False)

    def each(self, batches: Iterable[dict[str, Array]]) -> Iterator[Array]:
        """Yield what the model says of each batch."""
        for batch in batches:
            yield self(batch)

    def __call__(self, batch: dict[str, Array]) -> Array:
        """Return the features of one batch, which may have fewer examples than `size`."""
        examples = len(next(iter(batch.values())))
        full = {name: _filled_up(array, self.size) for name, array in batch.items()}  # one shape is traced once
        features = np.asarray(self._forward(full[ONLY] if self._alone else full), dtype=np.float32)[:examples]
        if self._normalise:
            lengths = np.linalg.norm(features, axis=-1, keepdims=True)
            features = features / np.maximum(lengths, SMALLEST)
        return features


def _filled_up(array: Array, size: int) -> Any:
    if len(array) < size:
        array = np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])
    return tf.constant(array)


Rows = Others | Part
"""What can be embedded."""
