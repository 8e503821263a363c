"""What several families of image encoders are made of. A map is (batch, height, width, channels)."""

import math

from keras import layers

from search_spaces.blocks import SMALLEST_MAP, normalize, stages_that_fit

LARGEST_FIRST_MAP = 56 * 56
"""Places that a stem leaves by default, at most: as many as that of He et al. 2015, arXiv:1512.03385, of 224×224."""


def ask_stem(hp, input_shape, most=4):
    """Return by how many pixels the stem goes on, a choice on larger images, and how many stages (1 to `most`) fit."""
    strides = stem_strides(input_shape)
    stride = hp.Choice("stem_stride", strides, default=strides[-1]) if len(strides) > 1 else strides[0]
    # As many as fit behind the smallest map it may leave: that does not depend on what is chosen.
    return stride, stages_that_fit([math.ceil(side / strides[-1]) for side in input_shape[:2]], most)


def stem_strides(input_shape):
    """Return by how many pixels a stem may go on: 1, or, on larger images, enough for `LARGEST_FIRST_MAP` or half that.

    A side is never cut to less than two stages have room for.

    Example:
        >>> [stem_strides((side, side, 3)) for side in (28, 56, 64, 128, 224)]
        [[1], [1], [1, 2], [2, 4], [2, 4]]
        >>> stem_strides((12, 800, 1))
        [1]
    """
    stride = 1
    while (
        math.ceil(input_shape[0] / stride) * math.ceil(input_shape[1] / stride) > LARGEST_FIRST_MAP
        and min(input_shape[:2]) // (2 * stride) >= 2 * SMALLEST_MAP
    ):
        stride *= 2
    return [stride // 2, stride] if stride > 1 else [1]


def stem_kernel(stride):
    """Return the side of a stem's kernel: 3, or so large that patches overlap; 7 for 4 pixels, as in He et al. 2015."""
    return max(3, 2 * stride - 1)


def convolve(x, filters, kernel, name, activation=None, stride=1):
    """Convolution, batch normalization and, where one is named, the activation."""
    # A normalization subtracts the mean, so that a bias before it would do nothing.
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    x = normalize(x, "batch", name=f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_activation")(x) if activation else x


def excite(x, activation, name, ratio=4, gate="sigmoid"):
    """Scale each channel of `x` by a gate in (0, 1) that is computed from the means of all channels.

    Source: Hu et al. 2017, arXiv:1709.01507, section 3.
    """
    channels = x.shape[-1]
    means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    gates = layers.Conv2D(max(4, channels // ratio), 1, activation=activation, name=f"{name}_reduce")(means)
    gates = layers.Conv2D(channels, 1, activation=gate, name=f"{name}_gate")(gates)
    return layers.Multiply(name=f"{name}_scale")([x, gates])


def image_features(features):
    """Return `features` if it is what an encoder of images can give: ``"vector"`` or ``"map"``.

    Raises:
        ValueError: It is something else.
    """
    if features not in ("vector", "map"):
        raise ValueError(f"An encoder of images gives a 'vector' or a 'map' of features. Received: {features!r}.")
    return features


def finish(x, features, dropout=0.0):
    """Return the last map `x` as it is for ``"map"``, its mean over all places for ``"vector"``; under dropout."""
    if features == "vector":
        x = layers.GlobalAveragePooling2D(name="pool")(x)
    return layers.Dropout(dropout, name="dropout")(x) if dropout > 0 else x
