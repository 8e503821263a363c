"""Which candidate of a race is trained next."""

from __future__ import annotations

import numpy as np

from nas.ranking.posterior import Floats, Posterior

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def next_candidate(posterior: Posterior, pending: Floats, allowed: Floats) -> int:
    """Return the index of the candidate whose next training promises the best choice after it.

    Knowledge gradient: the expected rise of the largest posterior mean by one more training.

    Args:
        posterior: What is known.
        pending: (K,) trainings of each that have begun and not come back.
        allowed: (K,) whether a candidate may be trained.
    """
    mean, covariance = posterior.estimate, posterior.covariance()
    noise = posterior.seed_sigma**2
    for index in np.flatnonzero(pending):
        column = covariance[:, index]
        covariance = covariance - np.outer(column, column) / (column[index] + noise / pending[index])
    steps = covariance / np.sqrt(np.diag(covariance) + noise)
    after = mean[:, None, None] + steps[:, :, None] * NODES
    gain = after.max(axis=0) @ WEIGHTS
    return int(np.argmax(np.where(allowed, gain, -np.inf)))
