"""How long models take on this machine, measured so that they can be compared.

Candidates take turns, so that a machine that slows down slows all of them; each is warmed up first; of its runs the
median and the slow end are told. Figures of two machines, or of different numbers of threads, do not compare: they are
stored with both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nas.architecture import Latency

WARM_UP = 5
RUNS = 30
"""At the least: below, the slow end means nothing."""


def measure(models: Sequence[keras.Model], batch: int = 1, runs: int = RUNS) -> tuple[Latency, ...]:
    """Time `runs` forward passes of each of `models` on `batch` examples of zeros, compiled, after a warm-up.

    Weights make no difference, so that models may as well be untrained. As many threads are used as TensorFlow was
    given.

    Raises:
        ValueError: A model is not built, or an axis other than the batch has no length.
    """
    passes = [_forward(model, batch) for model in models]
    for run in passes:
        for _ in range(WARM_UP):
            run()
    milliseconds = np.array([[_timed(run) for run in passes] for _ in range(runs)]).reshape(runs, len(passes))
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return tuple(
        Latency(batch, threads, runs, float(np.median(each)), float(np.percentile(each, 95))) for each in milliseconds.T
    )


def _forward(model: keras.Model, batch: int) -> Callable[[], None]:
    """Return a call that runs `model` once and returns when its outputs are there."""
    inputs = getattr(model, "inputs", None) or ()
    shapes = [tuple(tensor.shape) for tensor in inputs]
    if not shapes or any(None in shape[1:] for shape in shapes):
        raise ValueError(
            f"Only a built model with inputs of known shape can be timed. Received: {model.name!r}, {shapes}."
        )
    zeros = [tf.zeros((batch, *shape[1:]), tensor.dtype) for shape, tensor in zip(shapes, inputs, strict=True)]
    structured = zeros[0] if isinstance(model, keras.Sequential) else keras.tree.pack_sequence_as(model.input, zeros)
    forward: Any = tf.function(lambda given: model(given, training=False))

    def run() -> None:
        for output in tf.nest.flatten(forward(structured)):
            output.numpy()  # on an accelerator a call comes back before its result does

    return run


def _timed(run: Callable[[], None]) -> float:
    started = perf_counter()
    run()
    return 1000 * (perf_counter() - started)
