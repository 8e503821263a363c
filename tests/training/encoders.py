"""The smallest encoders that tasks can be tried with."""

import keras
import keras_tuner
from keras import layers


class Dense(keras_tuner.HyperModel):
    """A vector in, a vector out."""

    def __init__(self, input_shape):
        super().__init__()
        self.input_shape = input_shape

    def build(self, hp):
        inputs = keras.Input(self.input_shape)
        return keras.Model(inputs, layers.Dense(32, activation="relu")(inputs), name="dense")


class Conv(keras_tuner.HyperModel):
    """A sequence in; a vector for each step out, or one for all of them."""

    def __init__(self, input_shape, features):
        super().__init__()
        self.input_shape, self.features = input_shape, features

    def build(self, hp):
        x = inputs = keras.Input(self.input_shape)
        x = layers.Conv1D(32, 3, hp.Choice("stride", [1, 2, 4]), padding="same", activation="relu")(x)
        if self.features == "vector":
            x = layers.GlobalAveragePooling1D()(x)
        return keras.Model(inputs, x, name="conv")
