"""Where among all items the right one comes, and what that is worth.

Each validation example is a question: of the whole catalogue, which item does its user take next? Left out of the
candidates are the items that this user took in train and those in the example's history, never the right one: nobody
wants to be told of what they have. Where there is no ``user`` or ``history``, nothing is left out. Items are never
sampled: ranks among a sample order models otherwise than ranks among all (Krichene and Rendle 2020,
doi:10.1145/3394486.3403226).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.data.interactions import HISTORY, ITEM, USER
from nas.data.source import Array, Examples

MOST_QUESTIONS = 5_000
"""Of more validation examples so many are drawn, always the same."""
AT_ONCE = 256
"""Questions whose scores are held at a time."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is to be found: `rows` of the validation split, the `right` items, and pairs that are no candidates.

    Items are rows of the catalogue. The pairs, `asked` and `known`, are sorted by the question they belong to.
    """

    rows: NDArray[np.intp]
    right: NDArray[np.intp]
    asked: NDArray[np.intp]
    known: NDArray[np.intp]

    @classmethod
    def of(cls, train: Examples, validation: Examples, catalogue: Examples) -> Questions:
        """Return the questions of `validation`, whose labels are rows of `catalogue`."""
        rows = np.arange(len(validation))
        if len(rows) > MOST_QUESTIONS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST_QUESTIONS, replace=False))
        pairs = [*_taken_in_train(train, validation, rows), *_in_history(validation, catalogue, rows)]
        none = np.zeros(0, dtype=np.intp)
        asked, known = (np.concatenate([none, *(pair[side] for pair in pairs)]) for side in (0, 1))
        order = np.argsort(asked, kind="stable")
        return cls(rows, np.asarray(validation.labels)[rows].astype(np.intp), asked[order], known[order])

    def ranks(self, scores: Callable[[NDArray[np.intp]], Array]) -> NDArray[np.float64]:
        """Return how many candidates come before each right item, (questions,); of equal ones, half.

        Args:
            scores: ``(rows of the validation split) -> (rows, items)``; higher comes first, what is no number at the
                very front, so that it is never to anyone's advantage.
        """
        found = np.zeros(len(self.rows))
        for start in range(0, len(self.rows), AT_ONCE):
            these = slice(start, start + AT_ONCE)
            given, right = scores(self.rows[these]), self.right[these]
            candidates = np.ones(given.shape, dtype=bool)
            first, last = np.searchsorted(self.asked, [start, start + len(right)])
            candidates[self.asked[first:last] - start, self.known[first:last]] = False
            candidates[np.arange(len(right)), right] = False
            to_beat = np.take_along_axis(given, right[:, None], axis=1)
            before = ~(given <= to_beat) & candidates
            level = (given == to_beat) & candidates
            found[these] = before.sum(axis=1) + level.sum(axis=1) / 2
        return found


def gains(ranks: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return what each question comes to, (questions,): whether its right item is among the first ten or twenty, 1 or
    0, and the NDCG of the first ten.

    With one right item, NDCG is ``1 / log2(2 + rank)``, and 0 beyond the tenth place.
    """
    return {
        "val_recall_at_10": (ranks < 10).astype(np.float64),
        "val_recall_at_20": (ranks < 20).astype(np.float64),
        "val_ndcg_at_10": np.where(ranks < 10, 1 / np.log2(2 + ranks), 0.0),
    }


def measures(ranks: NDArray[np.float64]) -> dict[str, float]:
    """Return the means of `gains`: recall at 10 and at 20, and NDCG at 10."""
    return {name: float(gain.mean()) for name, gain in gains(ranks).items()}


def _taken_in_train(train: Examples, validation: Examples, rows: Array) -> list[tuple[Array, Array]]:
    """Return pairs of a question and an item that its user took in train; user 0 is nobody."""
    if USER not in validation.x:
        return []
    users, asking = train.x[USER][:, 0], validation.x[USER][rows, 0]
    order = np.argsort(users, kind="stable")
    starts, ends = (np.searchsorted(users[order], asking, side) for side in ("left", "right"))
    counts = np.where(asking == 0, 0, ends - starts)
    places = np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return [(np.repeat(np.arange(len(rows)), counts), np.asarray(train.labels)[order[places]])]


def _in_history(validation: Examples, catalogue: Examples, rows: Array) -> list[tuple[Array, Array]]:
    """Return pairs of a question and an item in its history."""
    if HISTORY not in validation.x or ITEM not in catalogue.x:
        return []
    ids = catalogue.x[ITEM][:, 0].astype(np.intp)
    places = np.full(1 + max(int(ids.max()), int(validation.x[HISTORY].max())), -1)
    places[ids] = np.arange(len(ids))
    history = validation.x[HISTORY][rows]
    asked, step = np.nonzero(history)
    items = places[history[asked, step]]
    return [(asked[items >= 0], items[items >= 0])]
