"""A curve for each thing that goes wrong, and good ones."""

import math

import pytest

from nas.finetune.diagnosis import cannot_judge, diagnose, doubt
from nas.finetune.plan import Plan
from tests.finetune.scripts import record_of

PLAN = Plan("full length", "scratch", {}, 20, 0, "")
ACCURACY, RMSE = ("val_accuracy", "maximize", 0.1), ("val_rmse", "minimize", 10.0)


def training(value, train, loss, val_loss, epochs=20, metric="accuracy"):
    """A curve of functions of the share of epochs that are over, from 0 to 1."""
    curve = []
    for step in range(epochs):
        t = step / (epochs - 1)
        metrics = {"loss": loss(t), metric: train(t), f"val_{metric}": value(t), "val_loss": val_loss(t)}
        curve.append((value(t), metrics))
    return record_of(PLAN, 0, value(1), curve=curve)


def rises(low, high):
    """Fast at first, still at the end."""
    return lambda t: high - (high - low) * math.exp(-12 * t)


def kinds(record, metric=ACCURACY):
    return [found.kind for found in diagnose(record, *metric)]


def test_a_good_curve_has_nothing_wrong():
    good = training(rises(0.5, 0.95), rises(0.5, 0.97), rises(2.0, 0.1), rises(2.0, 0.2))
    assert kinds(good) == []
    good = training(rises(9.0, 2.0), rises(9.0, 1.9), rises(1.0, 0.1), rises(1.0, 0.1), metric="rmse")
    assert kinds(good, RMSE) == []


def test_who_goes_on_from_a_trained_encoder_and_improves_little_is_no_worse_for_it():
    good = training(rises(0.95, 0.96), rises(0.97, 0.975), rises(0.101, 0.1), rises(0.2, 0.2))
    assert kinds(good) == []


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (training(rises(0.11, 0.12), rises(0.11, 0.12), rises(2.3, 2.29), rises(2.3, 2.3)), "not converging"),
        (training(rises(0.05, 0.09), rises(0.1, 0.9), rises(2.3, 0.2), rises(2.3, 2.3)), "not converging"),
        (training(rises(0.5, 0.8), rises(0.5, 0.8), rises(2, 0.1), lambda t: 1 - t if t < 0.5 else t), "overfitting"),
        (training(rises(0.5, 0.8), rises(0.5, 0.99), rises(2.0, 0.1), rises(2.0, 0.5)), "overfitting"),
        (training(lambda t: 0.2 + 0.6 * t, lambda t: 0.2 + 0.6 * t, lambda t: 2 - t, lambda t: 2 - t), "too slow"),
        (training(rises(0.2, 0.5), rises(0.2, 0.5), rises(2.0, 1.4), rises(2.0, 1.4)), "underfitting"),
    ],
)
def test_each_thing_that_goes_wrong_has_its_curve(record, kind):
    assert kinds(record)[0] == kind
    for found in diagnose(record, *ACCURACY):
        assert found.what.endswith(".")
        assert found.remedy.endswith(".")
        assert not any(word in found.what for word in ("nan", "inf"))


def test_less_is_better_is_understood():
    flat = {"loss": rises(1.0, 0.3), "val_loss": rises(1.0, 0.3), "metric": "rmse"}
    assert kinds(training(rises(12, 11), rises(12, 11), **flat), RMSE) == ["not converging", "underfitting"]
    assert kinds(training(rises(12, 8), rises(12, 8), **flat), RMSE) == ["underfitting"]
    assert kinds(training(rises(9, 5), rises(9, 2), **flat), RMSE) == ["overfitting"]
    slow = {"loss": lambda t: 2 - t, "val_loss": lambda t: 2 - t, "metric": "rmse"}
    assert kinds(training(lambda t: 9 - 6 * t, lambda t: 9 - 6 * t, **slow), RMSE) == ["too slow"]


def test_a_training_that_diverged_or_told_nothing():
    diverged = record_of(PLAN, 0, kind="nan", curve=[(0.1, {"loss": 1.0})])
    assert kinds(diverged) == ["not converging"]
    assert kinds(record_of(PLAN, 0, 0.5, curve=[(0.5, {"loss": 1.0})])) == []
    assert kinds(record_of(PLAN, 0, 0.5, curve=[(0.5, {})] * 8)) == []  # a family's own fit tells what it likes


def test_labels_are_doubted_where_many_look_wrong():
    assert doubt(None, ()) is None
    assert doubt(0.01, ("cat/4.png",)) is None
    found = doubt(0.1, ("cat/7.png", "dog/3.png", "a", "b", "c", "d"))
    assert found.kind == "label noise"
    assert "10%" in found.what
    assert found.what.endswith("The most doubtful: cat/7.png, dog/3.png, a, b, c.")
    counted = doubt(0.1, ("example 7 of train", "example 3 of train"))
    assert counted.what.endswith("The most doubtful (counted from 0): example 7 of train, example 3 of train.")


@pytest.mark.parametrize(
    ("record", "score", "why"),
    [
        (training(rises(0.11, 0.12), rises(0.11, 0.12), rises(2.3, 2.29), rises(2.3, 2.3)), 0.12, "not converging"),
        (training(lambda t: 0.2 + 0.6 * t, lambda t: 0.2 + 0.6 * t, lambda t: 2 - t, lambda t: 2 - t), 0.8, "too slow"),
        (training(rises(0.2, 0.5), rises(0.2, 0.5), rises(2.0, 1.4), rises(2.0, 1.4)), 0.5, "underfitting"),
        (training(rises(0.3, 0.45), rises(0.3, 0.99), rises(2.0, 0.1), rises(2.0, 1.9)), 0.45, "39% of the way"),
        (training(rises(0.5, 0.8), rises(0.5, 0.85), rises(2.0, 0.1), rises(2.0, 0.5)), 0.8, None),
    ],
)
def test_who_has_not_learned_is_no_judge_of_labels(record, score, why):
    """It doubts labels because it knows no better: "up to 55 % wrong" was said of a training of one epoch."""
    found = cannot_judge(diagnose(record, *ACCURACY), score, 0.1, 1.0)
    assert (found is None) == (why is None)
    assert why is None or why in found
