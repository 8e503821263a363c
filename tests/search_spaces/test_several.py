"""Encoders of several inputs: each input has a family of its own, names never clash, and the join is what it says."""

import keras
import keras_tuner
import numpy as np
import pytest
from keras_tuner import HyperParameters

from nas.data_card import Input
from nas.testing import check_family
from nas.training.latency import measure
from search_spaces.image.cnn import CNN
from search_spaces.several.blocks import MeanEmbedding, real_steps, vectors_of
from search_spaces.several.fusion import Fusion
from search_spaces.several.pair import Pair
from search_spaces.vector.mlp import MLP

pytestmark = pytest.mark.tf

INPUTS = {
    "photo": Input("image", (8, 8, 1)),
    "sketch": Input("image", (12, 12, 1), item=True),
    "title": Input("text", (8,), vocabulary=20, item=True),
    "facts": Input("vector", (5,)),
    "tags": Input("ids", (3,), vocabulary=9),
}
ENCODERS = {"photo": ("cnn", "mlp"), "sketch": ("cnn", "mlp"), "title": ("bag", "text_cnn"), "facts": ("mlp",)}
PAIR = {name: given for name, given in INPUTS.items() if name != "tags"}


def passing(*names, width=6):
    """Inputs that are vectors, and encoders that are one dense layer."""

    class Encoder(keras_tuner.HyperModel):
        def build(self, hp):
            inputs = keras.Input((4,))
            return keras.Model(inputs, keras.layers.Dense(width, name="only")(inputs), name="encoder")

    inputs = {name: Input("vector", (4,), item=name == names[-1]) for name in names}
    return inputs, {name: {"encoder": Encoder()} for name in names}


def chosen(**values):
    hp = HyperParameters()
    for name, value in values.items():
        hp.Fixed(name, value)
    return hp


def test_random_fusions_keep_the_contract_and_each_input_has_its_own_family():
    built = check_family(Fusion, INPUTS, encoders=ENCODERS, members=6)
    assert len({architecture.fingerprint for architecture in built}) > 1
    names = [node.name for node in built[0].graph]
    assert len(set(names)) == len(names)
    assert set(INPUTS) <= set(names)
    assert any(name.startswith("photo_cnn/") for name in names)
    assert any(name.startswith("sketch_cnn/") for name in names)


def test_random_pairs_keep_the_contract_and_end_in_two_vectors_of_one_width():
    built = check_family(Pair, PAIR, encoders=ENCODERS, features="pair", members=6)
    assert len({architecture.fingerprint for architecture in built}) > 1


def test_choices_are_named_by_input_and_family():
    hp = HyperParameters()
    inputs = {"a": Input("image", (8, 8, 1)), "b": Input("vector", (4,))}
    Fusion(inputs, {"a": {"mlp": MLP((8, 8, 1)), "cnn": CNN((8, 8, 1))}, "b": {"mlp": MLP((4,))}}).build(hp)
    assert {"join", "width", "depth", "dropout", "a_family", "a/mlp/width", "b/mlp/width"} <= set(hp.values)
    assert "b_family" not in hp.values  # there is but one
    assert not any(name.startswith("a/cnn/") for name in hp.values)


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("join", ["concatenate", "gated", "attention"])
def test_every_join_takes_any_number_of_inputs_and_is_fed_by_name(join, inputs):
    given, encoders = passing(*"abc"[:inputs])
    model = Fusion(given, encoders).build(chosen(join=join, width=32, depth=0))
    wide = 32 if join == "gated" else 32 * inputs
    assert model.output_shape == (None, wide)
    x = {name: np.ones((2, 4), np.float32) for name in given}
    assert model(x).shape == (2, wide)
    assert measure([model], runs=2)[0].median_ms > 0


def test_each_input_reaches_the_features():
    given, encoders = passing(*"abc")
    for join in ("concatenate", "gated", "attention"):
        model = Fusion(given, encoders).build(chosen(join=join, width=32, depth=1))
        x = {name: np.ones((1, 4), np.float32) for name in given}
        for name in given:
            assert not np.allclose(model(x), model(x | {name: 2 * np.array([[1, -1, 3, 0]], np.float32)})), (join, name)


def test_gates_are_shares_of_the_inputs():
    given, encoders = passing("a", "b")
    model = Fusion(given, encoders).build(chosen(join="gated", width=32, depth=0))
    x = {name: np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32) for name in given}
    inner = keras.Model(model._inputs_struct, [model.get_layer(name).output for name in ("gate", "values")])
    gates, values = (np.asarray(part) for part in inner(x))
    np.testing.assert_allclose(gates.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model(x), (gates * values).sum(axis=1), rtol=1e-4, atol=1e-6)


def test_ids_are_embedded_as_the_mean_of_those_that_are_there():
    layer = MeanEmbedding(9, 4)
    found = np.asarray(layer(np.array([[2, 5, 0], [0, 0, 0]], np.int32)))
    vectors = np.asarray(layer.vectors)
    np.testing.assert_allclose(found[0], (vectors[2] + vectors[5]) / 2, rtol=1e-5)
    np.testing.assert_array_equal(found[1], 0)


def test_the_mean_of_a_text_that_is_encoded_as_a_sequence_leaves_padding_out():
    tokens = {"title": keras.Input((8,), dtype="int32")}
    steps, fewer = keras.Input((8, 4)), keras.Input((4, 4))
    assert real_steps(INPUTS, tokens, {"title": fewer}) == {"title": None}
    real = real_steps(INPUTS, tokens, {"title": steps})
    model = keras.Model([tokens["title"], steps], vectors_of({"title": steps}, real)["title"])
    x = np.random.default_rng(0).normal(size=(1, 8, 4)).astype(np.float32)
    found = np.asarray(model([np.array([[5, 2, 9, 0, 0, 0, 0, 0]]), x]))
    np.testing.assert_allclose(found, x[:, :3].mean(axis=1), rtol=1e-5)


def test_halves_of_a_pair_see_nothing_of_each_other():
    given, encoders = passing(*"abc")
    model = Pair(given, encoders).build(chosen(width=32))
    x = {name: np.ones((1, 4), np.float32) for name in given}
    query, item = model(x)
    other_query, same_item = model(x | {"a": np.zeros((1, 4), np.float32)})
    assert query.shape == item.shape == (1, 32)
    assert not np.allclose(query, other_query)
    np.testing.assert_array_equal(item, same_item)


def test_what_cannot_be_joined_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="no family to encode b by"):
        Fusion({"a": INPUTS["tags"], "b": INPUTS["photo"]}, {})
    given, encoders = passing("a", "b")
    with pytest.raises(ValueError, match="two halves"):
        Pair({name: Input("vector", (4,)) for name in given}, encoders)
