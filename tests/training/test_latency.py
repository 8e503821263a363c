import keras
import pytest
from keras import layers

from nas.training.latency import measure

pytestmark = pytest.mark.tf


def test_measures_models_with_one_input_and_with_several():
    a, b = keras.Input((4,)), keras.Input((4,))
    single = keras.Model(a, layers.Dense(2)(a))
    double = keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b])))
    for model in (single, double):
        latency = measure(model, repeats=5)
        assert 0 < latency.median_ms <= latency.p95_ms


def test_refuses_what_has_no_shape():
    inputs = keras.Input((None, 4))
    with pytest.raises(ValueError, match="inputs of known shape"):
        measure(keras.Model(inputs, layers.LSTM(2)(inputs)))
    with pytest.raises(ValueError, match="built model"):
        measure(keras.Sequential([layers.Dense(2)]))
