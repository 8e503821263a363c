"""What several models say together: the mean of what each says, of probabilities where outputs are logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas.data.source import Array

LEAST = 1e-7
"""A probability that is no smaller, so that its logarithm is finite; float32 has none much closer to 1."""


def mean_of_classes(outputs: Sequence[Array]) -> Array:
    """Return logits (…, classes) of the mean of the probabilities."""
    each = [np.exp(logits - logits.max(axis=-1, keepdims=True)) for logits in outputs]
    mean = np.mean([one / one.sum(axis=-1, keepdims=True) for one in each], axis=0)
    return np.asarray(np.log(np.maximum(mean, LEAST)), np.float32)


def mean_of_marks(outputs: Sequence[Array]) -> Array:
    """Return logits (…) of the mean of the probabilities of marks that do not exclude each other."""
    mean = np.mean([1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))) for logits in outputs], axis=0)
    mean = np.clip(mean, LEAST, 1.0 - LEAST)
    return np.asarray(np.log(mean) - np.log1p(-mean), np.float32)


def mean_of_numbers(outputs: Sequence[Array]) -> Array:
    """Return the mean."""
    return np.asarray(np.mean(outputs, axis=0), np.float32)
