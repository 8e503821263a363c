"""Ranks among all items, and what must be beaten: against slow references. Needs no TensorFlow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.source import Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError
from nas.training.tasks import ranks as module
from nas.training.tasks.ranks import Questions, measures
from nas.training.tasks.rating import RATING, usual
from nas.training.tasks.retrieval import RETRIEVAL
from nas.training.tasks.task import Outputs

ITEMS = 9


def ids(values, axes=1):
    return np.array(values, np.int32).reshape(len(values), -1) if axes == 1 else np.array(values, np.int32)


def examples(rows) -> Examples:
    """Return examples of (user, history, item); ids of items are one more than their rows in the catalogue."""
    users, histories, items = zip(*rows, strict=True)
    x = {"user": ids(users), "history": ids(histories), "item": ids(items) + 1}
    return Examples(x, np.array(items, np.int32))


def catalogue(items: int = ITEMS) -> Examples:
    every = np.arange(items, dtype=np.int32)
    x = {"user": 0 * every[:, None], "history": np.zeros((items, 3), np.int32), "item": every[:, None] + 1}
    return Examples(x, every)


row = st.tuples(st.integers(0, 3), st.lists(st.integers(0, ITEMS), min_size=3, max_size=3), st.integers(0, ITEMS - 1))


@given(st.lists(row, min_size=1, max_size=12), st.lists(row, min_size=1, max_size=12), st.integers(0, 9))
def test_ranks_are_those_of_a_slow_reference(train, validation, seed):
    scores = np.random.default_rng(seed).integers(0, 5, size=(len(validation), ITEMS)).astype(float)
    questions = Questions.of(examples(train), examples(validation), catalogue())
    found = questions.ranks(lambda rows: scores[rows])
    for place, (user, history, right) in enumerate(validation):
        known = {item for one, _, item in train if one == user and user != 0} | {item - 1 for item in history if item}
        others = [scores[place, item] for item in range(ITEMS) if item != right and item not in known]
        own = scores[place, right]
        assert found[place] == sum(other > own for other in others) + sum(other == own for other in others) / 2


def test_many_questions_are_asked_a_few_at_a_time_and_a_sample_of_them(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        (int(u), [0, 0, 0], int(i)) for u, i in zip(rng.integers(1, 5, 40), rng.integers(0, ITEMS, 40), strict=True)
    ]
    scores = rng.normal(size=(40, ITEMS))
    train, asked = examples(rows[:10]), examples(rows)
    whole = Questions.of(train, asked, catalogue()).ranks(lambda rows: scores[rows])
    monkeypatch.setattr(module, "AT_ONCE", 7)
    assert np.array_equal(Questions.of(train, asked, catalogue()).ranks(lambda rows: scores[rows]), whole)
    monkeypatch.setattr(module, "MOST_QUESTIONS", 15)
    few = Questions.of(train, asked, catalogue())
    assert len(few.rows) == len(set(few.rows)) == 15
    assert np.array_equal(few.ranks(lambda rows: scores[rows]), whole[few.rows])


@pytest.mark.parametrize(("score", "rank"), [(0.0, 49.5), (np.nan, 99.0)])
def test_a_model_that_tells_nothing_apart_gains_nothing_by_it(score, rank):
    asked = examples([(1, [0, 0, 0], 5)])
    questions = Questions.of(examples([(2, [0, 0, 0], 5)]), asked, catalogue(100))
    assert questions.ranks(lambda rows: np.full((1, 100), score)).tolist() == [rank]


def test_measures_in_closed_form():
    found = measures(np.array([0.0, 2, 9.5, 10, 19, 400]))
    assert found["val_recall_at_10"] == pytest.approx(3 / 6)
    assert found["val_recall_at_20"] == pytest.approx(5 / 6)
    assert found["val_ndcg_at_10"] == pytest.approx((1 + 1 / 2 + 1 / np.log2(11.5)) / 6)


def test_popularity_is_measured_under_the_same_protocol():
    train = examples([(1, [0, 0, 0], 0), (1, [1, 0, 0], 1), (2, [0, 0, 0], 0), (2, [0, 0, 0], 2), (3, [0, 0, 0], 0)])
    validation = examples([(1, [0, 1, 2], 2), (3, [0, 0, 1], 30)])
    splits = {"train": train, "validation": validation, "catalogue": catalogue(40)}
    baseline = RETRIEVAL.baseline(Target(), splits)
    # Item 2 comes first once user 1's own are out; item 30 shares places 2 to 38 with the never seen: 18 before it.
    assert set(baseline.metrics) <= set(RETRIEVAL.metrics)
    assert baseline.metrics["val_recall_at_10"] == 0.5
    assert baseline.metrics["val_ndcg_at_10"] == 0.5
    assert baseline.metrics["val_recall_at_20"] == 0.5


def pairs(items, catalogue_items=range(4), user=True) -> RawData:
    def of(values):
        x = {"item": ids(list(values)) + 1, "facts": np.array([[value % 2, 0.5] for value in values], np.float32)}
        return Examples({"user": np.ones((len(list(values)), 1), np.int32), **x} if user else x)

    inputs = {"item": RawInput("ids", item=True), "facts": RawInput("vector", item=True)}
    inputs = {"user": RawInput("ids"), **inputs} if user else inputs
    return RawData(of(items), inputs=inputs, catalogue=None if catalogue_items is None else of(catalogue_items))


def test_labels_are_rows_of_the_catalogue_whatever_its_order():
    checked = RETRIEVAL.check(pairs([3, 0, 0, 2], [2, 3, 1, 0]))
    assert checked.train.labels.tolist() == [1, 3, 3, 0]
    assert checked.catalogue.labels.tolist() == [0, 1, 2, 3]
    assert checked.target.shape == ()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (pairs([0, 1], None), "needs pairs of a query and an item, and a catalogue"),
        (pairs([0, 1], user=False), "needs pairs of a query and an item"),
        (pairs([0, 1], [0, 1, 1]), "The catalogue has 1 item more than once"),
        (pairs([0, 1, 2], [0, 1]), "The train split has 1 item that the catalogue lacks"),
    ],
)
def test_data_that_cannot_be_retrieved_from_are_refused(raw, message):
    with pytest.raises(DataError, match=message):
        RETRIEVAL.check(raw)


def rated(ratings, users=None, items=None) -> Examples:
    count = len(ratings)
    users, items = users or [1] * count, items or [1] * count
    return Examples({"user": ids(users), "item": ids(items)}, np.array(ratings, np.float32))


def test_ratings_come_as_one_column_and_the_catalogue_is_left_out():
    raw = RawData(rated([1, 4, 7]), validation=rated([2]), catalogue=catalogue())
    checked = RATING.check(raw)
    assert checked.catalogue is None
    assert checked.train.labels.tolist() == [[1], [4], [7]]
    with pytest.raises(DataError, match=r"no ratings.*data\.interactions\.rating_column"):
        RATING.check(RawData(Examples(rated([1]).x)))
    with pytest.raises(DataError, match=r"one number an example\. Received: 2"):
        RATING.check(RawData(rated([[1, 2], [3, 4]])))


def test_what_users_and_items_usually_give_and_get_is_damped():
    train = RATING.check(RawData(rated([8, 8, 2, 6], users=[1, 2, 1, 2], items=[1, 1, 2, 2]))).train
    asked = rated([0, 0, 0], users=[1, 2, 9], items=[1, 2, 9])
    item = {1: (2 + 2) / 12, 2: (-4 + 0) / 12}
    left = [2 - item[1], 2 - item[1], -4 - item[2], 0 - item[2]]
    user = {1: (left[0] + left[2]) / 12, 2: (left[1] + left[3]) / 12}
    assert usual(train, asked) == pytest.approx([6 + item[1] + user[1], 6 + item[2] + user[2], 6])


def test_the_baseline_of_ratings_beats_their_mean_where_users_differ():
    users = [1, 2] * 50
    train = RATING.check(RawData(rated([2, 8] * 50, users=users))).train
    splits = {"train": train, "validation": train}
    metrics = RATING.baseline(Target(), splits).metrics
    assert set(metrics) <= set(RATING.metrics)
    assert metrics["val_rmse"] == pytest.approx(3 * (1 - 50 / 60))
    assert metrics["val_r2"] == pytest.approx(1 - (1 - 50 / 60) ** 2)


@pytest.mark.parametrize("most", [3, 100])
def test_what_is_measured_is_the_mean_of_what_each_question_adds(monkeypatch, most):
    monkeypatch.setattr(module, "MOST_QUESTIONS", most)
    rng = np.random.default_rng(0)
    splits = {
        name: examples([(0, [0, 0, 0], int(item)) for item in rng.integers(0, 40, count)])
        for name, count in (("train", 5), ("validation", 20))
    } | {"catalogue": catalogue(40)}
    vectors = {name: rng.normal(size=(len(split), 2, 4)) for name, split in splits.items()}
    outputs = Outputs(vectors.__getitem__, splits.__getitem__)
    questions = Questions.of(*(splits[name] for name in ("train", "validation", "catalogue")))
    ranks = questions.ranks(lambda rows: vectors["validation"][rows, 0] @ vectors["catalogue"][:, 1].T)
    assert RETRIEVAL.measure(outputs, None) == pytest.approx(measures(ranks))
    for above, below in RETRIEVAL.ratios(outputs, None).values():
        assert np.flatnonzero(below).tolist() == questions.rows.tolist()
        assert not above[below == 0].any()
    assert below.sum() == min(most, 20)
