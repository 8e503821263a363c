"""How many multiply-accumulates (MACs) a layer takes for one example: one rule for each class of layers.

One MAC is one multiplication whose result is added to a running sum. Biases, normalizations, activations, softmax,
pooling, merges and reshapes are 0 by convention. A layer of your own is counted by the Keras layers and operations
that its ``call`` uses. Where that cannot be followed its cost is unknown, never 0, until there is a rule for it::

    @macs.rule(FancyConv)
    def fancy_conv(layer, inputs, outputs):     # shapes with a batch axis of 1
        return prod(outputs[0]) * layer.window
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log2, prod
from typing import Any, TypeAlias

import keras
from keras import layers

Shapes: TypeAlias = tuple[tuple[int, ...], ...]
Rule: TypeAlias = Callable[[Any, Shapes, Shapes], int | None]
"""``(layer, input shapes, output shapes) -> MACs``, or ``None`` where it cannot tell. Batch axes are 1."""


class MacRules:
    """Rules by layer class; by name for Keras's operations, whose classes are not public; or by ``"package:Class"`` for
    layers of a package that may not be installed."""

    def __init__(self) -> None:
        self._rules: dict[type | str, Rule] = {}

    def rule(self, *kinds: type | str) -> Callable[[Rule], Rule]:
        """Return a decorator that makes a function the rule of `kinds`."""

        def decorate(rule: Rule) -> Rule:
            self._rules |= dict.fromkeys(kinds, rule)
            return rule

        return decorate

    def find(self, operation: Any) -> Rule | None:
        """Return the rule for a layer or operation; a subclass with a ``call`` of its own has not got its base's."""
        for kind in type(operation).__mro__:
            key = kind if kind in self._rules else f"{kind.__module__.partition('.')[0]}:{kind.__name__}"
            if key in self._rules and type(operation).call is kind.call:  # type: ignore[attr-defined]
                return self._rules[key]
        return None if isinstance(operation, keras.layers.Layer) else self._rules.get(type(operation).__name__)


macs = MacRules()


def _size(weight: Any) -> int:
    """Return how many numbers a weight holds."""
    return prod(int(length) for length in weight.shape)


# ---------------------------------------------------------------- dense


@macs.rule(layers.Dense)
def dense(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the features."""
    return prod(outputs[0]) * inputs[0][-1]


@macs.rule(layers.EinsumDense)
def einsum_dense(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the axes of the kernel that the output has not got."""
    operands, _, result = layer.equation.partition("->")
    labels = operands.split(",")[1].strip()
    sizes: dict[str, int] = dict(zip(labels, layer.kernel.shape, strict=True))
    return prod(outputs[0]) * prod(size for label, size in sizes.items() if label not in result)


@macs.rule("keras_hub:PositionEmbedding")
def position_embedding(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """A lookup, which is added."""
    return 0


@macs.rule(layers.ReversibleEmbedding)
def reversible_embedding(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """A lookup; in reverse it is a product with the whole vocabulary."""
    return 0 if len(outputs[0]) == len(inputs[0]) + 1 else prod(outputs[0]) * inputs[0][-1]


@macs.rule(layers.Embedding)
def embedding(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """A lookup multiplies nothing."""
    return 0


# ---------------------------------------------------------------- convolutions


@macs.rule(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the window and the channels of its group: kernel (…, channels/groups, filters)."""
    return prod(outputs[0]) // int(layer.filters) * _size(layer.kernel)


@macs.rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the window alone."""
    window: tuple[int, ...] = layer.kernel_size
    return prod(outputs[0]) * prod(window)


@macs.rule(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """A depthwise convolution, then one with a window of 1."""
    return prod(outputs[0]) // int(layer.filters) * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))


@macs.rule(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed_convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every input is multiplied with a whole window of every filter: kernel (…, filters, channels)."""
    return prod(inputs[0]) * (_size(layer.kernel) // int(layer.kernel.shape[-1]))


# ---------------------------------------------------------------- attention


@macs.rule(layers.MultiHeadAttention, layers.GroupQueryAttention)
def multi_head_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Projections, and two products with the attention matrix. The first inputs are query and value.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; Ainslie et al. 2023, arXiv:2305.13245, for grouped
    queries, whose key and value have fewer heads to project to.
    """
    query, value = inputs[:2]
    heads: int
    width: int
    attended: int
    if isinstance(layer, layers.MultiHeadAttention):
        heads, width = layer.num_heads, layer.key_dim + layer.value_dim
        attended = prod(value[axis] for axis in layer.attention_axes)
    else:
        heads, width = layer.num_query_heads, 2 * layer.head_dim
        attended = value[-2]
    asking, answering = prod(query[:-1]), prod(value[:-1])
    projections = [(asking, "query"), (answering, "key"), (answering, "value"), (asking, "output"), (asking, "gate")]
    return asking * attended * heads * width + sum(
        places * _size(getattr(layer, f"_{name}_dense").kernel)
        for places, name in projections
        if getattr(layer, f"_{name}_dense", None) is not None
    )


@macs.rule(layers.Attention, layers.AdditiveAttention)
def dot_product_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """Scores (query × key) and their product with the values. Inputs: query, value and, if it is given, key."""
    if len(inputs) > 3:
        return None
    query, value = inputs[:2]
    return prod(query[:-1]) * value[-2] * (query[-1] + value[-1])


# ---------------------------------------------------------------- recurrence


@macs.rule(layers.SimpleRNN, layers.GRU, layers.LSTM, layers.RNN)
def recurrent(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """As many steps of the cell as the sequence is long."""
    steps = inputs[0][1]
    cell = _cell_macs(layer.cell, inputs[0][-1])
    return None if cell is None else steps * cell


_GATES: dict[type, int] = {layers.SimpleRNNCell: 1, layers.GRUCell: 3, layers.LSTMCell: 4}


def _cell_macs(cell: Any, features: int) -> int | None:
    """Return the MACs of one step: each gate is a product with the features and one with the state."""
    if isinstance(cell, layers.StackedRNNCells):
        total = 0
        for inner in cell.cells:
            count = _cell_macs(inner, features)
            if count is None:
                return None
            total, features = total + count, inner.output_size
        return total
    gates = _GATES.get(type(cell))
    return None if gates is None else gates * cell.units * (features + cell.units)


@macs.rule(layers.Bidirectional)
def bidirectional(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """Both directions read the whole sequence."""
    counts = [_inner(direction, inputs, outputs) for direction in (layer.forward_layer, layer.backward_layer)]
    return None if None in counts else sum(count or 0 for count in counts)


@macs.rule(layers.TimeDistributed)
def time_distributed(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """The inner layer, once a step."""
    step_in, step_out = (1, *inputs[0][2:]), (1, *outputs[0][2:])
    count = _inner(layer.layer, (step_in,), (step_out,))
    return None if count is None else inputs[0][1] * count


def _inner(layer: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """Return the MACs of a layer within another."""
    rule = macs.find(layer)
    if rule is not None:
        return rule(layer, inputs, outputs)
    return None if layer.weights or isinstance(layer, keras.Model) else 0


# ---------------------------------------------------------------- merges and operations that multiply


@macs.rule(layers.Dot)
def dot(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the axis that both inputs share."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return prod(outputs[0]) * inputs[0][axis]


@macs.rule("Matmul", "Dot")
def matmul(operation: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every output is a sum over the last axis of the first factor."""
    return prod(outputs[0]) * inputs[0][-1]


@macs.rule("Einsum")
def einsum(operation: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """Every combination of all labels is one product of the two factors."""
    labels = operation.subscripts.partition("->")[0].replace(" ", "").split(",")
    if len(labels) != 2 or "." in operation.subscripts:
        return None
    return prod(dict(_sizes(labels, inputs)).values())


def _sizes(labels: list[str], shapes: Shapes) -> Iterator[tuple[str, int]]:
    for names, shape in zip(labels, shapes, strict=True):
        yield from zip(names, shape, strict=True)


@macs.rule("Reshape")
def reshape(operation: Any, inputs: Shapes, outputs: Shapes) -> int | None:
    """Nothing; but examples folded into the batch axis cannot be told from more of them: what follows is unknown."""
    return 0 if prod(inputs[0]) == prod(outputs[0]) else None


@macs.rule(
    *("Tensordot", "Inner", "Outer", "Vdot", "Kron", "Convolve", "Correlate"),
    *("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose", "DotProductAttention"),
)
def product(operation: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Products without a rule yet: unknown, not 0."""


# ---------------------------------------------------------------- spectra


def _real_transform(length: int) -> int:
    """Return the MACs of a fast Fourier transform of so many real numbers.

    N·log2 N by convention: N/2·log2 N butterflies with a complex product of 4 each, half of them saved because the
    numbers are real. Whatever the factors of N; windows and magnitudes are not counted.
    """
    return round(length * log2(length))


@macs.rule("STFT")
def short_time_transform(operation: Any, inputs: Shapes, outputs: Shapes) -> int:
    """One transform a frame; the outputs are real and imaginary parts, (…, frames, bins)."""
    return prod(outputs[0][:-1]) * _real_transform(operation.fft_length)


@macs.rule("RFFT")
def real_transform(operation: Any, inputs: Shapes, outputs: Shapes) -> int:
    """One transform along the last axis, cut or padded to ``fft_length``."""
    length: int = operation.fft_length or inputs[0][-1]
    return prod(inputs[0][:-1]) * _real_transform(length)


@macs.rule(layers.MelSpectrogram)
def mel_spectrogram(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Transforms, and a product of their bins with the bands; the output is (…, bands, frames)."""
    products: int = (layer.fft_length // 2 + 1) * layer.num_mel_bins
    return prod(outputs[0][:-2]) * outputs[0][-1] * (_real_transform(layer.fft_length) + products)


@macs.rule(layers.STFTSpectrogram)
def convolved_spectrogram(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Keras makes it as a convolution with the window's sines and cosines, and so it is counted."""
    kernels = [getattr(layer, f"{part}_kernel", None) for part in ("real", "imag")]
    channels, frames = (1, 2) if layer.data_format == "channels_first" else (2, 1)
    return inputs[0][channels] * outputs[0][frames] * sum(_size(kernel) for kernel in kernels if kernel is not None)


@macs.rule("FFT", "FFT2", "IFFT2", "IRFFT", "ISTFT")
def transform(operation: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Transforms without a rule yet: unknown, not 0."""


# ---------------------------------------------------------------- 0 by convention, though they have weights


@macs.rule(
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.RMSNormalization),
    *(layers.Normalization, layers.PReLU),
)
def normalization(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Normalizations and activations are not counted."""
    return 0
