"""Masked patches: pretraining on images alone. Most of an image is hidden, and its pixels are to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nas.data.source import RawData, chunks
from nas.data.statistics import mean_and_std
from nas.data_card import Baseline, DataCard, Target
from nas.training.tasks.task import Features, Splits, Task
from nas.training.tasks.unlabelled import without_labels

if TYPE_CHECKING:
    import keras
    import keras_tuner

SHARE = 0.6
"""Of the patches, how many are hidden. No choice: fewer would be easier, and trials could not be compared."""
PATCHES = 8
"""About so many patches make up the shorter side."""


class MaskedPatches(Task):
    """Pixels, standardised; loss and score are the mean absolute error over those that were hidden.

    Source: Xie et al. 2022, arXiv:2111.09886 (SimMIM), whose head is one linear layer too.
    """

    objective: ClassVar = ("val_masked_mae", "minimize")
    metrics: ClassVar = ("val_masked_mae", "val_loss")
    output: ClassVar = ""  # a head that is thrown away
    features: ClassVar[Features] = "map"

    def check(self, data: RawData) -> RawData:
        """Return `data`, which must be images, with labels that say nothing.

        Raises:
            DataError: They are not.
        """
        return without_labels(data, "image", "masked_patches")

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say of every pixel that it is the mean one of train."""
        mean, std = mean_and_std(splits["train"].only)
        validation = splits["validation"].only
        total = sum(float(np.abs((chunk - np.array(mean)) / np.array(std)).sum()) for _, chunk in chunks(validation))
        error = total / validation.size
        return Baseline("mean pixel", {"val_masked_mae": error, "val_loss": error})

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``images ▶ (batch, height, width, channels)``: every place of the map tells the pixels it stands for.

        Raises:
            FamilyError: The encoder does not give a map.
        """
        import keras

        from nas.training.tasks.heads import ends, fixed_map

        height, width, channels = card.input_shape
        inputs, (features,) = ends(encoder, card)
        rows, columns = fixed_map(features, encoder.name).shape[1:3]
        tall, wide = -(-height // rows), -(-width // columns)
        x = keras.layers.Dense(tall * wide * channels, name="head")(features)
        x = keras.layers.Reshape((rows, columns, tall, wide, channels), name="head_places")(x)
        x = keras.layers.Permute((1, 3, 2, 4, 5), name="head_interleave")(x)
        x = keras.layers.Reshape((rows * tall, columns * wide, channels), name="head_pixels")(x)
        if x.shape[1:3] != (height, width):
            x = x[:, :height, :width]
        return keras.Model(inputs, x, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the mean absolute error over hidden pixels."""
        from nas.training.tasks.masking import PatchLoss

        return PatchLoss(name="masked_patches")

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the same, in standard deviations of a channel."""
        from nas.training.tasks.masking import PatchError

        return [PatchError(name="masked_mae")]

    def view(self, card: DataCard, hp: keras_tuner.HyperParameters) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
        """Return what hides patches: ``images ▶ images, (…, channels + 1)``, the pixels and the mask."""
        import tensorflow as tf

        from nas.training.tasks.masking import hide_patches

        patch = patch_side(card.input_shape)

        def view(x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
            hidden, mask = hide_patches(x, seed, patch, SHARE)
            return hidden, tf.concat([x, mask], axis=-1)

        return view


MASKED_PATCHES = MaskedPatches()


def patch_side(shape: tuple[int, ...]) -> int:
    """Return the side of a patch in pixels, for images of `shape`: at least 2, or its neighbours give a pixel away."""
    return max(2, round(min(shape[:2]) / PATCHES))
