"""Two halves that are to find each other: sides, the loss against NumPy, ranks, chance, and that it can be learned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nas.data.source import Examples, RawData, RawInput
from nas.data_card import DataCard, Input, Target
from nas.errors import DataError, FamilyError
from nas.training.feed import standardiser
from nas.training.hyperparameters import AnsweredHyperParameters
from nas.training.loop import Loop, Rows
from nas.training.tasks.contrastive import ComparedPair, MatchingLoss
from nas.training.tasks.matching import MATCHING, RANKS, ranked
from nas.training.tasks.task import Outputs

pytestmark = pytest.mark.tf
RNG = np.random.default_rng(0)


def raw(texts, kinds=("image", "text"), item=(False, False), **splits) -> RawData:
    def examples(texts) -> Examples:
        return Examples({"image": np.zeros((len(texts), 2, 2, 1)), "name": np.array(texts, object)})

    inputs = {name: RawInput(kind, item=side) for name, kind, side in zip(("image", "name"), kinds, item, strict=True)}
    return RawData(examples(texts), **{name: examples(texts) for name, texts in splits.items()}, inputs=inputs)


def test_texts_are_the_items_and_equal_ones_have_one_number_in_all_splits():
    checked = MATCHING.check(raw(["cat", "dog", "cat"], validation=["emu", "dog"]))
    assert {name: known.item for name, known in checked.inputs.items()} == {"image": False, "name": True}
    assert checked.train.labels.tolist() == [0, 1, 0]
    assert checked.validation.labels.tolist() == [2, 1]
    assert checked.train.labels.dtype == np.int32


def test_the_source_may_say_which_side_is_which():
    checked = MATCHING.check(raw(["cat", "dog"], kinds=("image", "text"), item=(True, False)))
    assert checked.inputs["image"].item
    assert checked.train.labels.tolist() == [0, 0]  # two equal images


@pytest.mark.parametrize(("kinds", "item"), [(("text", "text"), (False, False)), (("image", "text"), (True, True))])
def test_data_without_two_sides_are_refused(kinds, item):
    with pytest.raises(DataError, match=r"two sides.*Received: image"):
        MATCHING.check(raw(["cat", "dog"], kinds=kinds, item=item))


def test_chance_is_k_in_n_and_more_where_several_are_right():
    def baseline(items):
        return MATCHING.baseline(Target(), {"validation": Examples({"x": np.zeros(len(items))}, np.array(items))})

    assert baseline(range(50)).metrics == {f"val_recall_at_{k}": pytest.approx(k / 50) for k in RANKS}
    assert baseline([0, 0, 1]).metrics["val_recall_at_1"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert baseline([0, 0, 1]).metrics["val_recall_at_5"] == 1.0


def test_ranks_count_the_wrong_ones_before_the_first_right_one():
    queries = np.eye(3)
    candidates = np.array([[0.5, 0.9, 0.1], [0.9, 0.2, 0.1], [0.1, 0.3, 0.1]])
    assert ranked(queries, candidates, np.arange(3)).tolist() == [1, 2, 2]  # what is as near comes before
    assert ranked(queries, candidates, np.array([0, 0, 1])).tolist() == [0, 0, 2]
    assert ranked(0 * queries, candidates, np.arange(3)).tolist() == [2, 2, 2]  # all alike is no success
    assert ranked(np.nan * queries, candidates, np.arange(3)).min() == 2


@pytest.mark.parametrize("compare", ["softmax", "sigmoid"])
def test_packed_halves_multiply_to_the_logit(compare):
    halves = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    layer = ComparedPair(compare)
    packed = np.asarray(layer(list(halves)))
    query, item = halves / np.linalg.norm(halves, axis=-1, keepdims=True)
    factor, bias = (1 / 0.07, 0.0) if compare == "softmax" else (10.0, -10.0)
    np.testing.assert_allclose(packed[:, 0] @ packed[:, 1].T, factor * query @ item.T + bias, rtol=1e-3, atol=1e-4)
    assert packed.shape == layer.compute_output_shape([(4, 3), (4, 3)])
    layer.log_factor.assign(50.0)
    assert np.abs(np.asarray(layer(list(halves)))[:, 0, :3]).max() <= 10.01


@pytest.mark.parametrize("items", [[0, 1, 2, 3], [0, 1, 0, 3]])
def test_losses_are_the_papers_without_accidental_pairs(items):
    packed = RNG.normal(size=(4, 2, 3)).astype(np.float32)
    items = np.array(items)
    logits = (packed[:, 0] @ packed[:, 1].T).astype(np.float64)
    counts = (items[:, None] != items) | np.eye(4, dtype=bool)
    rows = [-np.log(np.exp(logits[i, i]) / np.exp(logits[i, counts[i]]).sum()) for i in range(4)]
    columns = [-np.log(np.exp(logits[i, i]) / np.exp(logits[counts[:, i], i]).sum()) for i in range(4)]
    expected = np.mean(rows + columns)
    assert float(MatchingLoss("softmax")(items, packed)) == pytest.approx(expected, rel=1e-4)
    signs = 2 * np.eye(4) - 1
    expected = (np.log1p(np.exp(-signs * logits)) * counts).sum() / 4
    assert float(MatchingLoss("sigmoid")(items, packed)) == pytest.approx(expected, rel=1e-4)


INPUTS = {"a": Input("vector", (6,), (0.0,) * 6, (1.0,) * 6), "b": Input("vector", (6,), (0.0,) * 6, (1.0,) * 6)}


def pair(width: int = 8, other: int = 8) -> keras.Model:
    given = {name: keras.Input((6,), name=name) for name in INPUTS}
    outputs = [keras.layers.Dense(size)(given[name]) for name, size in zip("ab", (width, other), strict=True)]
    return keras.Model(given, outputs, name="pair")


@pytest.mark.parametrize("loss", ["softmax", "sigmoid"])
def test_halves_that_belong_together_find_each_other(loss):
    keras.utils.set_random_seed(0)
    a = RNG.normal(size=(200, 6)).astype(np.float32)
    x = {"a": a, "b": a @ RNG.normal(size=(6, 6)).astype(np.float32)}
    y = np.arange(200, dtype=np.int32)
    card = DataCard("toy", "0", ".", INPUTS, Target(), {"train": 200, "validation": 200})
    hp = AnsweredHyperParameters(lambda ask: loss if ask.name == "loss" else ask.default)
    model = MATCHING.attach_head(pair(), card, hp)
    model.compile(keras.optimizers.Adam(0.02), loss=MATCHING.loss(card, hp), metrics=MATCHING.keras_metrics(card))
    rows = Rows({name: tf.constant(part) for name, part in x.items()}, tf.constant(y))
    loop = Loop(model, rows, rows, batch_size=50, seed=0, standardise=standardiser(card))
    for epoch in range(1, 31):
        loop.train(epoch)
    outputs = Outputs(lambda split: loop.predict(rows), lambda split: Examples(x, y))
    found = loop.validate() | MATCHING.measure(outputs, card)
    assert set(found) == set(MATCHING.metrics)
    chance = MATCHING.baseline(Target(), {"validation": Examples(x, y)}).metrics
    assert found["val_recall_at_1"] > 20 * chance["val_recall_at_1"]
    assert found["val_recall_at_1"] <= found["val_recall_at_5"] <= found["val_recall_at_10"]


def test_halves_of_two_widths_are_refused():
    card = DataCard("toy", "0", ".", INPUTS, Target(), {})
    with pytest.raises(FamilyError, match=r"\(None, 8\) and \(None, 4\), from 'pair'"):
        MATCHING.attach_head(pair(8, 4), card, AnsweredHyperParameters(lambda ask: ask.default))
