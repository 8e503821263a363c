"""Fingerprints: the same for the same function, different for different ones."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers, ops

from nas.training.architecture import describe

pytestmark = pytest.mark.tf

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

WIDTH = 4
STEP = st.tuples(
    st.sampled_from(["dense", "norm", "add", "concatenate", "shared", "relu", "nothing"]), st.integers(0, 99)
)
PLANS = st.lists(STEP, min_size=1, max_size=8)


def build(plan, prefix="", swap=(), units=None):
    """Build the small model that `plan` describes; `swap` names merges whose inputs are to be exchanged."""
    inputs = keras.Input((WIDTH,), name=f"{prefix}in")
    tensors, shared = [inputs], layers.Dense(WIDTH, name=f"{prefix}shared")
    for number, (kind, pick) in enumerate(plan):
        x, other = tensors[pick % len(tensors)], tensors[-1]
        name = f"{prefix}{kind}{number}"
        pair = [other, x] if kind in swap else [x, other]
        match kind:
            case "dense":
                y = layers.Dense(WIDTH, name=name)(x)
            case "norm":
                y = layers.LayerNormalization(name=name)(x)
            case "add":
                y = layers.Add(name=name)(pair)
            case "concatenate":
                y = layers.Dense(WIDTH, name=name)(layers.Concatenate(name=f"{name}_c")(pair))
            case "shared":
                y = shared(x)
            case "relu":
                y = ops.relu(x)
            case "nothing":
                y = layers.Dropout(0.0, name=name)(x)
        tensors.append(y)
    return keras.Model(inputs, layers.Dense(units or 3, name=f"{prefix}out")(tensors[-1]))


def fingerprint(model):
    return describe(model).fingerprint


@few
@given(PLANS)
def test_building_twice_and_renaming_change_nothing(plan):
    assert fingerprint(build(plan)) == fingerprint(build(plan, prefix="other_"))


@few
@given(PLANS)
def test_swapping_what_is_added_changes_nothing(plan):
    assert fingerprint(build(plan)) == fingerprint(build(plan, swap={"add"}))


@few
@given(PLANS)
def test_one_unit_more_is_another_architecture(plan):
    assert fingerprint(build(plan)) != fingerprint(build(plan, units=4))


@few
@given(PLANS)
def test_the_copy_from_a_configuration_is_the_same(plan):
    model = build(plan)
    assert fingerprint(keras.Model.from_config(model.get_config())) == fingerprint(model)


@few
@given(PLANS)
def test_the_table_adds_up(plan):
    model = build(plan)
    architecture = describe(model)
    assert sum(node.weights for node in architecture.graph) == architecture.cost.weights == model.count_params()
    assert sum(node.macs for node in architecture.graph) == architecture.cost.macs
    ids = [node.id for node in architecture.graph]
    assert all(ids.index(source) < ids.index(node.id) for node in architecture.graph for source in node.inputs)


def two_branches(merge, swap=False):
    inputs = keras.Input((4,))
    a, b = layers.Dense(4)(inputs), layers.Dense(4, activation="relu")(inputs)
    return keras.Model(inputs, merge([b, a] if swap else [a, b]))


@pytest.mark.parametrize("merge", [layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum])
def test_commutative_merges_do_not_care_for_order(merge):
    assert fingerprint(two_branches(merge())) == fingerprint(two_branches(merge(), swap=True))


@pytest.mark.parametrize("merge", [layers.Concatenate, layers.Subtract])
def test_other_merges_do(merge):
    assert fingerprint(two_branches(merge())) != fingerprint(two_branches(merge(), swap=True))


def test_adding_by_layer_and_by_operator_are_one_thing():
    assert fingerprint(two_branches(layers.Add())) == fingerprint(two_branches(lambda pair: pair[0] + pair[1]))


def test_a_layer_called_twice_is_not_two_equal_layers():
    def model(shared):
        inputs = keras.Input((4,))
        first = layers.Dense(4)
        second = first if shared else layers.Dense(4)
        return keras.Model(inputs, layers.Add()([first(inputs), second(ops.relu(inputs))]))

    assert fingerprint(model(shared=True)) != fingerprint(model(shared=False))
    assert describe(model(shared=True)).cost.macs == describe(model(shared=False)).cost.macs == 32
    assert describe(model(shared=True)).cost.weights == 20


def test_which_calls_share_weights_counts():
    def model(crossed):
        x1, x2 = keras.Input((4,)), keras.Input((4,))
        a, b = layers.Dense(4), layers.Dense(4)
        order = [b(x2), a(x2)] if crossed else [a(x2), b(x2)]
        return keras.Model([x1, x2], layers.Concatenate()([a(x1), b(x1), *order]))

    assert fingerprint(model(crossed=True)) != fingerprint(model(crossed=False))


def test_a_tie_between_equal_branches_is_broken_by_who_else_uses_them():
    def model(swap):
        inputs = keras.Input((4,))
        a, b = layers.Dense(4)(inputs), layers.Dense(4)(inputs)
        return keras.Model(inputs, layers.Concatenate()([layers.Add()([b, a] if swap else [a, b]), a]))

    assert fingerprint(model(swap=True)) == fingerprint(model(swap=False))


def test_what_reaches_no_output_and_what_does_nothing_do_not_count():
    def model(more):
        inputs = keras.Input((4,))
        x = layers.Dense(4, activation="relu")(inputs)
        if more:
            layers.Dense(99)(x)
            x = layers.Identity()(layers.Dropout(0.0)(layers.Activation("linear")(x)))
        return keras.Model(inputs, layers.Dense(2)(x))

    plain, padded = describe(model(more=False)), describe(model(more=True))
    assert padded.fingerprint == plain.fingerprint
    assert [node.layer for node in padded.graph] == ["Input", "Dense", "Dense"]


def test_dropout_that_drops_counts():
    def model(*rates):
        inputs = x = keras.Input((4,))
        for rate in rates:
            x = layers.Dropout(rate, seed=round(10 * rate))(x)
        return keras.Model(inputs, layers.Dense(2)(x))

    assert (
        len({fingerprint(model()), fingerprint(model(0.1)), fingerprint(model(0.2)), fingerprint(model(0.1, 0.1))}) == 4
    )


def test_rounding_errors_do_not_count():
    def model(rate):
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dropout(rate)(inputs))

    assert fingerprint(model(0.1 + 0.2)) == fingerprint(model(0.3))


def test_seeds_do_not_count_but_initializers_and_frozen_weights_do():
    def model(seed=0, initializer=None, trainable=True):
        inputs = keras.Input((4,))
        initializer = initializer or keras.initializers.GlorotUniform(seed=seed)
        return keras.Model(inputs, layers.Dense(2, kernel_initializer=initializer, trainable=trainable)(inputs))

    assert fingerprint(model(seed=1)) == fingerprint(model(seed=2))
    assert fingerprint(model(initializer="zeros")) != fingerprint(model())
    assert fingerprint(model(trainable=False)) != fingerprint(model())


def test_precision_counts():
    def model(dtype):
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(2, dtype=dtype)(inputs))

    assert fingerprint(model("mixed_bfloat16")) != fingerprint(model("float32"))


def test_a_nested_model_is_the_same_as_its_layers():
    def inner():
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(4)(layers.LayerNormalization()(inputs)))

    inputs = keras.Input((4,))
    flat = keras.Model(inputs, layers.Dense(4)(layers.LayerNormalization()(inputs)))
    nested = keras.Sequential([keras.Input((4,)), inner()])
    assert fingerprint(nested) == fingerprint(inner()) == fingerprint(flat)
    names = [node.name for node in describe(nested).graph]
    assert names[1].endswith("/" + nested.layers[0].layers[1].name)


def test_compiling_changes_nothing():
    model = two_branches(layers.Add())
    before = fingerprint(model)
    model.compile("adam", "mse")
    assert fingerprint(model) == before


def test_several_inputs_and_outputs_keep_their_places():
    def model(swap_inputs=False, swap_outputs=False):
        a, b = keras.Input((4,)), keras.Input((4,))
        x, y = layers.Dense(3)(a), layers.Dense(3)(layers.Concatenate()([a, b]))
        return keras.Model([b, a] if swap_inputs else [a, b], [y, x] if swap_outputs else [x, y])

    assert len({fingerprint(model()), fingerprint(model(True)), fingerprint(model(False, True))}) == 3
    assert len([node for node in describe(model()).graph if node.layer == "Input"]) == 2


def attention(call):
    x, y = keras.Input((5, 8)), keras.Input((7, 8))
    return keras.Model([x, y], call(layers.MultiHeadAttention(2, 4), x, y))


def test_arguments_are_told_by_name_not_by_how_they_are_passed():
    by_place = attention(lambda layer, x, y: layer(x, y, x[:, :1] + y))
    by_name = attention(lambda layer, x, y: layer(key=y + x[:, :1], value=y, query=x))
    other = attention(lambda layer, x, y: layer(x, x[:, :1] + y, y))
    assert fingerprint(by_place) == fingerprint(by_name) != fingerprint(other)


def test_operations_are_told_by_their_arguments():
    def model(operation):
        inputs = keras.Input((5, 8))
        return keras.Model(inputs, operation(inputs))

    operations = [
        lambda x: x[:, 0],
        lambda x: x[:, 1],
        lambda x: x + 1.0,
        lambda x: x + np.ones(8, "float32"),
        lambda x: x + np.zeros(8, "float32"),
        lambda x: ops.reshape(x, (-1, 40)),
        lambda x: ops.sum(x, axis=1),
        lambda x: ops.sum(x, axis=2),
    ]
    assert len({fingerprint(model(operation)) for operation in operations}) == len(operations)
    assert [fingerprint(model(operation)) for operation in operations] == [fingerprint(model(o)) for o in operations]
    assert fingerprint(model(lambda x: 1.0 + x)) == fingerprint(model(lambda x: x + 1.0))
    assert not describe(model(operations[4])).opaque


class Subclassed(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_without_a_graph_is_opaque():
    architecture = describe(Subclassed(3), input_shape=(4,))
    assert architecture.opaque
    assert architecture.cost.weights == 15
    assert architecture.cost.macs is None
    assert "Subclassed" in architecture.cost.unknown
    assert (
        describe(Subclassed(3), (4,)).fingerprint
        == architecture.fingerprint
        != describe(Subclassed(4), (4,)).fingerprint
    )


def test_a_lambda_is_opaque():
    inputs = keras.Input((4,))
    assert describe(keras.Model(inputs, layers.Lambda(lambda x: 2 * x)(inputs))).opaque


def test_a_sequential_that_is_not_built_is_built_for_the_data():
    architecture = describe(keras.Sequential([layers.Dense(3), layers.Dense(2)]), input_shape=(4,))
    assert not architecture.opaque
    assert architecture.cost.weights == 15 + 8
    assert architecture.graph[-1].shape == (2,)


def test_settings_are_the_few_one_wants_to_read():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, strides=2, activation="relu")(inputs)
    settings_of = {node.layer: node.settings for node in describe(keras.Model(inputs, layers.Flatten()(x))).graph}
    assert settings_of["Conv2D"] == {"filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "activation": "relu"}
    assert settings_of["Flatten"] == {}
