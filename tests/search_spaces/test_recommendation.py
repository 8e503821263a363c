"""Families for users and items: the contract, which half sees what, padding, histories, cross layers."""

import keras
import numpy as np
import pytest

from nas.data_card import Input
from nas.testing import check_family, example_batch
from nas.training.hyperparameters import AnsweredHyperParameters
from search_spaces.recommendation.ranker import Ranker, cross
from search_spaces.recommendation.two_tower import TwoTower

pytestmark = pytest.mark.tf

STEPS, ITEMS = 6, 20
INPUTS = {
    "user": Input("ids", (1,), vocabulary=30),
    "history": Input("ids", (STEPS,), vocabulary=ITEMS),
    "user_features": Input("vector", (5,), categories=(3,)),
    "item": Input("ids", (1,), vocabulary=ITEMS, item=True),
    "item_features": Input("vector", (7,), item=True),
}
READERS = ("mean", "attention", "gru", "transformer")


def some(*names: str) -> dict[str, Input]:
    return {name: INPUTS[name] for name in names}


def build(family, inputs=INPUTS, **params):
    """Return the default member but for `params`."""
    keras.utils.set_random_seed(0)
    hp = AnsweredHyperParameters(lambda ask: params.get(ask.name, ask.default))
    return family(inputs).build(hp)


def ask(model, batch):
    return [np.asarray(part) for part in keras.tree.flatten(model(batch))]


@pytest.mark.parametrize(
    "names",
    [tuple(INPUTS), ("user", "item"), ("user_features", "item_features"), ("history", "item_features")],
    ids=str,
)
def test_random_members_keep_the_contract(names):
    members = 4 if len(names) > 2 else 2
    pairs = check_family(TwoTower, some(*names), features="pair", members=members)
    ranked = check_family(Ranker, some(*names), members=members)
    for built in (pairs, ranked):
        assert len({architecture.fingerprint for architecture in built}) > 1
        assert built[0].cost.weights < 200_000


@pytest.mark.parametrize("reader", READERS)
def test_the_towers_give_vectors_of_one_width_and_each_sees_its_own_half(reader):
    model = build(TwoTower, history=reader, user_table=True)
    assert [output.shape for output in model.outputs] == [(None, 32), (None, 32)]
    batch, other = example_batch(INPUTS, seed=0), example_batch(INPUTS, seed=1)
    query, item = ask(model, batch)
    for changed in INPUTS:
        another_query, another_item = ask(model, batch | {changed: other[changed]})
        assert np.array_equal(query, another_query) == INPUTS[changed].item
        assert np.array_equal(item, another_item) != INPUTS[changed].item


@pytest.mark.parametrize("reader", READERS)
def test_padding_says_nothing_but_where_there_is_nothing_else(reader):
    model = build(TwoTower, some("history", "item"), history=reader, history_depth=2)
    batch = {
        "history": np.array([[0, 0, 0, 3, 1, 2], [0, 0, 0, 0, 0, 7], [0, 0, 0, 0, 0, 0]], np.int32),
        "item": np.ones((3, 1), np.int32),
    }
    before, _ = ask(model, batch)
    table = model.get_layer("item_table")
    weights = table.get_weights()[0]
    weights[0] = np.random.default_rng(0).normal(size=32)
    table.set_weights([weights])
    after, _ = ask(model, batch)
    assert np.isfinite(before).all()
    np.testing.assert_allclose(before[:2], after[:2], atol=1e-5)
    assert np.abs(before[2] - after[2]).max() > 1e-3


@pytest.mark.parametrize("reader", READERS)
def test_a_mean_is_the_same_in_any_order_and_a_reader_of_sequences_is_not(reader):
    model = build(TwoTower, some("history", "item"), history=reader)
    there = example_batch(some("history", "item"))
    there["history"] = np.array([[4, 9, 3, 8, 1, 2]], np.int32)
    there["item"] = there["item"][:1]
    same = np.allclose(ask(model, there)[0], ask(model, there | {"history": there["history"][:, ::-1]})[0], atol=1e-6)
    assert same == (reader in ("mean", "attention"))


def test_a_history_and_the_items_share_a_table_or_have_one_each():
    inputs = some("history", "item")
    tables = [build(TwoTower, inputs, share_items=share).count_params() for share in (True, False)]
    assert tables[1] - tables[0] == ITEMS * 32
    others = {**inputs, "history": Input("ids", (STEPS,), vocabulary=ITEMS + 1)}  # of something else than items
    assert build(TwoTower, others).count_params() == tables[1] + 32


@pytest.mark.parametrize(("inputs", "features"), [(INPUTS, "vector"), (some("user", "history"), "pair")])
def test_what_towers_cannot_be_for_is_refused(inputs, features):
    with pytest.raises(ValueError, match="Two towers give a pair of features, and need inputs of both halves"):
        TwoTower(inputs, features=features)


def test_a_ranker_gives_one_vector():
    with pytest.raises(ValueError, match="A ranker gives a vector"):
        Ranker(INPUTS, features="pair")


@pytest.mark.parametrize(("rank", "low"), [("full", None), ("half", 3), ("quarter", 1)])
def test_cross_layers_are_those_of_dcn_v2(rank, low):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, cross(inputs, 2, rank))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    x0 = x = rng.normal(size=(4, 6)).astype("float32")
    weights = model.get_weights()
    for layer in range(2):
        if low is None:
            kernel, bias = weights[2 * layer : 2 * layer + 2]
        else:
            down, up, bias = weights[3 * layer : 3 * layer + 3]
            assert down.shape == (6, low)
            kernel = down @ up
        x = x0 * (x @ kernel + bias) + x
    np.testing.assert_allclose(model(x0), x, rtol=1e-4, atol=1e-4)


def test_a_ranker_sees_every_input():
    model = build(Ranker)
    batch, other = example_batch(INPUTS, seed=0), example_batch(INPUTS, seed=1)
    (features,) = ask(model, batch)
    for changed in INPUTS:
        assert not np.allclose(features, ask(model, batch | {changed: other[changed]})[0]), changed
