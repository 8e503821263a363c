"""What several families of image encoders are made of. A map is (batch, height, width, channels)."""

from keras import layers

from search_spaces.blocks import normalize


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
