"""The head on encoders of every kind, and labels in the form a compiled model wants."""

import keras
import numpy as np
import pytest

from nas.data_card import DataCard, Input, Target
from nas.errors import FamilyError
from nas.training.tasks.classification import CLASSIFICATION
from nas.training.tasks.labels import labels_for

pytestmark = pytest.mark.tf
layers = keras.layers


def card(*input_shape: int) -> DataCard:
    return DataCard("test", "0", ".", {"x": Input("vector", input_shape)}, Target(names=("a", "b", "c")), {})


def functional(input_shape, *calls) -> keras.Model:
    x = inputs = keras.Input(input_shape)
    for call in calls:
        x = call(x)
    return keras.Model(inputs, x, name="encoder")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv2D(4, 3)

    def call(self, x):
        return self.convolution(x)


ENCODERS = {
    "vector": lambda: functional((8, 8, 1), layers.Flatten(), layers.Dense(5)),
    "map": lambda: functional((8, 8, 1), layers.Conv2D(4, 3)),
    "sequence": lambda: functional((8, 8, 1), layers.Reshape((16, 4)), layers.Dense(5)),
    "map of any size": lambda: functional((None, None, 1), layers.Conv2D(4, 3)),
    "sequential": lambda: keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3)]),
    "sequential without an input": lambda: keras.Sequential([layers.Conv2D(4, 3)]),
    "subclassed": Subclassed,
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_kind_of_encoder_ends_in_logits(kind):
    model = CLASSIFICATION.attach_head(ENCODERS[kind](), card(8, 8, 1), None)
    assert model.output_shape == (None, 3)
    assert model.get_layer("head").activation is keras.activations.linear
    model.compile("sgd", loss=CLASSIFICATION.loss(card(), None), metrics=CLASSIFICATION.keras_metrics(card()))
    logs = model.evaluate(np.ones((4, 8, 8, 1)), np.array([0, 1, 2, 0], np.int32), verbose=0, return_dict=True)
    assert {f"val_{name}" for name in logs} == set(CLASSIFICATION.metrics)


def test_a_map_is_averaged_over_its_places():
    model = CLASSIFICATION.attach_head(functional((4, 4, 2), layers.Activation("linear")), card(4, 4, 2), None)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)
    kernel, bias = model.get_layer("head").get_weights()
    np.testing.assert_allclose(model(x), x.mean(axis=(1, 2)) @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_several_outputs_are_refused():
    inputs = keras.Input((4,))
    encoder = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(3)(inputs)], name="two_headed")
    with pytest.raises(FamilyError, match=r"'two_headed' has 2\. Join them"):
        CLASSIFICATION.attach_head(encoder, card(4), None)


def test_features_of_unknown_shape_are_refused():
    with pytest.raises(FamilyError, match="those of 'encoder' are"):
        CLASSIFICATION.attach_head(functional((2, 2, 2, 2), layers.Activation("relu")), card(2, 2, 2, 2), None)
    with pytest.raises(FamilyError, match="of known width"):
        CLASSIFICATION.attach_head(functional((None,), layers.Activation("relu")), card(4), None)


def custom(y_true, y_pred):
    return y_pred


ONE_HOT = [
    "categorical_crossentropy",
    "CategoricalCrossentropy",
    "mse",
    "kl_divergence",
    "categorical_hinge",
    "binary_crossentropy",
    keras.losses.categorical_crossentropy,
    keras.losses.CategoricalCrossentropy(from_logits=True),
    keras.losses.CategoricalFocalCrossentropy(),
    ["categorical_crossentropy"],
    {"output": keras.losses.CategoricalCrossentropy()},
]
INDICES = [
    "sparse_categorical_crossentropy",
    "SparseCategoricalCrossentropy",
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ["sparse_categorical_crossentropy"],
    ["categorical_crossentropy", "mse"],
    custom,
    None,
]


@pytest.mark.parametrize("loss", ONE_HOT)
def test_losses_that_compare_class_by_class_get_one_hot_labels(loss):
    y = np.array([2, 0, 1], np.int32)
    np.testing.assert_array_equal(labels_for(loss, y, 3), np.eye(3)[y])


@pytest.mark.parametrize("loss", INDICES)
def test_other_losses_get_the_labels_as_they_are(loss):
    y = np.array([2, 0, 1], np.int32)
    given = labels_for(loss, y, 3).numpy()
    np.testing.assert_array_equal(given, y)
    assert given.dtype == np.int32


def test_two_classes_of_a_binary_loss_are_one_output():
    y = np.array([1, 0], np.int32)
    np.testing.assert_array_equal(labels_for("binary_crossentropy", y, 2), y)
    np.testing.assert_array_equal(labels_for(keras.losses.BinaryCrossentropy(), y, 2), y)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", keras.losses.CategoricalCrossentropy()])
def test_a_model_that_came_compiled_trains_on_them(loss):
    model = functional((4,), layers.Dense(3, activation="softmax"))
    model.compile("sgd", loss=loss, metrics=["accuracy"])
    logs = model.train_on_batch(np.ones((6, 4)), labels_for(model.loss, np.array([0, 1, 2] * 2), 3), return_dict=True)
    assert np.isfinite(logs["loss"])
    assert logs["accuracy"] == pytest.approx(1 / 3)
