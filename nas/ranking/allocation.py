"""Which candidate of a race is trained next: first everybody once, then whoever tells the best from its closest rival.

It is not plain halving: on eight tables (``python -m benchmarks.ranking``: NAS-Bench-201 and others like it, ten
candidates, twenty trainings) the regret is 0.51 of that of two trainings each, four at a time 0.55; halving leaves 0.64
by the same posterior and 0.71 by fresh scores alone. Without the first round the regret is the same with one at a time
and larger with several, and what is never trained is badly placed: Kendall's τ of the ten is 0.47, not 0.56.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from nas.ranking.posterior import Flags, Floats, Posterior


def next_candidate(
    posterior: Posterior, trained: Floats, pending: Floats, allowed: Flags, *, everybody: bool = True
) -> int:
    """Return the index of the candidate whose next training helps the choice most.

    With everybody trained: the best by its estimate, or the one that is expected to exceed it by most, whichever
    training takes more from the variance of the difference between the two. What is under way counts as come back,
    with the estimates as they are.

    Source:
        Qin, Klabjan & Russo 2017, NeurIPS, "Improving the expected improvement algorithm" (top-two expected
        improvement), with the covariance of the candidates, and variance reduction in place of a coin.

    Args:
        posterior: What is known of all K.
        trained: (K,) fresh trainings that have come back.
        pending: (K,) fresh trainings that are under way.
        allowed: (K,) who may be trained; somebody.
        everybody: Whether each is trained once before any a second time, the most promising first.
    """
    mean = np.where(allowed, posterior.estimate, -np.inf)
    waiting = allowed & (trained + pending == 0)
    if everybody and waiting.any():
        return int(np.argmax(np.where(waiting, mean, -np.inf)))
    covariance = _after(posterior, pending)
    best = int(np.argmax(mean))
    deviation = np.sqrt(np.maximum(covariance[best, best] + np.diag(covariance) - 2 * covariance[best], 0.0))
    excess = np.where(allowed, _expected_excess(np.where(allowed, mean - mean[best], 0.0), deviation), -1.0)
    excess[best] = -2.0
    pair = (best, int(np.argmax(excess)))
    if not allowed[pair[1]]:
        return best
    told = [
        (covariance[index, pair[0]] - covariance[index, pair[1]]) ** 2
        / (covariance[index, index] + posterior.seed_sigma**2)
        for index in pair
    ]
    return pair[int(np.argmax(told))]


def _after(posterior: Posterior, pending: Floats) -> Floats:
    """(K, K): covariance of the true values when what is `pending` has come back."""
    covariance, noise = posterior.covariance(), posterior.seed_sigma**2
    for index in np.flatnonzero(pending):
        column = covariance[:, index]
        covariance = covariance - np.outer(column, column) / (column[index] + noise / pending[index])
    return covariance


def _expected_excess(mean: Floats, deviation: Floats) -> Floats:
    """Mean of the positive part of normal variables."""
    safe = np.maximum(deviation, np.finfo(float).tiny)
    z = np.clip(mean / safe, -1e3, 1e3)
    return np.asarray(safe * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + mean * ndtr(z))
