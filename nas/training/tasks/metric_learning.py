"""Metric learning: an embedding in which examples of one identity (speaker, face) lie close, also of unseen ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas.data.source import Array, Examples, RawData
from nas.data.splits import Cut
from nas.data_card import Baseline, DataCard, Target
from nas.errors import DataError
from nas.training.tasks.class_labels import called, labels_of, plain_labels, right_column, same_kind
from nas.training.tasks.task import Outputs, Splits, Task
from nas.training.tasks.verification import chance_of_recall, recall_at_1, unit, verification

if TYPE_CHECKING:
    import keras
    import keras_tuner

WIDTHS = (16, 32, 64, 128)
WIDEST = WIDTHS[-1]
BATCH = 64
"""Triplets are a choice where an example meets another of its identity in a batch of so many, on average."""
LARGEST_BASELINE = 50_000_000
"""Numbers: the cosines of larger raw inputs are not looked at."""


class MetricLearning(Task):
    """An embedding of length 1, trained by ArcFace or by triplets; the score is how well pairs are verified.

    Whole identities are held out. Where the source gives the splits, or the study file cuts them by group or time, a
    note says how many identities are on two sides. The score is the equal error rate over pairs of the validation
    split: at the threshold where as many pairs of one identity are refused as others are taken. Losses of two kinds, of
    identities that train has: they are no objective.

    The output is (batch, 128 + identities of train): the embedding, filled up with zeros, which change no cosine, then
    the cosines to the classes of ArcFace, whose weights a loss cannot hold. They count among the model's weights.
    """

    objective: ClassVar = ("val_eer", "minimize")
    metrics: ClassVar = ("val_eer", "val_recall_at_1")
    compares_examples: ClassVar = True
    output: ClassVar = (
        "an embedding of length 1, filled up with zeros to 128 columns; after them, if there are "
        "more, cosines to identities"
    )
    embedding: ClassVar = "embedding"
    cut: ClassVar[Cut] = "identity"

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels int32 (examples,), those of the identities of all splits, and their names.

        Raises:
            DataError: Labels are missing or no identities; train has fewer than two of them, or none with two examples.
        """
        given = labels_of(data, "metric learning needs an identity an example")
        labels = {name: plain_labels(name, y, called(data)) for name, y in given.items()}
        same_kind(labels)
        values = np.unique(np.concatenate(list(labels.values())))
        found, counts = np.unique(labels["train"], return_counts=True)
        if len(found) < 2:
            raise DataError(f"There is only one identity, {found[0]!s}: nothing to tell apart. {right_column(data)}")
        if counts.max() < 2:
            raise DataError(
                f"Each of the {len(found):,} identities of train has one example: there is nothing that belongs "
                f"together. {right_column(data)}"
            )
        splits = {
            name: replace(examples, y=np.searchsorted(values, labels[name]).astype(np.int32))
            for name, examples in data.splits.items()
        }
        return data.with_splits(splits, Target(names=tuple(str(value) for value in values)))

    def target(self, target: Target, splits: Splits) -> Target:
        """Return `target`.

        Raises:
            DataError: Validation has no two examples of one identity, or no two of different ones.
        """
        counts = np.bincount(splits["validation"].labels)
        if counts.max() < 2 or np.count_nonzero(counts) < 2:
            raise DataError(
                "The validation split needs two identities, one of them with two examples, to verify pairs: it has "
                f"{np.count_nonzero(counts)} with at most {counts.max()}. Add examples, or cut a larger share."
            )
        return target

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how many examples each identity has."""
        return {
            name: tuple(np.bincount(examples.labels, minlength=len(target.names)).tolist())
            for name, examples in splits.items()
        }

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Take the cosines of raw inputs, standardised by train, where there is one of numbers, and small; or chance.

        Chance is an equal error rate of a half, and any other example as the nearest one.
        """
        y = splits["validation"].labels
        chance = Baseline("chance", {"val_eer": 0.5, "val_recall_at_1": chance_of_recall(y)})
        raw = _raw(splits["train"], splits["validation"])
        if raw is None or (error := verification(raw, y)) >= 0.5:
            return chance
        return Baseline("cosine of the raw inputs", {"val_eer": error, "val_recall_at_1": recall_at_1(raw, y)})

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ embedding (batch, 128)``, and after it ArcFace's cosines.

        Raises:
            FamilyError: As for classification.
        """
        import keras

        from nas.training.tasks.cosines import CosineClasses, FilledUp
        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        width = hp.Choice("width", list(WIDTHS), default=64)
        embedding = keras.layers.Dense(width, name="head")(vector(features, encoder.name))
        embedding = keras.layers.UnitNormalization(name="embedding")(embedding)
        output = FilledUp(WIDEST, name="filled_up")(embedding) if width < WIDEST else embedding
        if _is_arcface(card, hp):
            cosines = CosineClasses(len(_trained(card)), name="classes")(embedding)
            output = keras.layers.Concatenate(name="embedding_and_cosines")([output, cosines])
        return keras.Model(inputs, output, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return ArcFace with a margin to choose, or batch-hard triplets with a soft one."""
        from nas.training.tasks.losses import ArcFace, BatchHardTriplet

        if not _is_arcface(card, hp):
            return BatchHardTriplet(WIDEST)
        rows = np.full(card.classes, -1)
        trained = _trained(card)
        rows[trained] = np.arange(len(trained))
        margin = hp.Choice("arcface_margin", [0.1, 0.3, 0.5], default=0.3)
        return ArcFace(WIDEST, rows.tolist(), margin=margin)

    def measure(self, outputs: Outputs, card: DataCard) -> dict[str, float]:
        """Return the equal error rate, and how often the nearest example is of the same identity."""
        embedding, y = outputs.predict("validation")[:, :WIDEST], outputs.open("validation").labels
        return {"val_eer": verification(embedding, y), "val_recall_at_1": recall_at_1(embedding, y)}


METRIC_LEARNING = MetricLearning()


def _trained(card: DataCard) -> Array:
    """Return the identities that train has."""
    return np.flatnonzero(card.class_counts["train"])


def _is_arcface(card: DataCard, hp: keras_tuner.HyperParameters) -> bool:
    """Ask for the loss, where triplets find something in a batch."""
    shares = np.array(card.class_counts["train"]) / sum(card.class_counts["train"])
    meets = (BATCH - 1) * float((shares**2).sum()) >= 1
    return not meets or hp.Choice("loss", ["arcface", "triplet"]) == "arcface"


def _raw(train: Examples, validation: Examples) -> Array | None:
    """Return the only input of validation, standardised by train, flat and at length 1; ``None`` if it will not do."""
    if len(train.x) != 1 or train.only.dtype.kind not in "buif" or train.only.size > LARGEST_BASELINE:
        return None
    known, x = (part.only.reshape(len(part), -1).astype(np.float32) for part in (train, validation))
    return unit((x - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-6))
