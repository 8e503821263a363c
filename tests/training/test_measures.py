"""Scores against scikit-learn's and their definitions."""

from itertools import pairwise
from math import isfinite, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from nas.data.source import Examples
from nas.training.tasks.metric_learning import METRIC_LEARNING, WIDEST
from nas.training.tasks.multilabel import average_precision
from nas.training.tasks.task import Outputs
from nas.training.tasks.verification import chance_of_recall, equal_error_rate, pairs, recall_at_1, unit, verification

RNG = np.random.default_rng(0)


def over_batches(metric, y, outputs, batch=7):
    for start in range(0, len(y), batch):
        metric.update_state(y[start : start + batch], outputs[start : start + batch])
    return float(metric.result())


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_average_precision_is_scikit_learns_ties_included(examples):
    true, scores = np.array([*examples, (1, 2)]).T
    assert average_precision(true, scores.astype(float)) == pytest.approx(
        reference.average_precision_score(true, scores)
    )


@pytest.mark.tf
def test_scores_of_classes_are_scikit_learns():
    from nas.training.tasks.measures import Accuracy, BalancedAccuracy, MacroF1

    y = RNG.choice(4, 100, p=[0.7, 0.2, 0.05, 0.05]).astype("int32")
    logits = RNG.normal(size=(100, 4)).astype("float32") + np.eye(4)[y]
    said = logits.argmax(axis=1)
    assert over_batches(Accuracy(4, "a"), y, logits) == pytest.approx(reference.accuracy_score(y, said))
    assert over_batches(BalancedAccuracy(4, "b"), y, logits) == pytest.approx(
        reference.balanced_accuracy_score(y, said)
    )
    assert over_batches(MacroF1(4, "f"), y, logits) == pytest.approx(reference.f1_score(y, said, average="macro"))
    # A class that neither is there nor is said has no F1.
    y, logits = y.clip(max=1), logits[:, :2]
    said = logits.argmax(axis=1)
    assert over_batches(MacroF1(3, "f"), y, np.pad(logits, ((0, 0), (0, 1)), constant_values=-99)) == pytest.approx(
        reference.f1_score(y, said, average="macro")
    )


@pytest.mark.tf
def test_steps_without_a_label_are_not_counted():
    from nas.training.tasks.measures import Accuracy, MacroF1

    y = RNG.integers(-1, 3, (20, 5)).astype("int32")
    logits = RNG.normal(size=(20, 5, 3)).astype("float32")
    told, said = y[y >= 0], logits.argmax(axis=-1)[y >= 0]
    assert over_batches(Accuracy(3, "a"), y, logits) == pytest.approx(reference.accuracy_score(told, said))
    assert over_batches(MacroF1(3, "f"), y, logits) == pytest.approx(reference.f1_score(told, said, average="macro"))


@pytest.mark.tf
def test_scores_of_labels_are_scikit_learns():
    from nas.training.tasks.measures import LabelMacroF1, LabelMicroF1

    y = (RNG.random((50, 4)) < [0.5, 0.3, 0.1, 0.4]).astype("uint8")
    logits = RNG.normal(size=(50, 4)).astype("float32")
    for metric, average in ((LabelMacroF1, "macro"), (LabelMicroF1, "micro")):
        assert over_batches(metric(4, "f"), y, logits) == pytest.approx(
            reference.f1_score(y, logits > 0, average=average)
        )


@pytest.mark.tf
def test_r2_is_scikit_learns_also_of_numbers_far_from_zero():
    from nas.training.tasks.measures import R2

    y = np.stack([1e5 + RNG.normal(size=60), RNG.normal(size=60), np.full(60, 3.0)], axis=1).astype("float32")
    said = y + RNG.normal(scale=0.3, size=y.shape).astype("float32")
    expected = reference.r2_score(y[:, :2].astype(float), said[:, :2].astype(float))
    metric = R2(y.astype(float).mean(axis=0), (1.0, 1.0, 1.0))
    assert over_batches(metric, y, said) == pytest.approx(expected, abs=1e-3)
    metric.reset_state()
    assert float(metric.result()) == 0.0


# ---------------------------------------------------------------- losses


@pytest.mark.tf
def test_losses_are_keras_where_keras_has_them():
    import keras

    from nas.training.tasks.losses import LabelCrossentropy, StandardisedError, StepCrossentropy

    y, said = RNG.normal(size=(9, 2)).astype("float32"), RNG.normal(size=(9, 2)).astype("float32")
    squared, huber = StandardisedError((1.0, 1.0), huber=False), StandardisedError((1.0, 1.0), huber=True)
    assert float(squared(y, said)) == pytest.approx(float(keras.losses.MeanSquaredError()(y, said)), rel=1e-5)
    assert float(huber(y, said)) == pytest.approx(2 * float(keras.losses.Huber()(y, said)), rel=1e-5)
    scaled = StandardisedError((2.0, 5.0), huber=False)
    assert float(scaled(y * (2, 5), said * (2, 5))) == pytest.approx(float(squared(y, said)), rel=1e-5)

    marks = (RNG.random((9, 3)) < 0.5).astype("float32")
    logits = 3 * RNG.normal(size=(9, 3)).astype("float32")
    crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)
    assert float(LabelCrossentropy((1, 1, 1))(marks, logits)) == pytest.approx(float(crossentropy(marks, logits)), 1e-5)
    heavy, light = LabelCrossentropy((3, 1, 1)), LabelCrossentropy((1, 1, 1))
    extra = 2 * np.mean(marks[:, 0] * np.log1p(np.exp(-logits[:, 0]))) / 3
    assert float(heavy(marks, logits)) == pytest.approx(float(light(marks, logits)) + extra, rel=1e-5)

    tags = RNG.integers(-1, 3, (9, 4)).astype("int32")
    steps = RNG.normal(size=(9, 4, 3)).astype("float32")
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = float(sparse(tags[tags >= 0], steps[tags >= 0]))
    assert float(StepCrossentropy()(tags, steps)) == pytest.approx(expected, rel=1e-5)
    assert float(StepCrossentropy()(np.full_like(tags, -1), steps)) == 0.0


@pytest.mark.tf
def test_arcface_adds_an_angle_to_an_examples_own_class():
    import keras

    from nas.training.tasks.losses import ArcFace

    angles = RNG.uniform(0.1, 2.5, (6, 3))
    output = np.concatenate([np.zeros((6, 2)), np.cos(angles)], axis=1).astype("float32")
    own = np.array([0, 1, 2, 0, 1, 2])
    margin, rows = 0.3, (2, -1, 0, 1)  # label 0 is class 2, label 1 is unknown to train …
    labels = np.array([2, 3, 0, 2, 3, 0])
    angles[np.arange(6), own] += margin
    expected = keras.losses.sparse_categorical_crossentropy(own, 30 * np.cos(angles), from_logits=True)
    loss = ArcFace(2, rows, margin=margin)
    np.testing.assert_allclose(loss.call(labels, output), expected, rtol=1e-3, atol=1e-3)
    assert np.asarray(loss.call(np.full(6, 1), output)).tolist() == [0.0] * 6
    assert not np.isfinite(np.asarray(loss.call(np.full(6, 1), output * np.nan))).any()


@pytest.mark.tf
def test_batch_hard_triplets_are_those_of_the_definition():
    from nas.training.tasks.losses import BatchHardTriplet

    embedding = unit(RNG.normal(size=(8, 3))).astype("float32")
    y = np.array([0, 0, 0, 1, 1, 2, 2, 3])  # the last is alone
    output = np.pad(embedding, ((0, 0), (0, 5)), constant_values=9)
    distances = np.linalg.norm(embedding[:, None] - embedding[None], axis=-1)
    expected = []
    for row in range(7):
        farthest = max(distances[row, other] for other in range(8) if other != row and y[other] == y[row])
        nearest = min(distances[row, other] for other in range(8) if y[other] != y[row])
        expected.append(np.log1p(np.exp(farthest - nearest)))
    assert float(BatchHardTriplet(3)(y, output)) == pytest.approx(np.mean(expected), rel=1e-3)
    assert float(BatchHardTriplet(3)(np.arange(8), output)) == 0.0


# ---------------------------------------------------------------- verification


def test_equal_error_rates_of_known_scores():
    same, different = np.array([0.9, 0.8, 0.4, 0.7]), np.array([0.1, 0.2, 0.5, 0.3])
    assert equal_error_rate(same, different) == 0.25  # at 0.45: 0.4 is refused, 0.5 is taken
    assert equal_error_rate(same + 1, different) == 0.0
    assert equal_error_rate(different, same + 1) == 1.0
    assert equal_error_rate(np.zeros(5), np.zeros(9)) == 0.5  # collapsed: nothing can be told
    assert equal_error_rate(np.array([1.0]), np.array([0.0, 2.0])) == pytest.approx(0.5)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_an_equal_error_rate_lies_between_the_rates_of_neighbouring_thresholds(same, different):
    same, different = np.array(same, float), np.array(different, float)
    rate = equal_error_rate(same, different)
    assert 0 <= rate <= 1
    rates = [((same < t).mean(), (different >= t).mean()) for t in np.arange(-0.5, 8)]
    assert any(a[0] - 1e-9 <= rate <= b[0] + 1e-9 and b[1] - 1e-9 <= rate <= a[1] + 1e-9 for a, b in pairwise(rates))


def test_pairs_are_all_of_them_or_drawn_evenly():
    y = np.array([0, 0, 0, 1, 1, 2])
    same, different = pairs(y)
    assert (len(same), len(different)) == (3 + 1, 15 - 4)
    drawn_same, drawn_different = pairs(y, most=10)
    assert (len(drawn_same), len(drawn_different)) == (5, 5)
    drawn_same, drawn_different = pairs(np.repeat(y, 50), most=20_000)
    y = np.repeat(y, 50)
    assert (y[drawn_same[:, 0]] == y[drawn_same[:, 1]]).all()
    assert (drawn_same[:, 0] != drawn_same[:, 1]).all()
    assert (y[drawn_different[:, 0]] != y[drawn_different[:, 1]]).all()
    all_same, all_different = pairs(y, most=10**6)
    for drawn, every in ((drawn_same, all_same), (drawn_different, all_different)):
        shares = [np.bincount(y[chosen].ravel(), minlength=3) / chosen.size for chosen in (drawn, every)]
        np.testing.assert_allclose(*shares, atol=0.02)
    np.testing.assert_array_equal(drawn_same, pairs(y, most=20_000)[0])  # the same for every trial


def test_recall_looks_at_the_nearest_other_example():
    y = np.array([0, 0, 1, 1, 2])
    embedding = unit(np.array([[1, 0.0], [1, 0.1], [0, 1], [1, 0.06], [-1, 0.0]]))
    assert recall_at_1(embedding, y) == 0.0  # 3 is nearer to 0 and to 1 than they are to each other
    assert recall_at_1(embedding[[0, 1, 2, 2, 4]], y) == 1.0
    random = [recall_at_1(unit(RNG.normal(size=(40, 8))), np.arange(40) % 4) for _ in range(50)]
    assert np.mean(random) == pytest.approx(chance_of_recall(np.arange(40) % 4), abs=0.03)


def test_identities_in_directions_of_their_own_are_verified_without_error():
    y = np.arange(30) % 3
    assert verification(np.eye(3)[y], y) == 0.0
    assert verification(np.ones((30, 3)), y) == 0.5


def test_of_identities_without_company_or_alone_there_is_nothing_to_verify():
    lonely, alone = np.arange(800), np.zeros(800, int)  # more pairs than are all looked at
    embedding = unit(RNG.normal(size=(800, 4)))
    for rows in (slice(5), slice(None)):
        assert isnan(verification(embedding[rows], lonely[rows]))
        assert isnan(recall_at_1(embedding[rows], lonely[rows]))
        assert isnan(verification(embedding[rows], alone[rows]))
        assert recall_at_1(embedding[rows], alone[rows]) == 1.0


@pytest.mark.tf
def test_a_half_of_few_identities_may_say_nothing_and_ends_nothing():
    from nas.training.examination import _half

    y = np.array([0, 0, 1, 2, 3, 4])  # a bootstrap of halves: most have no two examples of one identity
    halves = [_half(y, np.random.default_rng(seed)) for seed in range(20)]
    output = unit(RNG.normal(size=(6, WIDEST)))
    found = [METRIC_LEARNING.measure(outputs_at(output[rows], y[rows]), None) for rows in halves]
    told = [isfinite(metrics["val_eer"]) for metrics in found]
    assert 0 < sum(told) < len(told)
    assert told == [isfinite(metrics["val_recall_at_1"]) for metrics in found]


def outputs_at(output, y):
    return Outputs(lambda split: output, lambda split: Examples.of(np.zeros((len(y), 1)), y))
