"""What a worker trains on, from the arrays as they are mapped."""

import keras
import numpy as np
import pytest

from nas.data_card import DataCard, Input, Target
from nas.training.feed import labelled
from nas.training.loop import Rows

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(
    ("loss", "shape"), [("sparse_categorical_crossentropy", (4,)), ("categorical_crossentropy", (4, 2))]
)
def test_labels_of_data_that_are_not_resident_are_not_either(loss, shape):
    card = DataCard("test", "0", ".", {"x": Input("vector", (2,))}, Target(names=("a", "b")), {"train": 4})
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    rows = Rows(np.zeros((4, 2), np.float32), np.array([0, 1, 1, 0], np.int32))
    found = labelled(rows, model, card)
    assert not found.resident
    assert found.y.shape == shape
    assert found.take(slice(0, 2)).resident
