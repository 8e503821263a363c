"""What is particular to the families of images; what they share is in the contract."""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.tf

FAMILIES = ["cnn", "resnet", "vit", "mobilenet", "convnext", "cell"]


def build(name, shape=(8, 8, 1), features="vector", **params):
    """Return the member of a family that answers with `params`, and with the defaults where there are none."""
    model, asked = build_and_ask(name, shape, features, **params)
    assert set(params) <= set(asked)
    return model


def build_and_ask(name, shape, features, **params):
    """Return a member, and the names of the choices it asked for."""
    from nas import catalogue
    from nas.training.hyperparameters import AnsweredHyperParameters

    asked = []

    def answer(ask):
        asked.append(ask.name)
        return params.get(ask.name, ask.default)

    return catalogue.families[name](shape, features=features).build(AnsweredHyperParameters(answer)), asked


def fingerprint(model):
    from nas.training.architecture import describe

    return describe(model).fingerprint


# ---------------------------------------------------------------- features


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("cnn", (28, 28, 1), (7, 7, 64)),
        ("resnet", (28, 28, 1), (7, 7, 64)),
        ("vit", (28, 28, 1), (7, 7, 64)),
        ("vit", (31, 31, 3), (8, 8, 64)),  # a prime side: the last patches are padded
        ("mobilenet", (28, 28, 1), (7, 7, 256)),
        ("convnext", (28, 28, 1), (7, 7, 64)),  # 14 after the stem
        ("cell", (28, 28, 1), (7, 7, 48)),
        ("cell", (9, 12, 1), (5, 6, 24)),  # two stages; an odd side is padded
    ],
)
def test_a_map_is_smaller_than_the_image_and_of_known_shape(name, shape, expected):
    assert build(name, shape, "map").output_shape == (None, *expected)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "convnext"])  # which normalizes after the mean
def test_a_vector_is_the_mean_of_the_map(name):
    x = np.random.default_rng(0).normal(size=(2, 12, 8, 1)).astype("float32")
    vector, whole = build(name, (12, 8, 1)), build(name, (12, 8, 1), "map")
    whole.set_weights(vector.get_weights())
    places = whole.predict_on_batch(x)
    assert np.allclose(vector.predict_on_batch(x), places.mean(axis=(1, 2)), atol=1e-5)
    assert places.std(axis=(1, 2)).max() > 1e-3  # it is not the same everywhere


def test_a_map_has_no_class_token():
    for features, expected in (("vector", True), ("map", False)):
        _, asked = build_and_ask("vit", (8, 8, 1), features)
        assert ("pooling" in asked) is expected


@pytest.mark.parametrize("name", FAMILIES)
def test_other_features_are_refused(name):
    with pytest.raises(ValueError, match=r"'vector' or a 'map'.*'sequence'"):
        build(name, features="sequence")


# ---------------------------------------------------------------- stochastic depth, layer scale


def test_stochastic_depth_drops_whole_examples_and_keeps_the_expectation():
    import keras

    from search_spaces.blocks import StochasticDepth

    keras.utils.set_random_seed(0)
    layer = StochasticDepth(0.25)
    x = np.random.default_rng(0).normal(size=(4000, 2, 3)).astype("float32")
    y = np.asarray(layer(x, training=True))
    kept = (y != 0).any(axis=(1, 2))
    assert np.allclose(y[kept], x[kept] / 0.75, atol=1e-6)
    assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 4000)
    again = (np.asarray(layer(x, training=True)) != 0).any(axis=(1, 2))
    assert (again != kept).any()


def test_stochastic_depth_does_nothing_in_inference():
    from search_spaces.blocks import StochasticDepth

    x = np.ones((5, 4, 4, 2), "float32")
    assert (np.asarray(StochasticDepth(0.9)(x)) == x).all()
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        StochasticDepth(1.0)


@pytest.mark.parametrize(("name", "blocks"), [("resnet", 4), ("convnext", 4)])
def test_later_branches_are_dropped_more_often_and_none_where_the_rate_is_zero(name, blocks):
    params = {"stages": 2, "stage1_blocks": 2, "stage2_blocks": 2}

    def rates(rate):
        model = build(name, stochastic_depth=rate, **params)
        return [layer.rate for layer in model.layers if type(layer).__name__ == "StochasticDepth"]

    assert rates(0.2) == [0.05, 0.1, 0.15, 0.2]
    assert rates(0.0) == []


def test_a_model_with_stochastic_depth_computes_the_same_in_inference_as_one_without():
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    plain, dropping = build("resnet"), build("resnet", stochastic_depth=0.3)
    for layer in plain.layers[1:]:  # after the input
        dropping.get_layer(layer.name).set_weights(layer.get_weights())
    assert np.allclose(plain.predict_on_batch(x), dropping.predict_on_batch(x), atol=1e-6)
    assert fingerprint(plain) != fingerprint(dropping)


def test_layer_scale_starts_near_nothing():
    from search_spaces.blocks import LayerScale

    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    layer = LayerScale(0.01)
    assert np.allclose(np.asarray(layer(x)), 0.01 * x)
    assert layer.count_params() == 4


# ---------------------------------------------------------------- mobilenet, convnext


def test_the_inverted_residual_adds_only_where_shapes_agree():
    model = build("mobilenet", (8, 8, 1), stages=2, stage1_blocks=2, stage2_blocks=2)
    adds = [layer.name for layer in model.layers if type(layer).__name__ == "Add"]
    assert adds == ["stage1_block1_add", "stage1_block2_add", "stage2_block2_add"]


@pytest.mark.parametrize(("side", "stride", "stages"), [(8, 1, 2), (28, 2, 2), (32, 2, 3), (64, 4, 3), (224, 4, 4)])
def test_the_stem_is_finer_on_smaller_images(side, stride, stages):
    from search_spaces.image.convnext import stem_stride

    assert stem_stride((side, side, 3)) == stride
    deepest = build("convnext", (side, side, 3), "map", stages=stages)
    assert deepest.output_shape[1] == side // stride // 2 ** (stages - 1) >= 4
    assert deepest.get_layer("stem").kernel_size[0] == max(3, stride)  # never a single pixel


# ---------------------------------------------------------------- larger images

WITH_A_STEM = {"cnn": "stage1_block1_conv", "resnet": "stem", "mobilenet": "stem", "cell": "stem"}


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((28, 28), [1]), ((56, 56), [1]), ((64, 64), [1, 2]), ((224, 224), [2, 4]), ((15, 900), [1]), ((40, 900), [2, 4])],
)
def test_a_stem_goes_on_by_several_pixels_where_the_image_has_many(shape, strides):
    from search_spaces.image.blocks import stem_strides

    assert stem_strides((*shape, 3)) == strides


@pytest.mark.parametrize("name", WITH_A_STEM)
def test_the_stem_of_a_larger_image_is_a_choice_and_its_patches_overlap(name):
    for side, stride, kernel in ((32, 1, 3), (64, 2, 3), (224, 4, 7)):
        model, asked = build_and_ask(name, (side, side, 3), "vector")
        stem = model.get_layer(WITH_A_STEM[name])
        assert stem.output.shape[1:3] == (side // stride, side // stride)
        assert stem.kernel_size == (kernel, kernel)
        assert ("stem_stride" in asked) == (side > 32)
    finer = build(name, (224, 224, 3), stem_stride=2).get_layer(WITH_A_STEM[name])
    assert finer.output.shape[1:3] == (112, 112)


@pytest.mark.parametrize("name", WITH_A_STEM)
def test_the_default_costs_as_much_for_64_pixels_as_for_32(name):
    from nas.training.architecture import describe

    small, large = (describe(build(name, (side, side, 3))).cost for side in (32, 64))
    assert (large.weights, large.macs) == (small.weights, small.macs)


# ---------------------------------------------------------------- the searched cell


def cell(text, **more):
    """Return the member whose cell is written as in NAS-Bench-201, with our short names."""
    from search_spaces.image.cell import EDGES, spell

    operations = [word.partition("~")[0] for word in text.replace("+", "").split("|") if word]
    assert spell(operations) == text
    edges = {f"edge{start}{end}": operation for (start, end), operation in zip(EDGES, operations, strict=True)}
    return build("cell", **edges, **more)


def test_an_edge_that_leads_nowhere_is_not_built():
    from search_spaces.image.cell import living_edges

    # Nothing leaves node 1; nothing enters node 2.
    assert living_edges(("conv3", "none", "none", "skip", "none", "conv1")) == {(0, 3): "skip"}
    everything = ("conv3",) * 6
    assert len(living_edges(everything)) == 6
    model = cell("|conv3~0|+|none~0|none~1|+|skip~0|none~1|conv1~2|")
    assert not [layer.name for layer in model.layers if "edge" in layer.name]


def test_a_cell_that_connects_nothing_is_turned_away_with_the_reason():
    from keras_tuner.errors import FailedTrialError

    text = "|conv3~0|+|none~0|none~1|+|none~0|none~1|conv1~2|"
    with pytest.raises(FailedTrialError, match=r"no path leads .* output: \|conv3~0\|\+\|none~0"):
        cell(text)


def test_how_many_cells_connect_nothing():
    from search_spaces.image.cell import OPERATIONS, living_edges

    rejected = sum(not living_edges(operations) for operations in itertools.product(OPERATIONS, repeat=6))
    assert rejected == 341  # as the file says, of 15,625


@pytest.mark.parametrize(
    "texts",
    [
        (  # two convolutions in a row, whichever nodes they pass, whatever hangs about
            "|conv3~0|+|none~0|none~1|+|none~0|conv1~1|none~2|",
            "|none~0|+|conv3~0|none~1|+|none~0|none~1|conv1~2|",
            "|conv3~0|+|none~0|conv1~1|+|none~0|none~1|skip~2|",
            "|conv3~0|+|none~0|skip~1|+|none~0|none~1|conv1~2|",
            "|conv3~0|+|average~0|none~1|+|none~0|conv1~1|none~2|",
            "|skip~0|+|none~0|conv3~1|+|none~0|none~1|conv1~2|",
        ),
        (  # nodes 1 and 2 swapped
            "|conv3~0|+|conv1~0|none~1|+|skip~0|average~1|conv1~2|",
            "|conv1~0|+|conv3~0|none~1|+|skip~0|conv1~1|average~2|",
        ),
        (  # a sum of three, however it is put in brackets
            "|conv3~0|+|conv1~0|none~1|+|average~0|skip~1|skip~2|",
            "|conv3~0|+|conv1~0|skip~1|+|average~0|none~1|skip~2|",
            "|conv1~0|+|average~0|skip~1|+|conv3~0|none~1|skip~2|",
        ),
        ("|skip~0|+|none~0|none~1|+|none~0|skip~1|none~2|", "|none~0|+|none~0|none~1|+|skip~0|none~1|none~2|"),
    ],
)
def test_isomorphic_cells_are_one_architecture(texts):
    assert len({fingerprint(cell(text)) for text in texts}) == 1


def test_cells_that_differ_are_told_apart():
    texts = [
        "|conv3~0|+|none~0|none~1|+|none~0|conv1~1|none~2|",
        "|conv1~0|+|none~0|none~1|+|none~0|conv3~1|none~2|",  # the other order
        "|conv3~0|+|none~0|none~1|+|skip~0|conv1~1|none~2|",
        "|conv3~0|+|conv3~0|none~1|+|none~0|skip~1|skip~2|",  # two convolutions added …
        "|conv3~0|+|none~0|skip~1|+|none~0|skip~1|skip~2|",  # … and one, twice
    ]
    assert len({fingerprint(cell(text)) for text in texts}) == len(texts)


def test_cells_are_repeated_and_the_map_is_halved_between_stages():
    model = cell("|conv3~0|+|none~0|conv3~1|+|skip~0|none~1|skip~2|", cells=2, width=8)
    names = [layer.name for layer in model.layers]
    assert sum(name.endswith("_node3") for name in names) == 4
    assert model.get_layer("stage1_cell2_node3").output.shape == (None, 8, 8, 8)
    assert model.get_layer("stage2_cell1_node3").output.shape == (None, 4, 4, 16)
