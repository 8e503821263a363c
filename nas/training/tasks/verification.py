"""How well embeddings tell whether two examples are of the same identity. NumPy."""

from __future__ import annotations

import math

import numpy as np

from nas.data.source import Array

SEED = 0
"""Of what is drawn: every trial is measured on the same pairs."""
MOST_PAIRS = 200_000
MOST_QUERIES = 2000


def pairs(y: Array, most: int = MOST_PAIRS, seed: int = SEED) -> tuple[Array, Array]:
    """Return pairs of rows of the same identity and pairs of different ones, each (pairs, 2).

    All of them if they are no more than `most`; else half as many of either kind, drawn evenly from all of its kind.

    Args:
        y: Identities, (examples,); some two are the same, and some two are not.
    """
    if len(y) * (len(y) - 1) // 2 <= most:
        both = np.stack(np.triu_indices(len(y), 1), axis=1)
        same = y[both[:, 0]] == y[both[:, 1]]
        return both[same], both[~same]
    rng = np.random.default_rng(seed)
    order = np.argsort(y, kind="stable")
    _, starts, identity, counts = np.unique(y[order], return_index=True, return_inverse=True, return_counts=True)
    of_own = counts[identity]  # by place in `order`, as all that follows

    def first(weights: Array) -> Array:
        return rng.choice(len(y), most // 2, p=weights / weights.sum())

    one = first(of_own - 1.0)
    other = starts[identity[one]] + rng.integers(0, of_own[one] - 1)
    same_pairs = np.stack([one, other + (other >= one)], axis=1)
    one = first(len(y) - of_own.astype(float))
    other = rng.integers(0, len(y) - of_own[one])
    different = np.stack([one, other + of_own[one] * (other >= starts[identity[one]])], axis=1)
    return order[same_pairs], order[different]


def equal_error_rate(same: Array, different: Array) -> float:
    """Return the rate at which as many pairs of the same identity are refused as others are taken, in [0, 1].

    Between two thresholds it lies where the line between their rates says that both are equal; scores that are equal
    pass together.

    Args:
        same: Scores of pairs of the same identity, the higher the more alike.
        different: Scores of pairs of different ones.
    """
    thresholds = np.append(np.unique(np.concatenate([same, different])), np.inf)
    refused = np.searchsorted(np.sort(same), thresholds) / len(same)  # those below
    taken = 1 - np.searchsorted(np.sort(different), thresholds) / len(different)
    above = int(np.argmax(refused >= taken))  # from 0 < 1 at the lowest threshold to 1 > 0 at infinity
    gap_before, gap = taken[above - 1] - refused[above - 1], refused[above] - taken[above]
    share = gap_before / (gap_before + gap)
    return float(refused[above - 1] + share * (refused[above] - refused[above - 1]))


def verification(embedding: Array, y: Array) -> float:
    """Return the equal error rate of cosines between rows of `embedding`, (examples, width), of length 1.

    NaN where no two are of one identity `y`, or all of them are: then there is nothing to verify.
    """
    counts = np.unique(y, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < 2:
        return math.nan
    same, different = (_cosines(embedding, chosen) for chosen in pairs(y))
    return equal_error_rate(same, different)


def recall_at_1(embedding: Array, y: Array) -> float:
    """Return the share of examples whose nearest other example is of the same identity, of those that could be.

    At most `MOST_QUERIES` of them, the same every time, look among all. NaN where there is none that could be.
    """
    queries = _with_company(y)
    if not len(queries):
        return math.nan
    if len(queries) > MOST_QUERIES:
        queries = np.random.default_rng(SEED).choice(queries, MOST_QUERIES, replace=False)
    hits = 0
    for start in range(0, len(queries), 256):
        rows = queries[start : start + 256]
        alike = embedding[rows] @ embedding.T
        alike[np.arange(len(rows)), rows] = -np.inf
        hits += int((y[alike.argmax(axis=1)] == y[rows]).sum())
    return hits / len(queries)


def chance_of_recall(y: Array) -> float:
    """Return what `recall_at_1` is on average where the nearest is any other example."""
    _, identity, counts = np.unique(y, return_inverse=True, return_counts=True)
    return float((counts[identity[_with_company(y)]] - 1).mean() / (len(y) - 1))


def unit(x: Array) -> Array:
    """Return the rows of `x` at length 1; those of length 0 stay."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: Array = x / np.maximum(length, 1e-12)
    return scaled


def _with_company(y: Array) -> Array:
    """Return the rows whose identity has another one."""
    _, identity, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[identity] > 1)


def _cosines(embedding: Array, chosen: Array) -> Array:
    parts = np.array_split(chosen, max(1, len(chosen) // 10_000))
    return np.concatenate([np.einsum("ij,ij->i", embedding[part[:, 0]], embedding[part[:, 1]]) for part in parts])
