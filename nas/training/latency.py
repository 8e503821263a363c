"""How long a model takes for one example on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one forward pass of one example, in the middle and at the slow end of several."""

    median_ms: float
    p95_ms: float


def measure(model: keras.Model, repeats: int = 30) -> Latency:
    """Time `repeats` forward passes of a built `model` on one example of zeros, compiled, after a warm-up.

    The figures are this machine's, with as many threads as TensorFlow was given, and no better than its load allows.

    Raises:
        ValueError: The model is not built, or an axis other than the batch has no length.
    """
    shapes = [tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or ()]
    if not shapes or any(None in shape[1:] for shape in shapes):
        raise ValueError(
            f"Only a built model with inputs of known shape can be timed. Received: {model.name!r}, {shapes}."
        )
    examples = [tf.zeros((1, *shape[1:]), tensor.dtype) for shape, tensor in zip(shapes, model.inputs, strict=True)]
    structure = getattr(model, "_inputs_struct", None)  # a tensor, a dict, a list: inputs are fed as they came

    def run(*inputs: Any) -> Any:
        fed = keras.tree.pack_sequence_as(structure, inputs) if structure is not None else inputs[0]
        return model(fed, training=False)

    forward: Any = tf.function(run, autograph=False)
    for _ in range(WARM_UP):
        _wait(forward(*examples))
    milliseconds = []
    for _ in range(repeats):
        started = perf_counter()
        _wait(forward(*examples))
        milliseconds.append(1000 * (perf_counter() - started))
    return Latency(float(np.median(milliseconds)), float(np.percentile(milliseconds, 95)))


def _wait(outputs: Any) -> None:
    """Return when `outputs` are there: on an accelerator a call comes back before its result does."""
    for output in tf.nest.flatten(outputs):
        output.numpy()
