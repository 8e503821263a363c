"""Finding items: the loss against NumPy, the head, and that a planted taste is found where popularity knows nothing."""

import keras
import numpy as np
import pytest

from nas.conversation import Ask, Built, Continue, Epoch, Evaluate, Train, Value
from nas.data.options import DataSection, InteractionsSection
from nas.data.prepared import prepare
from nas.data_card import DataCard, Input, Target
from nas.errors import FamilyError
from nas.training.evaluation import evaluate
from nas.training.hyperparameters import AnsweredHyperParameters
from nas.training.tasks.in_batch import InBatchSoftmax
from nas.training.tasks.rating import RATING
from nas.training.tasks.retrieval import RETRIEVAL

pytestmark = pytest.mark.tf
RNG = np.random.default_rng(0)


def reference(items, queries, vectors, counts):
    """Return the loss of each example, pair by pair (Yi et al. 2019, section 4)."""
    shares = np.maximum(counts, 1) / counts.sum()
    found = []
    for row, query in enumerate(queries):
        logits = [
            query @ vector - np.log(shares[items[column]])
            for column, vector in enumerate(vectors)
            if column == row or items[column] != items[row]
        ]
        own = query @ vectors[row] - np.log(shares[items[row]])
        found.append(np.log(np.sum(np.exp(logits))) - own)
    return np.array(found)


@pytest.mark.parametrize("items", [[0, 1, 2, 3], [2, 2, 0, 2], [3, 3, 3, 3], [1, 4, 1, 0]])
def test_the_loss_is_that_of_a_slow_reference(items):
    counts = np.array([7, 1, 30, 4, 0])
    pairs = RNG.normal(size=(4, 2, 3)).astype(np.float32)
    loss = InBatchSoftmax(counts)
    found = np.asarray(loss.call(np.array(items, np.float32), pairs))
    expected = reference(items, pairs[:, 0], pairs[:, 1], counts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert float(loss(np.array(items), pairs)) == pytest.approx(expected.mean(), rel=1e-4)
    assert (found >= -1e-5).all()


def test_the_correction_makes_what_is_often_a_negative_count_less():
    pairs = np.zeros((2, 2, 3), np.float32)  # all logits are equal
    often, seldom = np.asarray(InBatchSoftmax(np.array([90, 10])).call(np.array([0, 1]), pairs))
    assert often == pytest.approx(np.log(1 + 9), rel=1e-5)
    assert seldom == pytest.approx(np.log(1 + 1 / 9), rel=1e-5)


def card(counts=()) -> DataCard:
    inputs = {"query": Input("vector", (3,)), "thing": Input("vector", (4,), item=True)}
    return DataCard("test", "0", ".", inputs, Target(), {"catalogue": len(counts)})


def towers(query_width: int, item_width: int) -> keras.Model:
    inputs = {"query": keras.Input((3,), name="query"), "thing": keras.Input((4,), name="thing")}
    halves = [keras.layers.Dense(query_width)(inputs["query"]), keras.layers.Dense(item_width)(inputs["thing"])]
    return keras.Model(inputs, halves, name="towers")


def answered(**params) -> AnsweredHyperParameters:
    return AnsweredHyperParameters(lambda ask: params.get(ask.name, ask.default))


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_the_head_packs_both_halves_so_that_their_product_is_the_logit(similarity):
    encoder = towers(5, 5)
    model = RETRIEVAL.attach_head(encoder, card(), answered(similarity=similarity, temperature=0.2))
    assert model.output_shape == (None, 2, 5)
    x = {"query": RNG.normal(size=(6, 3)), "thing": RNG.normal(size=(6, 4))}
    x = {name: part.astype(np.float32) for name, part in x.items()}
    query, item = (np.asarray(half) for half in encoder(x))
    packed = np.asarray(model(x))
    expected = query @ item.T
    if similarity == "cosine":
        lengths = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(item, axis=1)[None, :]
        expected = expected / lengths / 0.2
    np.testing.assert_allclose(packed[:, 0] @ packed[:, 1].T, expected, rtol=1e-4, atol=1e-5)


def test_halves_of_different_widths_are_refused():
    with pytest.raises(FamilyError, match=r"two vectors \(batch, width\) of equal width.*\(None, 5\) and \(None, 4\)"):
        RETRIEVAL.attach_head(towers(5, 4), card(), answered())


class Conversation:
    """Answers with defaults, but for `params`, and lets everything train."""

    def __init__(self, **params):
        self.params, self.epochs, self._reply = params, [], None

    def send(self, message):
        match message:
            case Ask():
                self._reply = Value(self.params.get(message.name.rpartition("/")[2], message.default))
            case Built():
                self._reply = Train()
            case Epoch():
                self.epochs.append(message)
                self._reply = Continue()

    def receive(self, timeout=None):
        return self._reply

    def close(self):
        pass


TASTES, OF_EACH = 8, 6


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log of users with one taste each, who take the items of that taste in an order of their own."""
    folder = tmp_path_factory.mktemp("log")
    rng = np.random.default_rng(0)
    lines = ["user,item,rating"]
    for user in range(240):
        taste = user % TASTES
        order = rng.permutation(OF_EACH)
        lines += [f"u{user},i{taste}_{item},{9 - item + taste}" for item in order[: OF_EACH - 1]]
    (folder / "log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    section = InteractionsSection(history=4, fewest=3)
    return folder, DataSection(source="interactions:log.csv", interactions=section)


def train(task, family, log, epochs, **params):
    folder, section = log
    prepared, _ = prepare(section, task, folder / "data", folder)
    conversation = Conversation(batch_size=32, **params)
    order = Evaluate(0, family, prepared, task, 0, epochs, epochs, str(folder / f"{task}.npz"), str(folder))
    return prepared, evaluate(order, conversation).metrics


def test_a_planted_taste_is_found_where_popularity_knows_nothing(log):
    prepared, metrics = train("retrieval", "two_tower", log, epochs=8, adamw_learning_rate=1e-2)
    assert set(metrics) >= set(RETRIEVAL.metrics)
    baseline = prepared.baseline.metrics
    assert baseline["val_recall_at_10"] < 0.35  # 10 of the 45 items that a user has not got
    # Two or three items of the taste are left when what the user has is out.
    assert metrics["val_recall_at_10"] > 0.9
    assert metrics["val_ndcg_at_10"] > 0.6 > 2 * baseline["val_ndcg_at_10"]


def test_ratings_are_told_better_than_by_means(log):
    prepared, metrics = train("rating", "ranker", log, epochs=15, adamw_learning_rate=1e-2)
    assert set(metrics) >= set(RATING.metrics)
    assert metrics["val_rmse"] < 0.8 * prepared.baseline.metrics["val_rmse"]
