"""The mean and standard deviation that inputs are standardised with."""

from __future__ import annotations

import numpy as np

from nas.data.source import Array, chunks

Numbers = tuple[float, ...]


def mean_and_std(x: Array) -> tuple[Numbers, Numbers]:
    """Return mean and population standard deviation of `x` along its last axis: per channel, or per feature.

    Computed in float64 in two passes over runs of rows, so that neither size nor offset costs precision. What is
    constant, as far as float32 can tell, gets a standard deviation of 1.
    """
    axes = tuple(range(x.ndim - 1))
    count = x.size // x.shape[-1]
    mean = sum(chunk.sum(axis=axes, dtype=np.float64) for _, chunk in chunks(x)) / count
    variance = sum(np.square(chunk - mean).sum(axis=axes, dtype=np.float64) for _, chunk in chunks(x)) / count
    std = np.sqrt(variance)
    std = np.where(std > np.maximum(1e-7 * np.abs(mean), 1e-30), std, 1.0)
    return tuple(float(value) for value in mean), tuple(float(value) for value in std)
