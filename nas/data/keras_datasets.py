"""``keras:NAME``: image data sets of ``keras.datasets``, from the user's own Keras cache or downloaded into it.

The cache is ``~/.keras/datasets``, or ``$KERAS_HOME/datasets`` (Keras reads the variable when it is imported).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas.data.options import DataSection
from nas.data.source import Array, Examples, RawData
from nas.data_card import Target
from nas.errors import DataError, did_you_mean


@dataclass(frozen=True, slots=True)
class Published:
    """A data set of Keras: where it lies under ``datasets`` in the cache, and its classes in the order of labels."""

    files: tuple[str, ...]
    class_names: tuple[str, ...]


_GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
PUBLISHED = {
    "cifar10": Published(
        files=("cifar-10-batches-py-target/cifar-10-batches-py/",),
        class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
    "fashion_mnist": Published(
        files=(
            "fashion-mnist/train-images-idx3-ubyte.gz",
            "fashion-mnist/train-labels-idx1-ubyte.gz",
            "fashion-mnist/t10k-images-idx3-ubyte.gz",
            "fashion-mnist/t10k-labels-idx1-ubyte.gz",
        ),
        class_names=_GARMENTS,
    ),
    "mnist": Published(files=("mnist.npz",), class_names=tuple("0123456789")),
}


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the data set `rest`: uint8 images (examples, height, width, channels), train and test as published.

    Raises:
        DataError: There is no such data set here, or it is neither in the cache nor to be had from the network.
    """
    if rest not in PUBLISHED:
        near = did_you_mean(rest, PUBLISHED)
        raise DataError(f"Keras has no image data set {rest!r} for this.{near} Known: {', '.join(PUBLISHED)}.")
    import keras

    try:
        train, test = getattr(keras.datasets, rest).load_data()
    except Exception as error:  # Keras raises a bare Exception for a download; gzip and NumPy raise their own
        raise DataError(_advice(rest, error)) from error
    return RawData(_examples(*train), test=_examples(*test), target=Target(names=PUBLISHED[rest].class_names))


def _examples(x: Array, y: Array) -> Examples:
    return Examples.of(x[..., np.newaxis] if x.ndim == 3 else x, np.ravel(y))


def _advice(name: str, error: Exception) -> str:
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
    files = PUBLISHED[name].files
    missing = [file for file in files if not (cache / file).exists()]
    why = str(error).rstrip(".") or type(error).__name__
    if not missing:
        return (
            f"keras:{name} is in the Keras cache {cache}, but cannot be read: {why}. "
            f"Delete {', '.join(files)} there, so that Keras downloads anew, or put good copies there."
        )
    return (
        f"keras:{name} is not in the Keras cache {cache}, and cannot be downloaded: {why}. "
        f"Put {', '.join(missing)} there, or let the environment variable KERAS_HOME name a folder with "
        "datasets/ in it that has them."
    )
