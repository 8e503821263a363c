"""MACs against closed forms."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from nas.training.architecture import describe
from nas.training.macs import macs

pytestmark = pytest.mark.tf


def cost(shape, *stack):
    inputs = x = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return describe(keras.Model(inputs, x)).cost


@pytest.mark.parametrize(
    ("shape", "layer", "expected"),
    [
        ((8,), layers.Dense(16), 8 * 16),
        ((5, 8), layers.Dense(16), 5 * 8 * 16),
        ((5, 8), layers.EinsumDense("abc,cd->abd", output_shape=(5, 16)), 5 * 8 * 16),
        ((5, 8), layers.EinsumDense("...x,xyz->...yz", output_shape=(2, 4)), 5 * 8 * 2 * 4),
        ((20, 3), layers.Conv1D(4, 5, padding="same"), 20 * 5 * 3 * 4),
        ((8, 8, 3), layers.Conv2D(4, 3), 6 * 6 * 3 * 3 * 3 * 4),
        ((8, 8, 4), layers.Conv2D(6, 3, strides=2, padding="same", groups=2), 4 * 4 * 9 * 2 * 6),
        ((4, 4, 4, 2), layers.Conv3D(3, 2), 27 * 8 * 2 * 3),
        ((8, 8, 3), layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), 64 * 9 * 3 * 2),
        ((20, 3), layers.DepthwiseConv1D(3, padding="same"), 20 * 3 * 3),
        ((8, 8, 3), layers.SeparableConv2D(5, 3, padding="same"), 64 * (9 * 3 + 3 * 5)),
        ((4, 4, 3), layers.Conv2DTranspose(5, 2, strides=2), 16 * 4 * 3 * 5),
        ((20, 8), layers.LSTM(16), 20 * 4 * 16 * (8 + 16)),
        ((20, 8), layers.GRU(16, return_sequences=True), 20 * 3 * 16 * (8 + 16)),
        ((20, 8), layers.SimpleRNN(16), 20 * 16 * (8 + 16)),
        ((20, 8), layers.RNN([layers.LSTMCell(16), layers.GRUCell(4)]), 20 * (4 * 16 * 24 + 3 * 4 * 20)),
        ((20, 8), layers.Bidirectional(layers.LSTM(16)), 2 * 20 * 4 * 16 * (8 + 16)),
        ((20, 8, 8, 3), layers.TimeDistributed(layers.Conv2D(4, 3)), 20 * 36 * 27 * 4),
        ((20,), layers.Embedding(100, 8), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_macs_of_a_layer(shape, layer, expected):
    assert cost(shape, layer).macs == expected


@pytest.mark.parametrize(
    "layer",
    [layers.BatchNormalization(), layers.LayerNormalization(), layers.PReLU(), layers.Softmax(), layers.MaxPooling2D()],
    ids=lambda layer: type(layer).__name__,
)
def test_what_is_not_counted(layer):
    assert cost((8, 8, 4), layer).macs == 0


def attention(layer, query, value, **kwargs):
    x, y = keras.Input(query), keras.Input(value)
    return describe(keras.Model([x, y], layer(x, y, **kwargs))).cost.macs


def test_self_attention():
    steps, width = 128, 64  # Vaswani et al. 2017, table 1: 4·n·d² for the projections, 2·n²·d for the products
    inputs = keras.Input((steps, width))
    model = keras.Model(inputs, layers.MultiHeadAttention(4, width // 4)(inputs, inputs))
    assert describe(model).cost.macs == 4 * steps * width**2 + 2 * steps**2 * width == 4194304


def test_cross_attention_with_a_value_dimension_of_its_own():
    expected = 2 * (5 * 8 * 4 + 7 * 6 * 4 + 7 * 6 * 3) + 5 * 7 * 2 * (4 + 3) + 5 * 2 * 3 * 8
    assert attention(layers.MultiHeadAttention(2, 4, value_dim=3), (5, 8), (7, 6)) == expected


def test_a_mask_costs_nothing():
    x, mask = keras.Input((5, 8)), keras.Input((5, 5), dtype="bool")
    model = keras.Model([x, mask], layers.MultiHeadAttention(2, 4)(x, x, attention_mask=mask))
    assert describe(model).cost.macs == 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8


def test_attention_within_rows_only():
    x = keras.Input((3, 5, 8))
    model = keras.Model(x, layers.MultiHeadAttention(2, 4, attention_axes=2)(x, x))
    assert describe(model).cost.macs == 3 * (4 * 5 * 8 * 8 + 2 * 5 * 5 * 8)


def test_grouped_queries_project_fewer_keys_and_values():
    layer = layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
    expected = 5 * 8 * 16 + 2 * 7 * 8 * 8 + 5 * 16 * 8 + 2 * 5 * 7 * 16
    assert attention(layer, (5, 8), (7, 8)) == expected


def test_dot_products_of_tensors_are_counted():
    x, y = keras.Input((5, 8)), keras.Input((7, 8))
    for call, expected in [
        (lambda: layers.Dot(axes=(2, 2))([x, y]), 5 * 7 * 8),
        (lambda: layers.Attention()([x, y]), 5 * 7 * (8 + 8)),
        (lambda: ops.matmul(x, ops.transpose(y, (0, 2, 1))), 5 * 7 * 8),
        (lambda: ops.einsum("bqd,bkd->bqk", x, y), 5 * 7 * 8),
    ]:
        assert describe(keras.Model([x, y], call())).cost.macs == expected


def test_a_fourier_transform_is_n_log2_n():
    sound = keras.Input((4000,))
    frames = 1 + 4000 // 80
    for call, expected in [
        (lambda: ops.stft(sound, 200, 80, 256)[0], frames * 256 * 8),
        (lambda: ops.stft(sound, 200, 80, 256, center=False)[1], (1 + (4000 - 256) // 80) * 256 * 8),
        (lambda: ops.rfft(ops.reshape(sound, (1, 4, 1000)), 1024)[0], 4 * 1024 * 10),
    ]:
        assert describe(keras.Model(sound, call())).cost.macs == expected


def test_spectrograms_of_keras():
    mel = layers.MelSpectrogram(fft_length=256, sequence_stride=80, sampling_rate=8000, num_mel_bins=40)
    assert cost((4000,), mel).macs == (1 + 4000 // 80) * (256 * 8 + 129 * 40)
    frames = 1 + (4000 - 200) // 80  # a convolution: 129 sines and as many cosines of 200 samples
    for mode, parts in [("log", 2), ("real", 1)]:
        layer = layers.STFTSpectrogram(mode, frame_length=200, frame_step=80, fft_length=256)
        assert cost((4000, 3), layer).macs == 3 * frames * 200 * 129 * parts


def test_a_transform_without_a_rule_is_unknown():
    x = keras.Input((2, 8))
    unknown = describe(keras.Model(x, ops.fft((x, x))[0])).cost
    assert unknown.macs is None
    assert "FFT" in unknown.unknown


def test_a_product_without_a_rule_is_unknown():
    x = keras.Input((5, 8))
    unknown = describe(keras.Model(x, ops.conv(x, np.ones((3, 8, 2), "float32")))).cost
    assert unknown.macs is None
    assert "Conv" in unknown.unknown


def test_each_call_of_a_shared_layer_is_counted_and_its_weights_once():
    inputs = keras.Input((4,))
    shared = layers.Dense(4)
    total = describe(keras.Model(inputs, shared(shared(inputs)))).cost
    assert (total.macs, total.weights) == (32, 20)


class Gate(layers.Layer):
    """Written with Keras's own layers and operations, as most are."""

    def build(self, input_shape):
        self.dense = layers.Dense(input_shape[-1])
        self.dense.build(input_shape)
        self.kernel = self.add_weight(shape=(3, input_shape[-1]))

    def call(self, inputs):
        mixed = ops.matmul(self.kernel, ops.reshape(inputs, (-1, 4, 1)))
        return inputs * ops.sigmoid(self.dense(inputs)) + ops.sum(mixed, axis=(1, 2))[:, None]


class Hidden(layers.Layer):
    """Written with NumPy, which Keras cannot follow."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],))

    def call(self, inputs):
        if not isinstance(inputs, keras.KerasTensor):
            return inputs * self.scale
        raise TypeError("values are needed")

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def test_a_layer_of_ones_own_is_counted_by_what_it_calls():
    assert cost((4,), Gate()).macs == 16 + 3 * 4


def test_where_that_cannot_be_followed_the_cost_is_unknown_not_zero():
    unknown = cost((4,), Hidden())
    assert unknown.macs is None
    assert unknown.weights == 4
    assert "Hidden" in unknown.unknown


def test_until_there_is_a_rule():
    class Foreign(Hidden):
        pass

    @macs.rule(Foreign)
    def foreign(layer, inputs, outputs):
        return 7

    class Same(Foreign):
        pass

    class Other(Foreign):
        def call(self, inputs):
            return super().call(inputs)

    assert cost((4,), Foreign()).macs == 7
    assert cost((4,), Same()).macs == 7
    assert cost((4,), Other()).macs is None


def test_examples_folded_into_the_batch_are_unknown_outside_a_layer():
    inputs = keras.Input((6, 4))
    folded = layers.Dense(2)(ops.reshape(inputs, (-1, 4)))
    assert describe(keras.Model(inputs, folded)).cost.macs is None


def test_a_mask_over_one_s_own_attention_costs_nothing_more():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.attention, self.norm = layers.MultiHeadAttention(2, 4), layers.LayerNormalization()

        def build(self, shape):
            self.attention.build(shape, shape)
            self.norm.build(shape)

        def call(self, inputs):
            return self.norm(inputs + self.attention(inputs, inputs, use_causal_mask=True))

    assert cost((5, 8), Block()).macs == 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8


def test_a_subclass_that_computes_something_else_does_not_inherit_the_rule():
    class Twice(layers.Dense):
        def call(self, inputs):
            return super().call(super().call(inputs))

    class Named(layers.Dense):
        pass

    assert cost((4,), Twice(4)).macs == 32
    assert cost((4,), Named(4)).macs == 16


def test_memory_is_the_outputs_of_all_layers():
    assert cost((8, 8, 1), layers.Conv2D(4, 3), layers.Flatten()).memory == 4 * (64 + 144 + 144)


def test_axes_of_unknown_length_leave_the_cost_unknown():
    unknown = cost((None, 8), layers.LSTM(16))
    assert (unknown.macs, unknown.memory) == (None, None)
    assert "unknown length" in unknown.unknown
