"""What is particular about encoders of tables: categories, and numbers that have no order."""

import numpy as np
import pytest

from nas import catalogue
from nas.data_card import Input
from nas.testing import check_family

pytestmark = pytest.mark.tf

TABLES = ("ft_transformer", "mlp", "tab_resnet")
COUNTS = (4, 11)
SHAPE = (7,)
"""Five numbers, two categories."""


def build(family, shape=SHAPE, categories=COUNTS, **params):
    """The member of `family` with these params, defaults for the others."""
    from nas.training.hyperparameters import AnsweredHyperParameters

    hp = AnsweredHyperParameters(lambda ask: params.get(ask.name, ask.default))
    return catalogue.families[family](shape, categories=categories).build(hp)


def table(rows=6):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 7)).astype("float32")
    x[:, 5], x[:, 6] = rng.integers(1, 4, rows), rng.integers(1, 11, rows)
    return x


def run(model, x):
    return np.asarray(model(x, training=False))


@pytest.mark.parametrize("numbers", ["plain", "periodic"])
@pytest.mark.parametrize("family", TABLES)
def test_every_column_counts(family, numbers):
    model, x = build(family, numbers=numbers, dropout=0.0), table()
    before = run(model, x)
    for column in range(7):
        changed = x.copy()
        changed[:, column] = changed[:, column] % 3 + 1 if column > 4 else changed[:, column] + 0.7
        assert np.abs(run(model, changed) - before).max() > 1e-5, column


@pytest.mark.parametrize("family", TABLES)
def test_categories_are_names_not_sizes(family):
    """Swapping two values of a category and their vectors changes nothing: no order is read into them."""
    model, x = build(family, dropout=0.0), table()
    swapped = x.copy()
    swapped[:, 6] = np.where(x[:, 6] == 2, 9, np.where(x[:, 6] == 9, 2, x[:, 6]))
    swapped[0, 6], x[0, 6] = 9, 2
    before = run(model, x)
    assert np.abs(run(model, swapped) - before).max() > 1e-5
    vectors = model.get_layer("categories").tables[1]
    rows = np.arange(10)
    rows[[1, 8]] = rows[[8, 1]]  # of the values 2 and 9: value 0 has no row
    vectors.assign(np.asarray(vectors)[rows])
    assert np.allclose(run(model, swapped), before, atol=1e-5)


def test_an_unknown_category_is_a_vector_of_zeros_and_so_is_one_beyond_the_last():
    from search_spaces.vector.columns import CategoryEmbedding

    layer = CategoryEmbedding((4, 11, 1), (2, 3, 2))
    vectors = run(layer, np.array([[0, 0, 0], [3, 10, 0], [4, 11, 1], [-1, -7, 0]], "float32"))
    assert vectors.shape == (4, 7)
    assert (vectors[[0, 2, 3]] == 0).all()
    assert np.allclose(vectors[1, :2], np.asarray(layer.tables[0])[2])
    assert np.allclose(vectors[1, 2:5], np.asarray(layer.tables[1])[9])
    assert (vectors[:, 5:] == 0).all()  # a column of which training has seen nothing


@pytest.mark.parametrize("family", TABLES)
@pytest.mark.parametrize(("features", "categories"), [(3, ()), (2, (3, 5)), (1, ())], ids=str)
def test_tables_of_numbers_or_of_categories_alone(family, features, categories):
    given = Input("vector", (features,), categories=categories)
    assert check_family(catalogue.families[family], given, members=3)


def test_wide_tables_keep_their_numbers_plain():
    asked = []

    def answer(ask):
        asked.append(ask.name)
        return ask.default

    from nas.training.hyperparameters import AnsweredHyperParameters

    for width in (128, 129):
        asked.clear()
        catalogue.families["mlp"]((width,)).build(AnsweredHyperParameters(answer))
        assert ("numbers" in asked) == (width == 128)


@pytest.mark.parametrize("numbers", ["plain", "periodic"])
def test_columns_have_no_order_for_a_transformer(numbers):
    """It has no positions: with the weights of each column in its place, another order gives the same features."""
    model, x = build("ft_transformer", (5,), (), numbers=numbers, dropout=0.0), table()[:, :5]
    before = run(model, x)
    order = [3, 0, 4, 1, 2]
    assert np.abs(run(model, x[:, order]) - before).max() > 1e-5
    for name in ("numbers", "waves"):
        for layer in [layer for layer in model.layers if layer.name == name]:
            layer.set_weights([weights[order] for weights in layer.get_weights()])
    assert np.allclose(run(model, x[:, order]), before, atol=1e-5)


def test_periodic_embeddings_against_the_formula():
    from search_spaces.vector.columns import PeriodicEmbedding

    layer = PeriodicEmbedding(3, 0.5)
    x = np.array([[0.0, 0.4], [1.0, -2.0]], "float32")
    waves = run(layer, x)
    angles = 2 * np.pi * x[..., None] * np.asarray(layer.coefficients)
    assert np.allclose(waves, np.concatenate([np.sin(angles), np.cos(angles)], axis=-1), atol=1e-5)


def test_the_frequencies_are_drawn_with_their_scale():
    from search_spaces.vector.columns import PeriodicEmbedding

    layer = PeriodicEmbedding(1000, 0.3)
    layer.build((None, 4))
    assert np.asarray(layer.coefficients).std() == pytest.approx(0.3, rel=0.05)


def test_how_wide_a_category_is_embedded():
    from search_spaces.vector.columns import embedding_width

    assert [embedding_width(count) for count in (1, 2, 3, 10, 1000, 10**6)] == [2, 2, 3, 6, 77, 600]


def test_a_tokenizer_costs_one_product_for_each_number_and_feature():
    import keras

    from nas.training.architecture import describe
    from search_spaces.vector.columns import FREQUENCIES, column_tokens

    inputs = keras.Input(SHAPE)
    plain = describe(keras.Model(inputs, column_tokens(inputs, COUNTS, 8, None))).cost
    assert plain.macs == 5 * 8  # a lookup multiplies nothing
    assert plain.weights == 5 * 8 * 2 + (3 + 10) * 8 + 2 * 8
    periodic = describe(keras.Model(inputs, column_tokens(inputs, COUNTS, 8, 0.1))).cost
    assert periodic.macs == 5 * 2 * FREQUENCIES * 8
    assert periodic.weights == plain.weights + 5 * FREQUENCIES + 5 * (2 * FREQUENCIES - 1) * 8


def test_a_block_of_a_residual_network_costs_two_dense_layers():
    from nas.training.architecture import describe

    model = build("tab_resnet", (9,), (), width=16, depth=3, expansion=4)
    assert describe(model).cost.macs == 9 * 16 + 3 * 2 * 16 * 64


def test_images_and_series_are_flattened():
    assert build("mlp", (4, 4, 3), ()).get_layer("flatten").output.shape == (None, 48)
    assert build("mlp", (12, 2), ()).get_layer("flatten").output.shape == (None, 24)
