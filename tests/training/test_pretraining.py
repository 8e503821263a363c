"""Tasks without labels: what is hidden and how much of it, losses against NumPy, and that something can be learned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nas.data.source import Examples, RawData, RawInput
from nas.data.statistics import mean_and_std
from nas.data_card import DataCard, Input, Target
from nas.errors import DataError, FamilyError
from nas.training.feed import standardiser
from nas.training.hyperparameters import AnsweredHyperParameters
from nas.training.loop import Loop, Rows
from nas.training.tasks.contrastive import InstanceAccuracy, NTXent
from nas.training.tasks.masked_patches import MASKED_PATCHES, patch_side
from nas.training.tasks.masked_tokens import MASKED_TOKENS
from nas.training.tasks.masking import PatchLoss, TokenAccuracy, TokenLoss, hide_patches, hide_tokens
from nas.training.tasks.simclr import SIMCLR, one_view, two_views

pytestmark = pytest.mark.tf
layers = keras.layers
RNG = np.random.default_rng(0)
SEED = tf.constant([3, 4])
TEXT = Input("text", (40,), vocabulary=20)
TEXTS = Input("text", (12,), vocabulary=20)
IMAGES = Input("image", (8, 8, 1), (0.0,), (1.0,))


def card(given: Input, examples: int = 64) -> DataCard:
    return DataCard("toy", "0", ".", {"x": given}, Target(), {"train": examples, "validation": examples})


def defaults() -> AnsweredHyperParameters:
    return AnsweredHyperParameters(lambda ask: ask.default)


def trained(task, encoder, given: Input, x, epochs: int, rate: float = 0.01) -> dict[str, float]:
    """Train a default head on `encoder`; return the metrics of the last epoch, on the data it was trained on."""
    keras.utils.set_random_seed(0)
    described, hp = card(given, len(x)), defaults()
    model = task.attach_head(encoder, described, hp)
    model.compile(keras.optimizers.Adam(rate), loss=task.loss(described, hp), metrics=task.keras_metrics(described))
    rows = Rows(tf.constant(x), tf.zeros(len(x), tf.int8))
    view = task.view(described, hp)
    loop = Loop(model, rows, rows, batch_size=32, seed=0, standardise=standardiser(described), view=view)
    for epoch in range(1, epochs + 1):
        loop.train(epoch)
    found = loop.validate()
    assert set(found) == set(task.metrics)
    assert loop.validate() == found  # what is hidden in validation is the same after every epoch
    return found


# ---------------------------------------------------------------- masked tokens


def texts(lengths) -> np.ndarray:
    x = RNG.integers(2, 20, (len(lengths), 100)).astype(np.int32)
    return np.where(np.arange(100) < np.asarray(lengths)[:, None], x, 0)


def test_a_share_of_the_tokens_is_asked_and_of_these_most_are_hidden():
    x = texts([100] * 200)
    hidden, places, tokens = (np.asarray(part) for part in hide_tokens(tf.constant(x), SEED, TEXT, 0.15))
    assert (tokens >= 2).all()
    assert tokens.shape == places.shape == (200, 15)
    np.testing.assert_array_equal(np.take_along_axis(x, places, 1), tokens)
    assert all(len(set(row)) == 15 for row in places)
    now = np.take_along_axis(hidden, places, 1)
    assert (now == 1).mean() == pytest.approx(0.8, abs=0.03)
    assert (now == tokens).mean() == pytest.approx(0.1 + 0.1 / 18, abs=0.03)
    assert (hidden != x).sum() == (now != tokens).sum()  # what is not asked stays


def test_padding_and_unknown_words_are_never_asked_and_short_texts_are_asked_less():
    x = texts([0, 3, 20, 60])
    x[2, :10] = 1
    _, places, tokens = (np.asarray(part) for part in hide_tokens(tf.constant(x), SEED, TEXT, 0.15))
    assert (tokens >= 0).sum(axis=1).tolist() == [0, 1, 2, 9]
    asked = np.take_along_axis(x, places, 1)[tokens >= 0]
    assert (asked > 1).all()
    np.testing.assert_array_equal(asked, tokens[tokens >= 0])


def test_what_is_hidden_depends_on_the_seed_alone():
    x = tf.constant(texts([50] * 8))
    first, again, other = (hide_tokens(x, tf.constant(seed), TEXT, 0.15) for seed in ([1, 2], [1, 2], [1, 3]))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


def test_the_loss_of_tokens_is_the_mean_over_those_asked():
    logits = RNG.normal(size=(3, 4, 5)).astype(np.float32)
    y = np.array([[1, 2, -1, -1], [-1] * 4, [0, 4, 3, -1]], np.int32)
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    asked = np.argwhere(y >= 0)
    expected = -np.mean([log[row, place, y[row, place]] for row, place in asked])
    assert float(TokenLoss()(y, logits)) == pytest.approx(expected, rel=1e-5)
    accuracy = TokenAccuracy()
    accuracy.update_state(y, logits)
    right = np.mean([logits[row, place].argmax() == y[row, place] for row, place in asked])
    assert float(accuracy.result()) == pytest.approx(right)


def test_words_that_follow_from_their_neighbours_are_learned():
    starts = RNG.integers(0, 18, (256, 1))
    x = (2 + (starts + np.arange(12)) % 18).astype(np.int32)  # each word is the next of a circle of 18
    inputs = keras.Input((12,), dtype="int32")
    embedded = layers.Embedding(20, 32)(inputs)
    y = layers.Conv1D(64, 5, padding="same", activation="gelu")(embedded)
    encoder = keras.Model(inputs, layers.Conv1D(64, 3, padding="same", activation="gelu")(y))
    found = trained(MASKED_TOKENS, encoder, TEXTS, x, epochs=12)
    examples = Examples.of(x, np.zeros(256))
    baseline = MASKED_TOKENS.baseline(Target(), {"train": examples, "validation": examples}).metrics
    assert baseline["val_masked_accuracy"] < 0.1
    assert found["val_masked_accuracy"] > 0.6
    assert found["val_loss"] < baseline["val_loss"] / 2


def test_the_baseline_of_tokens_is_the_most_frequent_word():
    train = Examples.of(np.array([[2, 2, 3, 0], [2, 1, 1, 1]], np.int32), np.zeros(2))
    validation = Examples.of(np.array([[2, 3, 3, 5]], np.int32), np.zeros(1))
    baseline = MASKED_TOKENS.baseline(Target(), {"train": train, "validation": validation})
    assert baseline.metrics["val_masked_accuracy"] == 0.25
    shares = np.array([4, 2, 1, 1]) / 8  # of words 2 to 5, one more of each
    assert baseline.metrics["val_loss"] == pytest.approx(-np.log(shares[[0, 1, 1, 3]]).mean())


def test_an_encoder_without_a_vector_for_each_token_is_refused():
    inputs = keras.Input((12,), dtype="int32")
    encoder = keras.Model(inputs, layers.GlobalAveragePooling1D()(layers.Embedding(20, 4)(inputs)))
    with pytest.raises(FamilyError, match="a vector for each step"):
        MASKED_TOKENS.attach_head(encoder, card(TEXTS), defaults())


# ---------------------------------------------------------------- masked patches


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 3), (30, 20, 1)])
def test_whole_patches_are_hidden_as_many_in_every_image(shape):
    x = RNG.normal(size=(5, *shape)).astype(np.float32)
    patch = patch_side(shape)
    hidden, mask = (np.asarray(part) for part in hide_patches(tf.constant(x), SEED, patch, 0.6))
    assert set(np.unique(mask)) == {0.0, 1.0}
    np.testing.assert_array_equal(hidden, x * (1 - mask))
    corners = mask[:, ::patch, ::patch, 0]
    assert set(corners.sum(axis=(1, 2))) == {round(0.6 * corners[0].size)}
    whole = np.repeat(np.repeat(corners, patch, 1), patch, 2)[:, : shape[0], : shape[1]]
    np.testing.assert_array_equal(mask[..., 0], whole)
    assert not np.array_equal(mask[0], mask[1])
    np.testing.assert_array_equal(mask, hide_patches(tf.constant(x), SEED, patch, 0.6)[1])


def test_the_loss_of_patches_looks_at_hidden_pixels_alone():
    x, told = RNG.normal(size=(2, 2, 4, 4, 3))[:, :, :, :, :2].astype(np.float32)
    mask = (RNG.random((2, 4, 4, 1)) < 0.5).astype(np.float32)
    expected = np.mean([np.abs(x - told)[row][mask[row, :, :, 0] == 1].mean() for row in range(2)])
    packed = np.concatenate([x, mask], -1)
    assert float(PatchLoss()(packed, told)) == pytest.approx(expected, rel=1e-5)
    assert float(PatchLoss()(packed, told + 9 * (1 - mask))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("stride", "shape"), [(1, (8, 8, 1)), (2, (8, 8, 3)), (4, (30, 20, 1))])
def test_every_place_of_a_map_tells_the_pixels_it_stands_for(stride, shape):
    inputs = keras.Input(shape)
    encoder = keras.Model(inputs, layers.Conv2D(4, stride, stride, padding="same")(inputs))
    model = MASKED_PATCHES.attach_head(encoder, card(Input("image", shape)), defaults())
    assert model.output_shape == (None, *shape)
    x = np.zeros((1, *shape), np.float32)
    x[0, stride + stride // 2, stride // 2] = 1.0  # within the second place of the first column
    changed = np.abs(model(x) - model(0 * x)).sum(axis=(0, 3)) > 0
    assert changed[stride : 2 * stride, :stride].any()
    changed[stride : 2 * stride, :stride] = False
    assert not changed.any()


def test_pixels_that_follow_from_their_neighbours_are_learned():
    phase = RNG.uniform(0, 6.28, (128, 1, 1, 1))
    x = np.sin(phase + np.arange(8)[None, None, :, None] * 0.4) * np.ones((1, 8, 1, 1))
    x = ((x - x.mean()) / x.std()).astype(np.float32)
    inputs = keras.Input((8, 8, 1))
    y = layers.Conv2D(16, 5, padding="same", activation="gelu")(inputs)
    encoder = keras.Model(inputs, layers.Conv2D(16, 7, padding="same", activation="gelu")(y))
    found = trained(MASKED_PATCHES, encoder, IMAGES, x, epochs=8)
    examples = Examples.of(x, np.zeros(128))
    baseline = MASKED_PATCHES.baseline(Target(), {"train": examples, "validation": examples}).metrics
    assert baseline["val_masked_mae"] == pytest.approx(np.abs(x).mean(), rel=1e-4)
    assert found["val_masked_mae"] < baseline["val_masked_mae"] / 2
    assert found["val_masked_mae"] == pytest.approx(found["val_loss"], rel=1e-4)


def test_the_baseline_of_patches_is_in_standard_deviations():
    x = RNG.integers(0, 256, (20, 4, 4, 3)).astype(np.uint8)
    mean, std = mean_and_std(x)
    examples = Examples.of(x, np.zeros(20))
    baseline = MASKED_PATCHES.baseline(Target(), {"train": examples, "validation": examples})
    assert baseline.metrics["val_masked_mae"] == pytest.approx(np.abs((x - np.array(mean)) / np.array(std)).mean())


# ---------------------------------------------------------------- SimCLR


def test_views_differ_from_each_other_and_from_the_image_but_not_from_themselves():
    x = tf.constant(RNG.normal(size=(4, 12, 10, 3)).astype(np.float32))
    views, labels = two_views(x, tf.range(4), SEED)
    assert views.shape == (8, 12, 10, 3)
    assert labels.numpy().tolist() == [0, 1, 2, 3] * 2
    assert not np.allclose(views[:4], views[4:], atol=0.5)
    assert not np.allclose(views[:4], x, atol=0.5)
    np.testing.assert_array_equal(views, two_views(x, tf.range(4), SEED)[0])
    assert not np.array_equal(views, two_views(x, tf.range(4), SEED + 1)[0])


def test_a_view_of_an_even_image_is_even_but_for_noise():
    view = np.asarray(one_view(tf.fill([3, 16, 16, 2], 1.5), SEED))
    assert view.std(axis=(1, 2)).max() < 0.2
    assert np.abs(view.mean(axis=(1, 2)) - 1.5).max() < 0.5


def test_the_loss_of_views_is_the_paper_s():
    z = RNG.normal(size=(6, 4))
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    expected = []
    for i in range(6):
        others = [k for k in range(6) if k != i]
        similar = np.exp(z @ z[i] / 0.2)
        expected.append(-np.log(similar[(i + 3) % 6] / similar[others].sum()))
    assert float(NTXent(0.2)(np.zeros(6), z)) == pytest.approx(np.mean(expected), rel=1e-4)
    accuracy = InstanceAccuracy()
    accuracy.update_state(np.zeros(6), z)
    products = z @ z.T - 9 * np.eye(6)
    assert float(accuracy.result()) == pytest.approx((products.argmax(1) == (np.arange(6) + 3) % 6).mean())


def test_images_that_differ_in_colour_are_told_apart():
    x = (np.ones((64, 8, 8, 3)) * RNG.normal(size=(64, 1, 1, 3)) * 3).astype(np.float32)
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, layers.Dense(32, activation="gelu")(layers.GlobalAveragePooling2D()(inputs)))
    given = Input("image", (8, 8, 3), (0.0,) * 3, (1.0,) * 3)
    found = trained(SIMCLR, encoder, given, x, epochs=5)
    chance = SIMCLR.baseline(Target(), {"validation": Examples.of(x, np.zeros(64))}).metrics
    assert chance["val_instance_accuracy"] == pytest.approx(1 / 127)
    assert chance["val_loss"] == pytest.approx(np.log(127))
    assert found["val_instance_accuracy"] > 20 * chance["val_instance_accuracy"]
    assert found["val_loss"] < chance["val_loss"]


def test_chance_among_views_is_by_batches_of_validation():
    examples = Examples.of(np.zeros((600, 2)), np.zeros(600))
    found = SIMCLR.baseline(Target(), {"validation": examples}).metrics["val_instance_accuracy"]
    assert found == pytest.approx((512 / 1023 + 88 / 175) / 600)


# ---------------------------------------------------------------- data


@pytest.mark.parametrize("task", [MASKED_PATCHES, SIMCLR], ids=lambda task: type(task).__name__)
def test_labels_are_not_looked_at_and_other_inputs_are_refused(task):
    raw = RawData(Examples.of(np.zeros((9, 4, 4, 1)), np.arange(9)), inputs={"x": RawInput("image")})
    assert task.check(raw).train.labels.tolist() == [0] * 9
    with pytest.raises(DataError, match=r"one input of kind 'image'\. Received: x \(text\)"):
        task.check(RawData(raw.train, inputs={"x": RawInput("text")}))
    with pytest.raises(DataError, match="Leave the others out"):
        task.check(RawData(raw.train, inputs={"x": RawInput("image"), "z": RawInput("vector")}))
