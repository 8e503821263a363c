"""Matching: to each example belong two halves, an image and its text say, and each half is to find the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.duplicates import hashes
from nas.data.source import Array, Examples, RawData, RawInput
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError, FamilyError
from nas.training.tasks.task import Features, Outputs, Splits, Task

if TYPE_CHECKING:
    import keras
    import keras_tuner

RANKS = (1, 5, 10)
ROWS = 1024
"""So many rows of products are looked at at once."""


class Matching(Task):
    """Two vectors whose product tells whether they belong together; trained on who does within a batch.

    The score is the recall at k: for which share of the validation split the other half, or one equal to it, is among
    the k that come nearest, of the whole split; the mean of both directions.

    Sources: Radford et al. 2021, arXiv:2103.00020 (softmax); Zhai et al. 2023, arXiv:2303.15343 (sigmoid).
    """

    objective: ClassVar = ("val_recall_at_5", "maximize")
    metrics: ClassVar = (*(f"val_recall_at_{k}" for k in RANKS), "val_loss")
    compares_examples: ClassVar = True
    output: ClassVar = "(batch, 2, width): a vector of each half, whose product is high where they belong together"
    features: ClassVar[Features] = "pair"

    def check(self, data: RawData) -> RawData:
        """Return `data` with the items' inputs marked and, as labels int32 (examples,), which items are the same.

        Labels that the data have are not looked at. Where the source marks no items, texts are.

        Raises:
            DataError: There are not two sides.
        """
        inputs = _with_sides(data.inputs)
        items = [name for name, known in inputs.items() if known.item]
        numbers: dict[bytes, int] = {}
        splits = {}
        for name, examples in data.splits.items():
            found = hashes(Examples({item: examples.x[item] for item in items}))
            y = [numbers.setdefault(item, len(numbers)) for item in found]
            splits[name] = replace(examples, y=np.array(y, np.int32))
        return replace(data.with_splits(splits, Target()), inputs=inputs)

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Name k at random: with one right answer among n, k / n."""
        items = splits["validation"].labels
        _, places, counts = np.unique(items, return_inverse=True, return_counts=True)
        right = counts[places]
        return Baseline("chance", {f"val_recall_at_{k}": float(_chance(right, len(items), k).mean()) for k in RANKS})

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ (batch, 2, width)``, packed so that a product of two halves is their logit.

        Raises:
            FamilyError: The encoder does not give two vectors of one width.
        """
        import keras

        from nas.training.tasks.contrastive import ComparedPair
        from nas.training.tasks.heads import ends

        inputs, halves = ends(encoder, card, outputs=2)
        shapes = [tuple(half.shape) for half in halves]
        if len(shapes[0]) != 2 or shapes[0] != shapes[1] or shapes[0][1] is None:
            raise FamilyError(
                "Two halves are compared as vectors (batch, width) of one width. "
                f"Received: {shapes[0]} and {shapes[1]}, from {encoder.name!r}."
            )
        return keras.Model(inputs, ComparedPair(_compare(hp), name="head")(halves), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the loss that `hp` chooses: over a softmax, or over a sigmoid for every two halves."""
        from nas.training.tasks.contrastive import MatchingLoss

        return MatchingLoss(_compare(hp))

    def measure(self, outputs: Outputs, card: DataCard) -> dict[str, float]:
        """Return the recalls over the validation split."""
        pairs, items = outputs.predict("validation"), outputs.open("validation").labels
        ranks = np.concatenate([ranked(pairs[:, 0], pairs[:, 1], items), ranked(pairs[:, 1], pairs[:, 0], items)])
        return {f"val_recall_at_{k}": float((ranks < k).mean()) for k in RANKS}


MATCHING = Matching()


def ranked(queries: Array, candidates: Array, items: Array) -> Array:
    """Return for each of `queries` (examples, width) how many wrong `candidates` come before the first right one.

    Right is who has the same of `items` (examples,). A wrong one that comes as near as the right one comes before it.
    """
    found = []
    for start in range(0, len(queries), ROWS):
        products = queries[start : start + ROWS] @ candidates.T
        right = items[start : start + ROWS, None] == items[None, :]
        best = np.where(right, products, -np.inf).max(axis=1, keepdims=True)
        found.append((~(products < best) & ~right).sum(axis=1))  # what is not a number is no success
    return np.concatenate(found)


def _with_sides(inputs: dict[str, RawInput]) -> dict[str, RawInput]:
    """Return `inputs`, of which some are an item's and some are not."""
    if not any(known.item for known in inputs.values()):
        inputs = {name: replace(known, item=known.kind == "text") for name, known in inputs.items()}
    if len({known.item for known in inputs.values()}) != 2:
        received = ", ".join(f"{name} ({known.kind})" for name, known in inputs.items())
        raise DataError(
            "matching needs two sides: a text and what it belongs to, or a source that marks which inputs are an "
            f"item's. Received: {received}."
        )
    return inputs


def _chance(right: Array, candidates: int, k: int) -> Array:
    """Return the probability that one of the `right` ones is among `k` of all `candidates`, drawn at random."""
    misses = np.ones(len(right))
    for drawn in range(min(k, candidates)):
        misses *= np.maximum(candidates - right - drawn, 0) / (candidates - drawn)
    return 1.0 - misses


def _compare(hp: keras_tuner.HyperParameters) -> str:
    """Return what the loss goes by."""
    return str(hp.Choice("loss", ["softmax", "sigmoid"]))
