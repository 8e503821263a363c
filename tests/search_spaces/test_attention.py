"""Pooling and attention over steps, against NumPy and against Keras."""

import numpy as np
import pytest

pytestmark = pytest.mark.tf

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6, 8)).astype("float32")
REAL = np.arange(6) < np.array([6, 4, 1, 0])[:, None]


@pytest.fixture
def attention():
    from search_spaces import attention

    return attention


def pooled(attention, how, x=X, real=REAL):
    import keras

    inputs = keras.Input(x.shape[1:])
    if real is None:
        return np.asarray(keras.Model(inputs, attention.pool(inputs, how))(x))
    mask = keras.Input(x.shape[1:2], dtype="bool")
    return np.asarray(keras.Model([inputs, mask], attention.pool(inputs, how, mask))([x, real]))


@pytest.mark.parametrize("how", ["mean", "max", "last", "mean+max", "first"])
def test_pooling_is_that_of_the_real_steps(attention, how):
    one = {
        "mean": lambda rows: rows.mean(axis=0),
        "max": lambda rows: rows.max(axis=0),
        "first": lambda rows: rows[0],
        "last": lambda rows: rows[-1],
        "mean+max": lambda rows: np.concatenate([rows.mean(axis=0), rows.max(axis=0)]),
    }[how]
    found = pooled(attention, how)
    for row in range(3):
        np.testing.assert_allclose(found[row], one(X[row][REAL[row]]), atol=1e-6)
    if how != "first":
        assert (found[3] == 0).all()
    np.testing.assert_allclose(pooled(attention, how, real=None), [one(rows) for rows in X], atol=1e-6)


def test_the_last_real_step_need_not_lie_before_all_others(attention):
    real = np.array([[False, True, False, True, False, False]] * 4)
    np.testing.assert_allclose(pooled(attention, "last", real=real), X[:, 3], atol=1e-6)


def test_attention_pooling_is_a_mean_of_the_real_steps(attention):
    found = pooled(attention, "attention")
    assert (found[3] == 0).all()
    np.testing.assert_allclose(found[2], X[2, 0], atol=1e-6)
    low, high = X[1, :4].min(axis=0), X[1, :4].max(axis=0)
    assert ((low <= found[1]) & (found[1] <= high)).all()
    same = np.tile(X[:, :1], (1, 6, 1))
    np.testing.assert_allclose(pooled(attention, "attention", same, None), same[:, 0], atol=1e-6)


def test_how_is_checked(attention):
    with pytest.raises(ValueError, match="'mean', 'max', 'first' or 'last'"):
        attention.MaskedPooling("median")


def with_the_weights_of(ours, context):
    """Keras's attention, with the random weights that `ours` gets."""
    import keras

    theirs = keras.layers.MultiHeadAttention(2, 4)
    ours.build((None, 3, 8))
    theirs.build((None, 3, 8), (None, *context.shape[1:]))
    ours.set_weights([RNG.normal(size=weight.shape) for weight in ours.get_weights()])
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    theirs.set_weights([weight.reshape(known.shape) for weight, known in pairs])
    return theirs


def test_self_attention_is_that_of_keras(attention):
    ours = attention.SelfAttention(2)
    theirs = with_the_weights_of(ours, X)
    expected = np.asarray(theirs(X, X, attention_mask=np.broadcast_to(REAL[:, None], (4, 6, 6))))
    np.testing.assert_allclose(np.asarray(ours(X, real=REAL))[:3], expected[:3], atol=1e-5)
    np.testing.assert_allclose(np.asarray(ours(X)), np.asarray(theirs(X, X)), atol=1e-5)


def test_cross_attention_is_that_of_keras_and_sees_nothing_where_nothing_is_real(attention):
    steps, ours = RNG.normal(size=(4, 3, 8)).astype("float32"), attention.CrossAttention(2)
    theirs = with_the_weights_of(ours, X)
    expected = np.asarray(theirs(steps, X, attention_mask=np.broadcast_to(REAL[:, None], (4, 3, 6))))
    found = np.asarray(ours(steps, X, real=REAL))
    np.testing.assert_allclose(found[:3], expected[:3], atol=1e-5)
    np.testing.assert_array_equal(found[3], 0)
    np.testing.assert_allclose(np.asarray(ours(steps, X)), np.asarray(theirs(steps, X)), atol=1e-5)


def test_the_cost_of_a_block_that_looks_at_something_else(attention):
    import keras

    from nas.training.architecture import describe

    steps, others, width = 10, 7, 48
    x, context, mask = keras.Input((steps, width)), keras.Input((others, width)), keras.Input((others,), dtype="bool")
    y = attention.transformer_block(
        x, mask, context=context, heads=4, ratio=2, activation="gelu", norm="pre", name="block"
    )
    attended = 2 * (steps + others) * width**2 + 2 * steps * others * width
    assert describe(keras.Model([x, context, mask], y)).cost.macs == attended + 2 * steps * width * 2 * width
    assert y.shape == (None, steps, width)


def test_rotary_scores_depend_on_the_distance_alone(attention):
    query, key = RNG.normal(size=(2, 8)).astype("float32")

    def turned(vector):
        return np.asarray(attention.rotate(np.tile(vector, (1, 7, 1, 1))))[0, :, 0]

    scores = turned(query) @ turned(key).T
    for distance in range(-6, 7):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-5)
    assert scores[0, 0] == pytest.approx(query @ key, abs=1e-5)
    assert np.ptp(scores[0]) > 0.1
    np.testing.assert_allclose(np.linalg.norm(turned(query), axis=1), np.linalg.norm(query), rtol=1e-5)


def test_without_positions_attention_does_not_see_the_order(attention):
    for rotary in (False, True):
        layer = attention.SelfAttention(2, rotary=rotary)
        swapped = np.asarray(layer(X[:, ::-1].copy()))[:, ::-1]
        assert np.allclose(np.asarray(layer(X)), swapped, atol=1e-5) == (not rotary)


def test_heads_share_out_the_width(attention):
    for heads, rotary in ((3, False), (8, True)):
        with pytest.raises(ValueError, match="The width, 8, must be a multiple of"):
            attention.SelfAttention(heads, rotary=rotary).build((None, 6, 8))


@pytest.mark.parametrize("activation", ["relu", "gelu", "geglu", "swiglu"])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_cost_of_a_block(attention, activation, norm):
    import keras

    from nas.training.architecture import describe

    steps, width = 10, 48
    x, mask = keras.Input((steps, width)), keras.Input((steps,), dtype="bool")
    y = attention.transformer_block(
        x, mask, heads=4, ratio=2, activation=activation, norm=norm, rotary=True, dropout=0.1, name="block"
    )
    cost = describe(keras.Model([x, mask], y)).cost
    # A gate has three matrices of 2/3 of the size: as many products.
    assert cost.macs == 4 * steps * width**2 + 2 * steps**2 * width + 2 * steps * width * 2 * width
    assert y.shape == (None, steps, width)


def test_the_cost_of_attention_pooling(attention):
    import keras

    from nas.training.architecture import describe

    x = keras.Input((10, 8))
    assert describe(keras.Model(x, attention.pool(x, "attention"))).cost.macs == 10 * (8 * 8 + 8) + 10 * 8
    assert describe(keras.Model(x, attention.pool(x, "mean+max"))).cost.macs == 0


def test_sines_of_one_axis_tell_steps_apart(attention):
    added = np.asarray(attention.add_positions(np.zeros((1, 50, 8), "float32"), "sine"))[0]
    assert len(np.unique(added.round(4), axis=0)) == 50
    np.testing.assert_allclose(added[3], [*np.sin(w := 3 / 10_000 ** (np.arange(4) / 4)), *np.cos(w)], atol=1e-6)


def test_a_residual_part_is_normalized_where_it_is_said(attention):
    import keras

    def names(norm, dropout=0.1):
        x = keras.Input((10, 8))
        y = attention.residual(x, keras.layers.Dense(8, name="change"), norm, dropout, name="part")
        return [layer.name for layer in keras.Model(x, y).layers[1:]]

    assert names("pre") == ["part_norm", "change", "part_dropout", "part_add"]
    assert names("post") == ["change", "part_dropout", "part_add", "part_norm"]
    assert names("none", dropout=0.0) == ["change", "part_add"]
    with pytest.raises(ValueError, match="'pre', 'post' or 'none'"):
        names("batch")


@pytest.mark.parametrize(("activation", "gate"), [("reglu", "relu"), ("swiglu", "silu"), ("silu", None)])
def test_a_feed_forward_layer_may_be_gated_and_dropped_within(attention, activation, gate):
    import keras

    x = keras.Input((10, 8))
    model = keras.Model(x, attention.feed_forward(x, 12, activation, 0.2, name="mlp"))
    names = [layer.name for layer in model.layers[1:]]
    gated = ["mlp_value", "mlp_gate"] if gate else []
    assert names == ["mlp_dense1", *gated, "mlp_inner_dropout", "mlp_dense2"]
    assert model.get_layer("mlp_dense1").activation.__name__ == (gate or activation)
    assert model.count_params() == (2 if gate else 1) * (8 * 12 + 12) + 12 * 8 + 8
