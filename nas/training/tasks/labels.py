"""Labels as the loss of a model that comes compiled wants them."""

from __future__ import annotations

import re
from typing import Any

SPARSE = {
    "sparse_categorical_crossentropy",
    "categorical_generalized_cross_entropy",
    "circle",
    "ctc",
}
"""Losses of Keras that take the index of a class."""
BINARY = {"binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge"}
"""Losses of Keras that with two classes are those of a single output."""


def labels_for(loss: Any, y: Any, classes: int) -> Any:
    """Return the integer labels `y` (examples,) in the form that `loss` of a model that came compiled wants.

    Args:
        loss: What the model was compiled with: a name, a function or an instance; a list or dict of one such.
        y: int32 tensor or array.
        classes: How many there are.

    Returns:
        A tensor: one-hot float32 (examples, classes) for a loss of Keras that compares outputs class by class, such as
        ``"categorical_crossentropy"``; `y` as it is for one that takes an index, or that is not Keras's own.
    """
    import tensorflow as tf

    name = _loss_name(loss)
    one_hot = name is not None and name not in SPARSE and not (name in BINARY and classes == 2)
    return tf.one_hot(y, classes) if one_hot else tf.convert_to_tensor(y)


def _loss_name(loss: Any) -> str | None:
    """Return the snake-case name of the Keras loss that `loss` is or names, or ``None``."""
    import keras

    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, list | tuple):
        loss = loss[0] if len(loss) == 1 else None
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = type(loss) if isinstance(loss, keras.losses.Loss) else loss
    if not getattr(function, "__module__", "").startswith("keras."):
        return None
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function.__name__).lower()
