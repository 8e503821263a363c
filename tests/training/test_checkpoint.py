"""A checkpoint is whole or it does not count."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

from nas.conversation import Epoch
from nas.errors import FamilyError
from nas.training import checkpoint

pytestmark = pytest.mark.tf
CURVE = (Epoch(1, {"loss": 1.5, "val_accuracy": 0.5}, 0.1), Epoch(2, {"loss": 1.25, "val_accuracy": 0.75}, 0.1))


def model(units: int = 3) -> keras.Model:
    inputs = keras.Input((4,))
    built = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dropout(0.5)(keras.layers.Dense(units)(inputs))))
    built.compile("adam", "mse")
    built.optimizer.build(built.trainable_variables)
    return built


def train(trained: keras.Model) -> None:
    rng = np.random.default_rng(0)
    trained.fit(rng.normal(size=(16, 4)), rng.normal(size=(16, 1)), epochs=2, shuffle=False, verbose=0)


def test_training_goes_on_as_if_it_had_never_stopped(tmp_path: Path):
    keras.utils.set_random_seed(0)
    whole = model()
    train(whole)
    checkpoint.save(tmp_path / "trial-0.npz", whole, "print", CURVE)
    keras.utils.set_random_seed(99)
    resumed = model()
    assert checkpoint.restore(tmp_path / "trial-0.npz", resumed, "print") == CURVE
    train(whole)
    train(resumed)  # the optimizer's moments and the dropout's seeds are part of the state
    for mine, reference in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(reference))


def test_only_one_file_is_left(tmp_path: Path):
    for _ in range(2):
        checkpoint.save(tmp_path / "trial-0.npz", model(), "print", CURVE)
    assert [path.name for path in tmp_path.iterdir()] == ["trial-0.npz"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "foreign", "empty", "other architecture"])
def test_a_bad_checkpoint_means_starting_over(tmp_path: Path, damage: str):
    path = tmp_path / "trial-0.npz"
    checkpoint.save(path, model(5 if damage == "other architecture" else 3), "print", CURVE)
    content = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "flipped":
            path.write_bytes(content.replace(b"print", b"prinT"))
        case "foreign":
            np.savez(path, weights=np.zeros(3))
        case "empty":
            path.write_bytes(b"")
    fresh = model()
    before = [np.asarray(variable).copy() for variable in fresh.variables]
    assert checkpoint.restore(path, fresh, "print") == ()
    for variable, value in zip(fresh.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


def test_another_fingerprint_is_not_this_trial(tmp_path: Path):
    checkpoint.save(tmp_path / "trial-0.npz", model(), "print", CURVE)
    assert checkpoint.restore(tmp_path / "trial-0.npz", model(), "another") == ()


def encoder(*names: str, units: int = 3) -> keras.Model:
    x = inputs = keras.Input((4,))
    for name in names:
        x = keras.layers.Dense(units, name=name)(x)
    return keras.Model(inputs, x)


def kept(path: Path, trained: keras.Model) -> Path:
    """Save `trained`, with a head."""
    whole = keras.Model(trained.input, keras.layers.Dense(1, name="head")(trained.output))
    whole.compile("adam", "mse")
    whole.optimizer.build(whole.trainable_variables)
    checkpoint.save(path, whole, "print", CURVE, trained.weights)
    return path


def assert_same(one: list, other: list) -> None:
    for mine, reference in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(reference))


def test_an_encoder_begins_with_the_weights_of_another_without_its_head(tmp_path: Path):
    trained, new = encoder("a", "b"), encoder("a", "b")
    checkpoint.load_encoder(kept(tmp_path / "w.npz", trained), new)
    assert_same(new.weights, trained.weights)
    renamed = encoder("dense_7", "dense_8")  # names that were counted may differ
    checkpoint.load_encoder(tmp_path / "w.npz", renamed)
    assert_same(renamed.weights, trained.weights)


def test_an_encoder_with_more_weights_keeps_those_that_are_new(tmp_path: Path):
    trained, new = encoder("a", "b"), encoder("pool", "a", "b", units=4)
    with pytest.raises(keras_tuner.errors.FailedTrialError, match=r"weight a/kernel \(4, 3\), for which this one has"):
        checkpoint.load_encoder(kept(tmp_path / "w.npz", trained), new)
    new = encoder("a", "b", "pool")
    before = [np.asarray(weight) for weight in new.get_layer("pool").weights]
    checkpoint.load_encoder(tmp_path / "w.npz", new)
    assert_same(new.weights[:4], trained.weights)
    assert_same(new.get_layer("pool").weights, before)


def test_weights_that_do_not_say_whose_they_are_cannot_be_started_from(tmp_path: Path):
    checkpoint.save(tmp_path / "w.npz", model(), "print", CURVE)
    with pytest.raises(FamilyError, match="older version"):
        checkpoint.load_encoder(tmp_path / "w.npz", encoder("a"))
    (tmp_path / "w.npz").write_bytes(b"PK nonsense")
    with pytest.raises(FamilyError, match="cannot be read"):
        checkpoint.load_encoder(tmp_path / "w.npz", encoder("a"))
