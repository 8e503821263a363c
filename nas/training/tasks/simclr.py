"""SimCLR: pretraining on images alone. Two views of one image are to be more alike than those of any two."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nas.data.source import RawData
from nas.data_card import Baseline, DataCard, Target
from nas.training.tasks.task import VALIDATION_BATCH, Splits, Task
from nas.training.tasks.unlabelled import without_labels

if TYPE_CHECKING:
    import keras
    import keras_tuner


class SimCLR(Task):
    """Vectors of length 1; the score is the share of views whose nearest one in the batch is of the same image.

    Source: Chen et al. 2020, arXiv:2002.05709.
    """

    objective: ClassVar = ("val_instance_accuracy", "maximize")
    metrics: ClassVar = ("val_instance_accuracy", "val_loss")
    output: ClassVar = ""  # a head that is thrown away

    def check(self, data: RawData) -> RawData:
        """Return `data`, which must be images, with labels that say nothing.

        Raises:
            DataError: They are not.
        """
        return without_labels(data, "image", "simclr")

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Take any other view of the batch, all alike."""
        whole, rest = divmod(len(splits["validation"]), VALIDATION_BATCH)
        images = np.array([VALIDATION_BATCH] * whole + [rest] * (rest > 0), np.float64)
        weights, others = images / images.sum(), 2 * images - 1
        metrics = {
            "val_instance_accuracy": float((weights / others).sum()),
            "val_loss": float((weights * np.log(others)).sum()),
        }
        return Baseline("chance", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``images ▶ (batch, width)``: a hidden layer and a projection, which is thrown away later.

        Raises:
            FamilyError: The encoder has several outputs, or one that is no vector, sequence or map of known width.
        """
        import keras

        from nas.training.tasks.heads import ends, vector

        inputs, (features,) = ends(encoder, card)
        width = hp.Choice("projection", [32, 64, 128], default=64)
        x = keras.layers.Dense(2 * width, activation="relu", name="head_hidden")(vector(features, encoder.name))
        x = keras.layers.Dense(width, name="head")(x)
        return keras.Model(inputs, keras.layers.UnitNormalization(name="head_length")(x), name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the normalised, temperature-scaled cross-entropy, at the temperature that `hp` chooses."""
        from nas.training.tasks.contrastive import NTXent

        return NTXent(hp.Choice("temperature", [0.1, 0.2, 0.5], default=0.2))

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the share of views that find the other one."""
        from nas.training.tasks.contrastive import InstanceAccuracy

        return [InstanceAccuracy(name="instance_accuracy")]

    def view(self, card: DataCard, hp: keras_tuner.HyperParameters) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
        """Return what makes two views of every image: first all first ones, then all second ones."""
        return two_views


SIMCLR = SimCLR()


def two_views(x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
    """Return twice as many images, and labels: two views of each."""
    import tensorflow as tf

    views = [one_view(x, tf.random.fold_in(seed, number)) for number in (1, 2)]
    return tf.concat(views, axis=0), tf.concat([y, y], axis=0)


SMALLEST_CROP = 0.4
"""The share of an image's area that a crop has at least. All that follows is in standard deviations of a channel."""
BRIGHTNESS = 0.4
CONTRAST = 0.4
NOISE = 0.1


def one_view(x: Any, seed: Any) -> Any:
    """Return images (images, height, width, channels) cropped, mirrored or not, lighter or darker, with noise.

    What SimCLR found to matter most, crops and colours (section 3.1), with each channel's brightness by itself.
    """
    import tensorflow as tf

    images = tf.shape(x)[0]
    height, width, channels = x.shape[1:]

    def draw(number: int, shape: list[Any], low: float = 0.0, high: float = 1.0) -> Any:
        return tf.random.stateless_uniform([images, *shape], tf.random.fold_in(seed, number), low, high)

    side = draw(1, [1], math.sqrt(SMALLEST_CROP), 1.0)
    corner = draw(2, [2]) * (1.0 - side)
    view = tf.image.crop_and_resize(x, tf.concat([corner, corner + side], 1), tf.range(images), [height, width])
    view = tf.where(draw(3, [1, 1, 1]) < 0.5, tf.reverse(view, [2]), view)
    mean = tf.reduce_mean(view, axis=[1, 2, 3], keepdims=True)
    view = mean + (view - mean) * draw(4, [1, 1, 1], 1 - CONTRAST, 1 + CONTRAST)
    view += draw(5, [1, 1, channels], -BRIGHTNESS, BRIGHTNESS)
    view += tf.random.stateless_normal(tf.shape(view), tf.random.fold_in(seed, 6), stddev=NOISE)
    return tf.ensure_shape(view, x.shape)
