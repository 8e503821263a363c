"""Averaged weights: the average is what it says, it is validated, and the better of the two is kept."""

import keras
import numpy as np
import pytest

from nas.conversation import AVERAGED, Epoch, Keep
from nas.training.averaging import LONGEST, Average, BestWeights, momentum
from nas.worth import worth
from tests.training.test_tasks import prepared
from tests.training.tuned import look, train

pytestmark = pytest.mark.tf
NOISY = {"training__optimizer": "sgd", "training__sgd_learning_rate": 0.5, "training__schedule": "constant"}


def test_an_average_is_about_an_epoch_long():
    assert momentum(1) == momentum(2) == 0.5
    assert momentum(100) == 0.99
    assert momentum(10**6) == LONGEST


def test_the_average_is_that_of_the_weights_after_each_step_and_goes_away_again():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8), "mse")
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    expected = None
    for _ in range(6):
        model.train_on_batch(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)))
        now = model.get_weights()
        expected = now if expected is None else [0.8 * a + 0.2 * b for a, b in zip(expected, now, strict=True)]
    last = model.get_weights()
    with Average(model).in_place():
        for found, wanted in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(model.get_weights(), last, strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(RuntimeError, match="validation broke"), Average(model).in_place():
        raise RuntimeError("validation broke")
    np.testing.assert_array_equal(model.get_weights()[0], last[0])


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_best_epoch_is_the_best_of_both_and_what_is_no_number_is_not(direction):
    sign = 1 if direction == "maximize" else -1
    keep = Keep("val_x", direction, "")
    curve = [Epoch(1, {"val_x": sign * 0.5, f"{AVERAGED}val_x": sign * 0.7}, 1.0), Epoch(2, {"val_x": float("nan")}, 1)]
    assert max(worth(epoch.metrics, keep.metric, keep.direction)[0] for epoch in curve) == 0.7
    assert worth({}, keep.metric, keep.direction) == (-np.inf, "")


def test_both_are_validated_after_every_epoch_and_the_better_one_is_kept(tmp_path):
    card = prepared("classification", tmp_path)
    won = set()
    for name, decided in (("noisy", NOISY), ("calm", {"training__adamw_learning_rate": 3e-3})):
        tuner, keep, member = train(tmp_path, card, "classification", epochs=5, name=name, **decided)
        for epoch in tuner.epochs:
            assert {f"{AVERAGED}{metric}" for metric in epoch.metrics if metric.startswith("val_")} <= set(
                epoch.metrics
            )
        best = tuner.best(keep)
        found = look(keep, member).validation
        for metric, (value, _, _) in found.items():
            assert value == pytest.approx(best[metric], abs=1e-5), metric
        plain = max(epoch.metrics[keep.metric] for epoch in tuner.epochs)
        won.add(best[keep.metric] > plain)
    assert True in won  # of a rate so high that the last step is a matter of luck


def test_cut_short_and_gone_on_with_it_keeps_the_same_weights(tmp_path):
    card = prepared("classification", tmp_path)
    whole, _, member = train(tmp_path, card, "classification", epochs=5, name="whole", **NOISY)
    train(tmp_path, card, "classification", epochs=5, name="halves", last=2, **NOISY)
    halves, _, same = train(tmp_path, card, "classification", epochs=5, name="halves", **NOISY)
    assert [epoch.replayed for epoch in halves.epochs] == [True, True, False, False, False]
    for one, other in zip(whole.epochs, halves.epochs, strict=True):
        assert one.metrics == pytest.approx(other.metrics, rel=1e-5)
    with np.load(member.weights) as one, np.load(same.weights) as other:
        arrays = [name for name in one.files if name != "manifest"]
        assert arrays == [name for name in other.files if name != "manifest"]
        for name in arrays:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-7)


def test_what_is_no_better_replaces_nothing(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    keep = Keep("val_x", "minimize", str(tmp_path / "best.npz"))
    best = BestWeights(keep, "print", [Epoch(1, {"val_x": 0.2}, 1.0)])
    best.offer(model, (), None, {"val_x": 0.3})
    best.offer(model, (), None, {"val_x": float("nan")})
    assert list(tmp_path.iterdir()) == []
    best.offer(model, (), None, {"val_x": 0.1})
    assert [path.name for path in tmp_path.iterdir()] == ["best.npz"]
