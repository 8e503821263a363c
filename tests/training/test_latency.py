"""Figures that can be compared: in turns, after a warm-up, many runs, any structure of inputs."""

import keras
import pytest
from keras import layers

from nas.training.latency import measure

pytestmark = pytest.mark.tf


def models():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    single = keras.Model(a, layers.Dense(2)(a))
    double = keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b])))
    named = keras.Model({"a": a, "b": b}, layers.Dense(2)(layers.Add()([a, b])))
    return single, double, named, keras.Sequential([keras.Input((4,)), layers.Dense(2)])


@pytest.mark.parametrize("batch", [1, 8])
def test_models_of_every_structure_of_inputs_are_timed_in_turns(batch):
    found = measure(models(), batch, runs=5)
    assert len(found) == 4
    for latency in found:
        assert 0 < latency.median_ms <= latency.p95_ms
        assert (latency.batch, latency.runs) == (batch, 5)


def test_a_much_larger_model_takes_longer():
    inputs = keras.Input((256,))
    x = inputs
    for _ in range(8):
        x = layers.Dense(2048)(x)
    small, large = measure([models()[0], keras.Model(inputs, x)], batch=16, runs=9)
    assert small.median_ms < large.median_ms


def test_what_has_no_shape_is_refused():
    inputs = keras.Input((None, 4))
    with pytest.raises(ValueError, match="inputs of known shape"):
        measure([keras.Model(inputs, layers.LSTM(2)(inputs))])
    with pytest.raises(ValueError, match="built model"):
        measure([keras.Sequential([layers.Dense(2)])])
