"""For each data set of `benchmarks.modalities` the encoder somebody would write by hand, sensible and not tuned.

Each takes the data card and returns inputs ▶ features; head, loss and metrics are those of the task.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers, ops

from nas.data_card import DataCard


def convnet(card: DataCard) -> keras.Model:
    """Two convolutions with pooling, as in Keras's own "Simple MNIST convnet"."""
    inputs = keras.Input(card.input_shape)
    x = layers.Conv2D(32, 3, activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    return keras.Model(inputs, layers.Dropout(0.5)(layers.Flatten()(x)))


def text_convnet(card: DataCard) -> keras.Model:
    """Embedding, one-dimensional convolution, pooling: Keras's "Text classification from scratch"."""
    (given,) = card.inputs.values()
    inputs = keras.Input(given.shape, dtype="int32")
    x = layers.Dropout(0.5)(layers.Embedding(given.vocabulary, 128)(inputs))
    x = layers.Conv1D(128, 7, padding="same", activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return keras.Model(inputs, layers.Dropout(0.5)(layers.Dense(128, activation="relu")(x)))


def spectrogram_convnet(card: DataCard) -> keras.Model:
    """Log-mel spectrogram and a small convolutional network."""
    (given,) = card.inputs.values()
    inputs = keras.Input(given.shape)
    x = layers.MelSpectrogram(fft_length=512, sequence_stride=128, sampling_rate=given.sample_rate, num_mel_bins=40)(
        inputs
    )
    x = layers.BatchNormalization()(x[..., None])
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return keras.Model(inputs, layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x)))


def two_tower(card: DataCard) -> keras.Model:
    """One embedding a user and one an item, as in TensorFlow Recommenders' "Retrieval" tutorial."""
    inputs = {name: keras.Input(given.shape, dtype=given.dtype, name=name) for name, given in card.inputs.items()}
    vectors = []
    for name in ("user", "item"):
        embedded = layers.Embedding(card.inputs[name].vocabulary, 32, name=f"{name}_vector")(inputs[name])
        vectors.append(layers.Flatten()(embedded))
    return keras.Model(inputs, vectors)


def image_and_name(card: DataCard) -> keras.Model:
    """A small convolutional network for the image, a bag of embeddings for the name, side by side."""
    inputs = {name: keras.Input(given.shape, dtype=given.dtype, name=name) for name, given in card.inputs.items()}
    sides = []
    for name, given in card.inputs.items():
        x = inputs[name]
        if given.kind == "image":
            for filters in (32, 64, 128):
                x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
                x = layers.MaxPooling2D()(x)
            sides.append(layers.GlobalAveragePooling2D()(x))
        else:
            there = ops.cast(ops.expand_dims(x, -1) != 0, "float32")
            x = layers.Embedding(given.vocabulary, 64)(x) * there
            sides.append(ops.sum(x, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0))
    x = layers.Dense(128, activation="relu")(layers.Concatenate()(sides))
    return keras.Model(inputs, layers.Dropout(0.3)(x))


FIXED: dict[str, Callable[[DataCard], keras.Model]] = {
    "fashion_mnist": convnet,
    "banking77": text_convnet,
    "goemotions": text_convnet,
    "spoken_digits": spectrogram_convnet,
    "movies": two_tower,
    "emoji": image_and_name,
}
"""By the name of the study."""
