"""A varied batch is the same examples in the same order, moved; the same seed moves them the same way."""

import numpy as np
import pytest
import tensorflow as tf

from nas.data_card import Input
from nas.training.augmentation import AUGMENTATIONS, NOISE, SHIFT, augmentations

pytestmark = pytest.mark.tf
SEED = tf.constant([3, 4])
ALL = [(kind, name) for kind, named in AUGMENTATIONS.items() for name in named]


def batch(kind: str) -> tf.Tensor:
    if kind in ("text", "ids"):
        return tf.random.stateless_uniform((32, 7), [0, 1], 0, 50, tf.int32)
    shape = {"image": (32, 16, 24, 2), "sequence": (32, 16, 3), "audio": (32, 400)}.get(kind, (32, 7))
    return tf.random.stateless_normal(shape, [0, 1])


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_shape_and_dtype_stay_and_a_seed_decides(kind, name):
    augment = tf.function(AUGMENTATIONS[kind][name])
    x = batch(kind)
    first, again, other = augment(x, SEED), augment(x, SEED), augment(x, SEED + 1)
    assert first.shape == x.shape
    assert first.dtype == x.dtype
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (name == "none")


def test_what_has_a_label_for_each_step_is_not_moved():
    assert set(augmentations(Input("sequence", (8, 2)), steps_have_labels=True)) == {"none", "noise"}
    assert set(augmentations(Input("audio", (80,)), steps_have_labels=True)) == {"none"}
    assert "shift_gain" in augmentations(Input("audio", (80,)), steps_have_labels=False)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_none_is_the_identity(kind):
    np.testing.assert_array_equal(AUGMENTATIONS[kind]["none"](batch(kind), SEED), batch(kind))


@pytest.mark.parametrize("name", ["shift", "shift_flip"])
def test_each_image_is_a_moved_copy_of_itself(name):
    x = batch("image").numpy()
    moved = AUGMENTATIONS["image"][name](tf.constant(x), SEED).numpy()
    found = [_movement(before, after) for before, after in zip(x, moved, strict=True)]
    assert None not in found  # each is its own example's: labels stay true
    assert {abs(down) for down, _, _ in found} == {0, 1, 2}
    assert {abs(right) for _, right, _ in found} == {0, 1, 2, 3}
    assert {mirrored for _, _, mirrored in found} == ({False, True} if name == "shift_flip" else {False})


def _movement(before: np.ndarray, after: np.ndarray) -> tuple[int, int, bool] | None:
    """Return by how much `after` is `before` moved down and right, and whether it is mirrored; 0 is shifted in."""
    height, width = before.shape[0] // SHIFT, before.shape[1] // SHIFT
    for mirrored in (False, True):
        source = np.pad(before[:, ::-1] if mirrored else before, [(height, height), (width, width), (0, 0)])
        for down in range(-height, height + 1):
            for right in range(-width, width + 1):
                rows = slice(height - down, height - down + before.shape[0])
                if np.array_equal(source[rows, width - right : width - right + before.shape[1]], after):
                    return down, right, mirrored
    return None


def test_rows_and_columns_move_independently():
    x = batch("image").numpy()
    moved = AUGMENTATIONS["image"]["shift"](tf.constant(x), SEED).numpy()
    movements = {_movement(before, after)[:2] for before, after in zip(x, moved, strict=True)}
    assert len(movements) > 12  # of 35; were they tied to each other, 7 at most


def test_an_image_too_small_to_move_stays():
    x = tf.random.stateless_normal((4, 5, 1, 1), [0, 1])
    np.testing.assert_array_equal(AUGMENTATIONS["image"]["shift"](x, SEED), x)


def test_noise_has_the_promised_size():
    x = tf.zeros((4000, 5))
    assert np.std(AUGMENTATIONS["vector"]["noise"](x, SEED)) == pytest.approx(NOISE, rel=0.05)


def test_words_alone_are_dropped_and_become_the_unknown_one_of_their_vocabulary():
    given = Input("text", (200,), vocabulary=50, unknown=9, special=(0, 9, 7))
    x = tf.random.stateless_uniform((4, 200), [0, 1], 0, 50, tf.int32)
    before = x.numpy()
    after = augmentations(given, steps_have_labels=False)["drop_tokens"](x, SEED).numpy()
    changed = before != after
    assert 0.05 < changed.mean() < 0.15
    assert set(after[changed]) == {9}
    assert not changed[np.isin(before, (0, 7, 9))].any()
