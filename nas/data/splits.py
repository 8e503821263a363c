"""Train, validation and test: what a source does not give is cut off from train.

The cut is stratified and its seed fixed, not the study's: studies of the same data are compared on the same examples.
The test split is cut off first, so that it is the same whether or not a validation split is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.data.duplicates import duplicate_notes
from nas.data.source import Array, Examples, RawData
from nas.errors import DataError

RULE = 1
"""The version of what this module does: part of a data set's fingerprint."""
SEED = 0
TEST_PERCENT = 20
VALIDATION_PERCENT = 20
VALIDATION_PERCENT_OF_MANY = 10
MANY = 20_000


def split(raw: RawData) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """Return the splits ``train``, ``validation`` and ``test`` of `raw`, and notes for people about them.

    Labels are integers from 0 that index ``raw.class_names``. Every class is in every split that is cut off here,
    and in train.

    Raises:
        DataError: A class has too few examples for that.
    """
    cuts = [name for name in ("test", "validation") if name not in raw.splits]
    _enough_of_each(raw, cuts)
    splits = raw.splits
    for name in cuts:
        percent = _percent(name, test_given=raw.test is not None, examples=len(splits["train"]))
        held_out = hold_out(splits["train"].y, percent)
        splits[name] = splits["train"].take(np.flatnonzero(held_out))
        splits["train"] = splits["train"].take(np.flatnonzero(~held_out))
    splits = {name: splits[name] for name in ("train", "validation", "test")}
    return splits, (*_absence_notes(splits, raw.class_names), *duplicate_notes(splits))


def hold_out(y: Array, percent: int) -> NDArray[np.bool_]:
    """Return which examples to hold out: `percent` of each class, to the nearest example that sums up to it.

    Every class keeps an example on each side; it needs two.
    """
    labels, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    quotas, remainders = np.divmod(counts * percent, 100)
    missing = round(len(y) * percent / 100) - int(quotas.sum())
    quotas[np.argsort(-remainders, kind="stable")[:missing]] += 1  # largest remainders first
    quotas = np.clip(quotas, 1, counts - 1)
    rng = np.random.default_rng(SEED)
    held_out = np.zeros(len(y), dtype=bool)
    for index in range(len(labels)):
        held_out[rng.permutation(np.flatnonzero(classes == index))[: quotas[index]]] = True
    return held_out


def _percent(name: str, *, test_given: bool, examples: int) -> int:
    if name == "test":
        return TEST_PERCENT
    return VALIDATION_PERCENT_OF_MANY if test_given and examples >= MANY else VALIDATION_PERCENT


def _enough_of_each(raw: RawData, cuts: list[str]) -> None:
    needed = len(cuts) + 1
    counts = np.bincount(raw.train.y, minlength=len(raw.class_names))
    short = [f"{raw.class_names[label]!r} has {counts[label]}" for label in np.flatnonzero(counts < needed)]
    if short:
        cut = f", because {' and '.join(cuts)} must be cut off from it" if cuts else ""
        raise DataError(
            f"Some classes have too few examples: {_some(short)}. Each needs at least {needed} in train{cut}. "
            "Add examples, or leave these classes out."
        )


def _absence_notes(splits: dict[str, Examples], class_names: tuple[str, ...]) -> list[str]:
    notes = []
    for name, examples in splits.items():
        counts = np.bincount(examples.y, minlength=len(class_names))
        absent = [repr(class_names[label]) for label in np.flatnonzero(counts == 0)]
        if absent:
            notes.append(f"The {name} split has no example of {_some(absent)}: its scores say nothing about them.")
    return notes


def _some(things: list[str], most: int = 5) -> str:
    """Return `things` as one phrase, the first few of them and how many more."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(things[:most]) + more
