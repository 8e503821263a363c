"""The loop computes what `model.fit` computes, batch by batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nas.training import loop as loop_module
from nas.training.loop import Loop, Rows, batch_order

pytestmark = pytest.mark.tf


SCHEDULE = keras.optimizers.schedules.CosineDecay(1e-2, 24)


def small_model(rate=1e-3) -> keras.Model:
    keras.utils.set_random_seed(7)
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.Flatten()(keras.layers.ReLU()(x))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    model.compile(
        keras.optimizers.AdamW(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model


def examples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 6, 6, 1)).astype("float32"), rng.integers(0, 3, count).astype("int32")


def loop_over(model: keras.Model, train, validation, batch_size: int = 16, **options) -> Loop:
    return Loop(
        model,
        Rows(*map(tf.constant, train)),
        Rows(*map(tf.constant, validation)),
        batch_size=batch_size,
        seed=3,
        standardise=lambda x: tf.cast(x, tf.float32),
        **options,
    )


def test_it_equals_fit_on_the_same_batches():
    train, validation = examples(64, 0), examples(700, 1)  # 700: one whole validation batch and a remainder
    ours, theirs = small_model(), small_model(SCHEDULE)  # the loop sets the rate that theirs computes
    loop = loop_over(ours, train, validation, schedule=SCHEDULE)
    for epoch in (1, 2, 3):
        metrics = loop.train(epoch) | loop.validate()
        rows = batch_order(64, 16, seed=3, epoch=epoch).ravel()
        history = theirs.fit(
            train[0][rows], train[1][rows], batch_size=16, shuffle=False, verbose=0, validation_data=validation
        ).history
        assert metrics == pytest.approx({name: values[0] for name, values in history.items()}, rel=1e-4)
    assert float(ours.optimizer.learning_rate) == pytest.approx(float(SCHEDULE(11)))
    for mine, reference in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(reference), atol=1e-5)


def test_an_epoch_uses_each_row_at_most_once_and_differs_from_the_next():
    first, second = (batch_order(100, 16, seed=0, epoch=epoch) for epoch in (1, 2))
    assert first.shape == (6, 16)
    assert len(np.unique(first)) == first.size
    assert not np.array_equal(first, second)
    assert np.array_equal(first, batch_order(100, 16, seed=0, epoch=1))


def test_a_diverging_epoch_ends_early_and_says_so():
    model = small_model()
    model.optimizer.learning_rate = 1e30
    train = examples(640, 0)
    metrics = loop_over(model, train, examples(16, 1)).train(1)
    assert not np.isfinite(metrics["loss"])


def test_augmentation_touches_training_alone():
    model = small_model()
    seen = []

    def augment(x, seed):
        seen.append(x.shape)
        return tf.zeros_like(x)

    train, validation = examples(32, 0), examples(32, 1)
    before = model.evaluate(*validation, verbose=0)
    model.optimizer.learning_rate = 0.0
    loop = loop_over(model, train, validation, augment=augment)
    assert loop.validate()["val_loss"] == pytest.approx(before[0], rel=1e-5)
    assert not seen
    loop.train(1)
    assert seen == [(16, 6, 6, 1)]  # traced once


def test_a_batch_larger_than_the_data_is_the_data():
    assert loop_over(small_model(), examples(10, 0), examples(4, 1), batch_size=64).steps == 1


def mapped(folder, arrays):
    """The same arrays as files, read-only."""
    parts = []
    for place, array in enumerate(arrays):
        np.save(folder / f"{place}.npy", array)
        parts.append(np.load(folder / f"{place}.npy", "r"))
    return Rows(*parts)


def test_what_is_read_piece_by_piece_is_trained_on_as_if_it_were_resident(tmp_path, monkeypatch):
    train, validation = examples(100, 0), examples(1300, 1)
    monkeypatch.setattr(loop_module, "PIECE_BYTES", 16 * 37 * 4 * 3)  # three steps, or one validation batch, at once
    (tmp_path / "train").mkdir()
    (tmp_path / "validation").mkdir()
    resident, streamed = small_model(), small_model()
    first = loop_over(resident, train, validation)
    second = Loop(
        streamed,
        mapped(tmp_path / "train", train),
        mapped(tmp_path / "validation", validation),
        batch_size=16,
        seed=3,
        standardise=lambda x: tf.cast(x, tf.float32),
    )
    for epoch in (1, 2):
        assert second.train(epoch) == pytest.approx(first.train(epoch), rel=1e-5)
        assert second.validate() == pytest.approx(first.validate(), rel=1e-5)
    for mine, reference in zip(streamed.variables, resident.variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(reference), atol=1e-6)
    np.testing.assert_allclose(
        second.predict(second._validation_data), resident.predict(validation[0], verbose=0), atol=1e-5
    )


def test_a_view_draws_the_same_for_what_is_read_piece_by_piece(tmp_path, monkeypatch):
    train, validation = examples(64, 0), examples(1300, 1)
    monkeypatch.setattr(loop_module, "PIECE_BYTES", 1)  # a batch at once

    def view(x, y, seed):
        return x + tf.random.stateless_normal(tf.shape(x), seed), y

    (tmp_path / "train").mkdir()
    (tmp_path / "validation").mkdir()
    resident = loop_over(small_model(), train, validation, view=view)
    streamed = Loop(
        small_model(),
        mapped(tmp_path / "train", train),
        mapped(tmp_path / "validation", validation),
        batch_size=16,
        seed=3,
        standardise=lambda x: tf.cast(x, tf.float32),
        view=view,
    )
    assert streamed.validate() == pytest.approx(resident.validate(), rel=1e-5)


def test_class_weights_are_those_of_fit():
    train, validation = examples(64, 0), examples(10, 1)
    weights = np.array([3.0, 1.0, 0.5], np.float32)
    ours, theirs = small_model(), small_model()
    loop_over(ours, train, validation, class_weights=tf.constant(weights)).train(1)
    rows = batch_order(64, 16, seed=3, epoch=1).ravel()
    theirs.fit(train[0][rows], train[1][rows], batch_size=16, shuffle=False, verbose=0,
               class_weight=dict(enumerate(weights)))  # fmt: skip
    for mine, reference in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(reference), atol=1e-5)


def test_a_view_makes_labels_of_inputs_and_validation_sees_the_same_every_time():
    inputs = keras.Input((6, 6, 1))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(inputs)))
    model.compile("sgd", "mse")

    def view(x, y, seed):
        doubled = tf.concat([x, -x], axis=0)  # twice as many examples
        return doubled, tf.reduce_sum(doubled, [1, 2]) + tf.random.stateless_normal([2 * tf.shape(x)[0], 1], seed)

    loop = loop_over(model, examples(64, 0), examples(700, 1), view=view)
    model.optimizer.learning_rate = 0.0
    once, again = loop.validate(), loop.validate()
    assert once == again
    before = loop.train(1)["loss"]
    model.optimizer.learning_rate = 1e-3
    for epoch in range(2, 8):
        after = loop.train(epoch)["loss"]
    assert after < before


def test_several_inputs_are_told_apart_by_name():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    model = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(keras.layers.Subtract()([a, b])))
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x = {name: tf.constant(rng.normal(size=(32, 2)).astype("float32")) for name in "ab"}
    y = tf.reduce_sum(x["a"] - x["b"], axis=1, keepdims=True)
    loop = Loop(
        model, Rows(x, y), Rows(x, y), batch_size=8, seed=0,
        standardise=lambda given: given, augment={"b": lambda part, seed: part + 0.0},
    )  # fmt: skip
    losses = [loop.train(epoch)["loss"] for epoch in range(1, 30)]
    assert losses[-1] < 0.05 * losses[0]
    assert loop.predict(Rows(x, y)).shape == (32, 1)
