"""Retrieval: of many items, which one belongs to the other half of the example?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.duplicates import hashes
from nas.data.prepared import open_split
from nas.data.source import Array, Examples, RawData
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError, FamilyError, plural
from nas.training.tasks.ranks import Questions, gains, measures
from nas.training.tasks.task import Features, Outputs, Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner


class Retrieval(Task):
    """Two vectors, of the query and of the item, whose product is high where they belong together.

    The loss is the cross-entropy of the right item among those of the batch. The score is measured among all items of
    the catalogue, less those that the user has: `nas.training.tasks.ranks` says which.
    """

    objective: ClassVar = ("val_recall_at_10", "maximize")
    metrics: ClassVar = ("val_recall_at_10", "val_recall_at_20", "val_ndcg_at_10", "val_loss")
    output: ClassVar = (
        "(batch, 2, width): a vector of the query and one of the item, whose product is high where they belong together"
    )
    features: ClassVar[Features] = "pair"

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples,): the row of the catalogue that the example's item is.

        Whatever labels there were (ratings) are left out: that there is a pair says that it belongs together.

        Raises:
            DataError: There is no catalogue, an item is in it twice or not at all, or all inputs are of one half.
        """
        items = [name for name, known in data.inputs.items() if known.item]
        if data.catalogue is None or not 0 < len(items) < len(data.inputs):
            raise DataError(
                "retrieval needs pairs of a query and an item, and a catalogue of all items, which this source does "
                "not give. 'interactions:file' does."
            )
        rows = {key: row for row, key in enumerate(_keys(data.catalogue, items))}
        if len(rows) < len(data.catalogue):
            twice = plural(len(data.catalogue) - len(rows), "item")
            raise DataError(f"The catalogue has {twice} more than once.")
        splits = {}
        for name, examples in data.splits.items():
            y = np.array([rows.get(key, -1) for key in _keys(examples, items)], dtype=np.int32)
            if unknown := int(np.count_nonzero(y < 0)):
                raise DataError(f"The {name} split has {plural(unknown, 'item')} that the catalogue lacks.")
            splits[name] = replace(examples, y=y)
        return data.with_splits(splits, Target())

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Rank all items by how often they are in train, the same for every query."""
        train, catalogue = splits["train"], splits["catalogue"]
        counts = np.bincount(train.labels, minlength=len(catalogue)).astype(np.float64)
        questions = Questions.of(train, splits["validation"], catalogue)
        ranks = questions.ranks(lambda rows: np.broadcast_to(counts, (len(rows), len(counts))))
        return Baseline("most popular items", measures(ranks))

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ (batch, 2, width)``: the query's vector and the item's, whose product is the logit.

        It is their cosine over a temperature, or their plain product.

        Raises:
            FamilyError: The encoder does not give two vectors of equal width.
        """
        from keras import Model, layers

        from nas.training.tasks.heads import ends

        inputs, (query, item) = ends(encoder, card, outputs=2)
        width = query.shape[-1]
        if len(query.shape) != 2 or width is None or tuple(query.shape) != tuple(item.shape):
            raise FamilyError(
                "Retrieval needs two vectors (batch, width) of equal width, of the query and of the item; those of "
                f"{encoder.name!r} are {query.shape} and {item.shape}."
            )
        if hp.Choice("similarity", ["cosine", "dot"]) == "cosine":
            temperature = hp.Float("temperature", 0.03, 0.3, sampling="log", default=0.1)
            query, item = (layers.UnitNormalization(name=f"head_unit{half}")(x) for half, x in enumerate((query, item)))
            query = layers.Rescaling(1 / temperature, name="head_temperature")(query)
        halves = [layers.Reshape((1, width), name=f"head_half{half}")(x) for half, x in enumerate((query, item))]
        return Model(inputs, layers.Concatenate(axis=1, name="head")(halves), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the softmax over the items of the batch, corrected for how often each is in train."""
        from nas.training.tasks.in_batch import InBatchSoftmax

        counts = np.bincount(open_split(card, "train").labels, minlength=card.examples["catalogue"])
        return InBatchSoftmax(counts)

    def ratios(self, outputs: Outputs, card: DataCard) -> dict[str, tuple[Array, Array]]:
        """Return recall and NDCG among all items of the catalogue, over the examples that are asked."""
        queries = outputs.predict("validation")[:, 0]
        items = outputs.predict("catalogue")[:, 1]
        questions = Questions.of(*(outputs.open(name) for name in ("train", "validation", "catalogue")))
        found = gains(questions.ranks(lambda rows: queries[rows] @ items.T))
        rows, examples = questions.rows, len(queries)
        asked = _placed(np.ones(len(rows)), rows, examples)
        return {name: (_placed(gain, rows, examples), asked) for name, gain in found.items()}


RETRIEVAL = Retrieval()


def _placed(values: Array, rows: Array, examples: int) -> Array:
    """Return `values` at `rows` of so many examples, and 0 at the others."""
    placed = np.zeros(examples)
    placed[rows] = values
    return placed


def _keys(examples: Examples, items: list[str]) -> list[bytes]:
    """Return what tells the item of each example from others."""
    return hashes(Examples({name: examples.x[name] for name in items}))
