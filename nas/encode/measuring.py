"""What embeddings are worth: whether neighbours are of one class, whether a plane parts the classes, how they lie.

Train teaches, validation is told; both splits have been looked at by the search, so that this compares embeddings with
each other and is no estimate for data nobody has seen.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from nas.data.source import Array
from nas.errors import BadInput
from nas.shares import wilson

NEIGHBOURS = 5
MOST_TRAIN, MOST_VALIDATION, MOST_POINTS = 20_000, 20_000, 500
"""Of more examples than these so many are drawn, always the same ones, of each class its share."""
SEED = 0
ROWS = 1024
"""So many rows of products are looked at at once."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the validation examples, with its 95 % interval (Wilson) for the sample alone."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, right: Array) -> Share:
        """Return how many of `right`, bool (examples,), are so."""
        return cls(float(right.mean()), *wilson(float(right.mean()), len(right)))


@dataclass(frozen=True, slots=True)
class Projection:
    """Points of validation on the two directions in which train varies most, and the share that these explain."""

    explained: tuple[float, float]
    x: tuple[float, ...]
    y: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Accuracies of validation, (k nearest neighbours by cosine, a logistic regression), learned on train."""

    neighbours: int
    knn: Share
    probe: Share
    converged: bool
    train: int
    validation: int
    width: int
    projection: Projection


def measure(train: Array, y: Array, validation: Array, wanted: Array) -> Measured:
    """Return what the embeddings (examples, width) with labels (examples,) of train and validation are worth.

    Raises:
        BadInput: They are no vectors, or not finite; or validation has a class that train lacks.
    """
    if train.ndim != 2:
        raise BadInput(f"Vectors can be measured, (examples, width). This layer gives {train.shape}: name another one.")
    if not (np.isfinite(train).all() and np.isfinite(validation).all()):
        raise BadInput("Some of the embeddings are NaN or infinite: they cannot be measured.")
    if strange := sorted(set(wanted.tolist()) - set(y.tolist())):
        raise BadInput(
            f"Validation has {len(strange)} classes that train lacks, e.g. {strange[0]!r}: there is nothing to learn "
            "them from. What such a task is scored by, `nas show` tells."
        )
    found, converged = _probe(train, y, validation)
    return Measured(
        NEIGHBOURS,
        Share.of(nearest(train, y, validation) == wanted),
        Share.of(found == wanted),
        converged,
        len(train),
        len(validation),
        train.shape[1],
        project(train, validation, wanted),
    )


def nearest(train: Array, y: Array, others: Array, k: int = NEIGHBOURS) -> Array:
    """Return the label that most of the `k` nearest of `train` by cosine have; of several, the nearest ones'."""
    names, codes = np.unique(y, return_inverse=True)
    k = min(k, len(train))
    known = _unit(train)
    found = []
    for start in range(0, len(others), ROWS):
        cosines = _unit(others[start : start + ROWS]) @ known.T
        places = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(cosines, places, axis=1)
        votes = np.zeros((len(near), len(names)))
        for place in range(k):  # a vote each, and a little more for who is nearer
            np.add.at(votes, (np.arange(len(near)), codes[places[:, place]]), 1 + (1 + near[:, place]) / (4 * k))
        found.append(votes.argmax(axis=1))
    labels: Array = names[np.concatenate(found)]
    return labels


def _probe(train: Array, y: Array, others: Array) -> tuple[Array, bool]:
    """Return what a logistic regression on standardised features says, and whether it came to an end."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(train.astype(np.float64), y)
    told: Array = model.predict(others.astype(np.float64))
    return told, not any(issubclass(one.category, ConvergenceWarning) for one in caught)


def project(train: Array, others: Array, labels: Array) -> Projection:
    """Return up to `MOST_POINTS` of `others`, each class with its share, on two principal components of `train`.

    Principal components and not t-SNE: they are the same on every machine, show examples that they were not made of,
    and say how much of the whole they show; t-SNE also finds clusters in noise. Which way a component points is
    settled: its largest loading is positive.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    centred = train - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(train))
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    shares = np.maximum(values[::-1][:2], 0) / max(float(values.sum()), 1e-30)
    rows = spread_rows(labels, MOST_POINTS)
    points = (others[rows] - mean) @ axes
    points = np.pad(points, [(0, 0), (0, 2 - points.shape[1])])  # a single feature is a line
    shares = np.pad(shares, (0, 2 - len(shares)))
    told = tuple(str(label) for label in labels[rows].tolist())
    x, y = (tuple(np.round(column, 5).tolist()) for column in points.T)
    return Projection((float(shares[0]), float(shares[1])), x, y, told)


def spread_rows(labels: Array, most: int) -> Array:
    """Return `most` of the rows in ascending order, of each label about its share; all if there are no more."""
    if len(labels) <= most:
        return np.arange(len(labels))
    by_label = _by_label(labels)
    return np.sort(by_label[np.linspace(0, len(labels) - 1, most).round().astype(int)])


def rows_of_all(labels: Array, most: int) -> Array:
    """Return the same, but of each label at least one row: what is learned from knows the rare ones, too.

    More than `most` only where there are more labels than that.
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    by_label = _by_label(labels)
    _, first = np.unique(labels[by_label], return_index=True)
    others = np.sort(np.delete(by_label, first))
    left = max(most - len(first), 0)
    more = others[spread_rows(labels[others], left)]
    return np.sort(np.concatenate([by_label[first], more]))


def _by_label(labels: Array) -> Array:
    """Return all rows, those of one label beside each other and in an order drawn, always in the same way."""
    return np.lexsort((np.random.default_rng(SEED).random(len(labels)), labels))


def _unit(x: Array) -> Array:
    unit: Array = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return unit
