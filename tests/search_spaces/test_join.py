"""Tokens of several inputs: how many there are, which are real, who attends to whom, and what it costs."""

import keras
import keras_tuner
import numpy as np
import pytest
from keras import layers, ops

from nas.data_card import Input
from nas.testing import check_family
from nas.training.architecture import describe
from search_spaces.several.fusion import ATTEND, Fusion
from search_spaces.several.join import MOST_TOKENS, few_places, mean_over

pytestmark = pytest.mark.tf

INPUTS = {"photo": Input("image", (8, 8, 64)), "title": Input("text", (16,), vocabulary=20)}
RNG = np.random.default_rng(0)


class Encoder(keras_tuner.HyperModel):
    """As little as can be: an image as it is, a vector for each token; or the mean of that."""

    def __init__(self, given, features="vector"):
        super().__init__()
        self.given, self.features = given, features

    def build(self, hp):
        x = inputs = keras.Input(self.given.shape, dtype=self.given.dtype)
        if self.given.kind == "text":
            x = layers.Embedding(self.given.vocabulary, 64, name="words")(x)
        if self.features == "vector":
            x = (layers.GlobalAveragePooling1D() if self.given.kind == "text" else layers.GlobalAveragePooling2D())(x)
        else:
            x = ops.negative(x)
        return keras.Model(inputs, x, name="encoder")


def fusion(inputs=INPUTS, able=INPUTS):
    """A fusion of `inputs`, of which those `able` can give places."""
    encoders = {name: {"encoder": Encoder(given)} for name, given in inputs.items()}
    return Fusion(inputs, encoders, {name: {"encoder": Encoder(inputs[name], "places")} for name in able})


def chosen(**values):
    hp = keras_tuner.HyperParameters()
    for name, value in values.items():
        hp.Fixed(name, value)
    return hp


def example():
    return {"photo": RNG.normal(size=(1, 8, 8, 64)).astype("float32"), "title": np.array([[3, 4, 5] + [0] * 13])}


@pytest.mark.parametrize("where", ["places", "vectors"])
@pytest.mark.parametrize("attend", ATTEND)
def test_inputs_of_every_kind_attend(where, attend):
    inputs = {
        "image": Input("image", (20, 12, 1)),
        "sound": Input("audio", (4000,), sample_rate=8000),
        "series": Input("sequence", (100, 3)),
        "text": Input("text", (70,), vocabulary=20),
        "facts": Input("vector", (5,)),
        "tags": Input("ids", (3,), vocabulary=9),
    }
    families = {"image": "vit", "sound": "audio_cnn", "series": "tcn", "text": "text_rnn", "facts": "mlp"}

    def attending(hp, inputs, encoders, places):
        for name, value in {"join": "attention", "where": where, "attend": attend}.items():
            hp.Fixed(name, value)
        return Fusion(inputs, encoders, places).build(hp)

    encoders = {name: (family,) for name, family in families.items()}
    (built,) = check_family(attending, inputs, encoders=encoders, members=1)
    shapes = {node.name: node.shape for node in built.graph}
    counts = [shapes[f"{name}_places"][0] for name in inputs]
    assert max(counts) <= MOST_TOKENS
    assert counts[-2:] == [1, 1]
    assert (min(counts[:4]) > 1) == (where == "places")


def test_choices_of_attention_are_asked_where_they_make_a_difference():
    def asked(family):
        family.build(hp := chosen(join="attention"))
        return set(hp.values) & {"where", "attend", "blocks"}

    three = {**INPUTS, "logo": INPUTS["photo"]}
    assert asked(fusion()) == {"where", "attend", "blocks"}
    assert asked(fusion(able=("title",))) == {"where", "attend", "blocks"}
    assert asked(fusion(able=())) == {"blocks"}
    assert asked(fusion(three, able=())) == {"attend", "blocks"}
    late = chosen(join="attention", where="vectors")
    fusion().build(late)
    assert "attend" not in late.values
    plain = chosen(join="gated")
    fusion().build(plain)
    assert not set(plain.values) & {"where", "attend", "blocks"}


def test_encoders_asked_for_places_may_ask_for_something_else():
    class Asking(Encoder):
        def build(self, hp):
            hp.Choice("size", [1, 2] if self.features == "vector" else [3, 4])
            return super().build(hp)

    encoders = {name: {"encoder": Asking(given)} for name, given in INPUTS.items()}
    places = {name: {"encoder": Asking(given, "places")} for name, given in INPUTS.items()}
    for where, names in (("vectors", {"photo/encoder/size"}), ("places", {"photo/encoder/places/size"})):
        Fusion(INPUTS, encoders, places).build(hp := chosen(join="attention", where=where))
        assert {name for name in hp.values if name.startswith("photo/")} == names


@pytest.mark.parametrize("attend", ATTEND)
def test_attention_over_places_sees_both_inputs_and_no_padding(attend):
    model = fusion().build(chosen(join="attention", where="places", attend=attend, blocks=2))
    x = example()
    before = np.asarray(model(x))
    assert not np.allclose(before, model(x | {"title": np.array([[3, 4, 6] + [0] * 13])}), atol=1e-4)
    assert not np.allclose(before, model(x | {"photo": example()["photo"]}), atol=1e-4)
    words = model.get_layer("title_encoder").get_layer("words").embeddings
    words.assign(ops.concatenate([100 * ops.ones((1, 64)), words[1:]]))
    np.testing.assert_allclose(model(x), before, atol=1e-5)
    assert np.isfinite(model(x | {"title": np.zeros((1, 16))})).all()


@pytest.mark.parametrize(("attend", "sees"), [("each", False), ("together", True)])
def test_each_attends_to_the_others_alone(attend, sees):
    inputs = {name: (keras.Input((count, 32)), None) for name, count in (("a", 3), ("b", 2))}
    seen = ATTEND[attend](inputs, 1)
    model = keras.Model([x for x, _ in inputs.values()], [x for x, _ in seen.values()])
    a, b = (RNG.normal(size=(1, count, 32)).astype("float32") for count in (3, 2))
    first, other = (np.asarray(x) for x in model([a, b]))
    moved, others = (np.asarray(x) for x in model([a + np.eye(3, 32, -2, "float32"), b]))
    assert not np.allclose(moved[0, 2], first[0, 2])
    assert not np.allclose(others, other)
    assert (not np.allclose(moved[0, :2], first[0, :2])) == sees


@pytest.mark.parametrize("places", [(8, 8), (9, 8), (3, 200), (64,), (65,), (1000,)])
def test_there_are_few_tokens_and_no_fewer_than_need_be(places):
    x, real = few_places(keras.Input((*places, 5)), None, "x")
    assert real is None
    assert x.shape[1] <= MOST_TOKENS
    size = mean_over(places)
    assert size == 1 or np.prod([-(-length // (size - 1)) for length in places]) > MOST_TOKENS


def test_neighbours_are_averaged_over_the_real_ones():
    sequence, mask = keras.Input((100, 2)), keras.Input((100,), dtype="bool")
    model = keras.Model([sequence, mask], few_places(sequence, mask, "x"))
    x = RNG.normal(size=(1, 100, 2)).astype("float32")
    tokens, real = (np.asarray(part)[0] for part in model([x, np.arange(100)[None] < 31]))
    assert tokens.shape == (50, 2)
    np.testing.assert_array_equal(real, np.arange(50) < 16)
    np.testing.assert_allclose(tokens[:15], x[0, :30].reshape(15, 2, 2).mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(tokens[15], x[0, 30], rtol=1e-5)
    np.testing.assert_array_equal(tokens[16:], 0)


def test_the_cost_is_that_of_the_first_lines():
    def cost(**values):
        found = describe(fusion().build(chosen(**values))).cost
        return found.weights - 20 * 64, found.macs

    largest = {"join": "attention", "where": "places", "width": 128, "depth": 2, "blocks": 2}
    assert cost() == (16_832, 16_384)
    assert cost(join="concatenate", width=32, depth=0) == (4_288, 4_096)
    assert cost(**largest, attend="each") == (608_256, 22_724_608)
    assert cost(**largest, attend="together") == (342_272, 24_952_832)
    image, text, width = 64, 16, 64
    tokens = image + text
    projections = tokens * 64 * width
    after = 2 * width * width
    block = tokens * 8 * width**2
    assert cost(join="attention", attend="together")[1] == projections + block + 2 * tokens**2 * width + after
    assert cost(join="attention", attend="each")[1] == projections + block + 4 * image * text * width + after
