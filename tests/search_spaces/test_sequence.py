"""What is particular about encoders of sequences: who sees what, and how much of it."""

import numpy as np
import pytest

from nas import catalogue
from nas.data_card import Input
from nas.testing import check_family

pytestmark = pytest.mark.tf

FAMILIES = ("inception_time", "series_rnn", "series_transformer", "tcn")


def build(family, shape, features="sequence", **params):
    """The member of `family` with these params, defaults for the others."""
    from nas.training.hyperparameters import AnsweredHyperParameters

    hp = AnsweredHyperParameters(lambda ask: params.get(ask.name, ask.default))
    return catalogue.families[family](shape, features=features).build(hp)


def seen_from(model, steps, channels=2):
    """Which steps each step of the output depends on: bool (steps out, steps in)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, steps, channels)).astype("float32")
    changed = np.repeat(x, steps, axis=0)
    changed[np.arange(steps), np.arange(steps)] += 3.0
    moved = np.abs(np.asarray(model(changed)) - np.asarray(model(x)))  # (step changed, step out, width)
    return moved.max(axis=-1).T > 1e-6


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("steps", [2, 5])
def test_the_shortest_series_are_encoded(family, steps):
    for features, rank in [("vector", 1), ("sequence", 2)]:
        for architecture in check_family(
            catalogue.families[family], Input("sequence", (steps, 1)), features=features, members=2
        ):
            shape = architecture.graph[-1].shape
            assert len(shape) == rank
            assert features == "vector" or shape[0] == steps


@pytest.mark.parametrize("params", [{"kernel": 3, "levels": 4}, {"kernel": 7, "norm": "layer", "width": 16}], ids=str)
def test_a_causal_network_sees_no_later_step(params):
    seen = seen_from(build("tcn", (24, 2), causal=True, **params), 24)
    assert not np.triu(seen, 1).any()
    assert seen.diagonal().all()
    assert seen[-1, 0]  # and what is long ago
    assert np.triu(seen_from(build("tcn", (24, 2), causal=False, **params), 24), 1).any()


def test_each_level_doubles_what_is_seen():
    for levels, window in [(1, 5), (2, 13), (3, 29)]:  # 1 + 2 convolutions × 2 × (1 + 2 + 4 …)
        seen = seen_from(build("tcn", (64, 2), causal=True, kernel=3, levels=levels, norm="layer"), 64)
        assert seen[-1].sum() == window


def test_dilations_grow_as_far_as_a_kernel_fits():
    from search_spaces.sequence.tcn import levels_that_fit, longest_dilation

    assert [levels_that_fit(steps) for steps in (1, 2, 5, 24, 64, 5000)] == [1, 1, 2, 4, 5, 8]
    for steps in (7, 24, 64):
        model = build("tcn", (steps, 2), levels=levels_that_fit(steps), kernel=7)
        for layer in model.layers:
            if "_conv" in layer.name:
                assert 1 + (layer.kernel_size[0] - 1) * layer.dilation_rate[0] <= steps
    assert longest_dilation(64, 7) == 10


def test_a_recurrent_network_sees_one_side_or_both():
    assert not np.triu(seen_from(build("series_rnn", (12, 2), bidirectional=False), 12), 1).any()
    assert seen_from(build("series_rnn", (12, 2), bidirectional=True), 12).all()


def test_the_last_state_of_both_directions_has_read_the_whole_series():
    model = build("series_rnn", (12, 2), features="vector", bidirectional=True, pooling="last", patch=1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 12, 2)).astype("float32")
    for step in (0, 11):
        changed = x.copy()
        changed[:, step] += 3.0
        moved = np.abs(np.asarray(model(changed)) - np.asarray(model(x)))[0]
        assert (moved.reshape(2, -1).max(axis=1) > 1e-4).all()  # both halves: forwards and backwards


@pytest.mark.parametrize("position", ["learned", "sine"])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_transformer_tells_the_order_of_steps(position, norm):
    model = build("series_transformer", (12, 2), "vector", position=position, norm=norm, patch=1, pooling="mean")
    x = np.random.default_rng(0).normal(size=(1, 12, 2)).astype("float32")
    assert np.abs(np.asarray(model(x)) - np.asarray(model(x[:, ::-1]))).max() > 1e-4


def test_patches_are_few_enough_and_only_where_no_step_wants_a_vector():
    from search_spaces.sequence.blocks import patch_sizes

    assert patch_sizes(5) == [1]
    assert patch_sizes(24) == [1, 2]
    assert patch_sizes(1000) == [8, 16, 32, 64, 128]
    for steps in range(1, 3000, 7):
        assert all(-(-steps // size) <= 128 for size in patch_sizes(steps))
        assert all(size <= steps for size in patch_sizes(steps))
    assert build("series_transformer", (300, 2)).output_shape == (None, 300, 48)
    assert build("series_transformer", (300, 2), "vector").get_layer("patches").output.shape[1] <= 32


def test_sine_steps_tell_every_step_apart():
    from search_spaces.blocks import SinePositions

    added = np.asarray(SinePositions((50,))(np.zeros((1, 50, 16), "float32")))[0]
    assert np.allclose(added[0], [0.0] * 8 + [1.0] * 8)
    assert np.allclose(added[3, [0, 8]], [np.sin(3), np.cos(3)], atol=1e-6)
    assert len(np.unique(added.round(4), axis=0)) == 50


def test_what_pooling_makes_of_steps():
    import keras

    from search_spaces.blocks import pool_steps

    x = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    inputs = keras.Input((5, 4))

    def pooled(pooling):
        return np.asarray(keras.Model(inputs, pool_steps(inputs, pooling))(x))

    assert np.allclose(pooled("mean"), x.mean(axis=1), atol=1e-6)
    assert np.allclose(pooled("max"), x.max(axis=1))
    assert np.allclose(pooled("last"), x[:, -1])
    with pytest.raises(ValueError, match="'mean', 'max', 'last' or 'attention'"):
        pool_steps(inputs, "median")

    model = keras.Model(inputs, pool_steps(inputs, "attention"))
    scores = x @ model.get_layer("pool_scores").get_weights()[0]
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(np.asarray(model(x)), (weights * x).sum(axis=1), atol=1e-5)


def test_attention_pooling_costs_a_score_and_a_sum():
    import keras

    from nas.training.architecture import describe
    from search_spaces.blocks import pool_steps

    inputs = keras.Input((20, 8))
    assert describe(keras.Model(inputs, pool_steps(inputs, "attention"))).cost.macs == 20 * 8 + 20 * 8


def test_an_inception_block_costs_its_bottleneck_and_four_branches():
    import keras

    from nas.training.architecture import describe
    from search_spaces.sequence.inception_time import inception, kernel_lengths

    assert [kernel_lengths(longest) for longest in (40, 10, 5, 1)] == [[40, 20, 10], [10, 5, 2], [5, 2, 1], [1]]
    inputs = keras.Input((30, 12))
    block = keras.Model(inputs, inception(inputs, 4, [20, 10, 5], 8, "relu", name="block"))
    assert block.output_shape == (None, 30, 16)
    assert describe(block).cost.macs == 30 * (12 * 8 + 8 * 4 * (20 + 10 + 5) + 12 * 4)


@pytest.mark.parametrize("depth", [2, 3, 5, 6])
def test_inception_time_has_a_shortcut_over_every_three_blocks(depth):
    names = [layer.name for layer in build("inception_time", (24, 2), depth=depth).layers]
    assert [name for name in names if name.endswith("shortcut_add")] == [
        f"block{number}_shortcut_add" for number in range(3, depth + 1, 3)
    ]
