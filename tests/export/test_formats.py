"""Every shipped family, in every format: what is written gives, in what serves it, what the model gives.

By default ONNX and LiteRT are tried on a few families, for time; ``NAS_TEST_FORMATS=all`` tries them on all.
"""

import os

import keras
import pytest

from nas.data_card import DataCard, Input, Target
from nas.export.comparing import compare
from nas.export.formats import FORMATS
from nas.export.serving import served_names, serving_model
from tests.export.members import SHIPPED, member, told

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's own, writing HDF5
    pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning"),  # Keras's own, patching tf2onnx
]

ONE_AT_A_TIME = {"series_rnn", "text_rnn", "crnn"}
"""Recurrent layers: over a batch of any size their LiteRT files would need TensorFlow's operations (Flex), which no
interpreter of today's packages runs. So they take one example at a time."""
DO_NOT_CONVERT: dict[tuple[str, str], str] = {}
"""(family, format) and why."""
FEW = {"onnx": ("vit", "audio_cnn", "series_rnn", "two_tower"), "litert": ("cnn", "text_rnn", "fusion")}
"""One of each kind: exact GELU and attention, a Fourier transform, recurrence, several inputs and outputs."""
ALL = os.environ.get("NAS_TEST_FORMATS") == "all"


def tried(format_: str) -> list[str]:
    return [name for name in (SHIPPED if ALL else FEW[format_]) if (name, format_) not in DO_NOT_CONVERT]


def differs(name: str, format_: str, folder, batch=None):
    one = member(name)
    written = FORMATS[format_].write(serving_model(one.model, one.card), folder, batch)
    found = compare(written, one.x, one.expected)
    assert found.agrees, f"{name} as {format_} differs by {found.difference}, {found.allowed} allowed"
    return written


@pytest.mark.parametrize("name", SHIPPED)
def test_keras_and_saved_model(name, tmp_path):
    differs(name, "keras", tmp_path)
    differs(name, "savedmodel", tmp_path)


@pytest.mark.parametrize("name", tried("onnx"))
def test_onnx(name, tmp_path):
    assert differs(name, "onnx", tmp_path).batch is None


@pytest.mark.parametrize("name", tried("litert"))
def test_litert(name, tmp_path):
    assert differs(name, "litert", tmp_path).batch == (1 if name in ONE_AT_A_TIME else None)


def test_any_names_of_inputs_and_one_that_an_output_has(tmp_path):
    names = {"my photo": "my_photo", "größe": "gr__e", "my_photo": "input2_my_photo", "features": "features"}
    inputs = {name: Input("vector", (3,), (0.0,) * 3, (1.0,) * 3) for name in names}
    card = DataCard("none", "0" * 64, "", inputs, Target(names=("a", "b")), {"train": 8, "validation": 8})
    given = {name: keras.Input((3,), name=name) for name in names}
    one = told(keras.Model(given, keras.layers.Dense(2)(keras.layers.Concatenate()(list(given.values())))), card)
    assert served_names(names) == names
    served = serving_model(one.model, card)
    x = {names[name]: array for name, array in one.x.items()}
    for format_ in ("savedmodel", "onnx"):
        written = FORMATS[format_].write(served, tmp_path, None)
        assert compare(written, x, {"features_given": one.expected["features"]}).agrees
