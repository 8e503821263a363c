"""The loop computes what `model.fit` computes, batch by batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

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
