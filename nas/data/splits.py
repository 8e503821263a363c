"""Train, validation and test: what a source does not give is cut off from train.

The cut has a fixed seed, not the study's: studies of the same data are compared on the same examples. The test split is
cut off first, so that it is the same whether or not a validation split is given.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.data.duplicates import duplicate_notes
from nas.data.options import SplitSection
from nas.data.source import Array, Examples, RawData
from nas.errors import DataError

RULE = 2
"""The version of what this module does: part of a data set's fingerprint."""
SEED = 0
PERCENT = 20
PERCENT_OF_MANY = 10
MANY = 20_000

Cut: TypeAlias = Literal["class", "random", "identity"]
"""How a task wants examples held out: the same share of every class; any; or whole classes, for a task that is to tell
apart what it has never seen."""


def split(
    raw: RawData, options: SplitSection | None = None, cut: Cut = "class"
) -> tuple[dict[str, Examples], tuple[str, ...]]:
    """Return the splits ``train``, ``validation``, ``test`` (and others `raw` has), and notes for people about them.

    With the cut by ``"class"``, labels are integers from 0 that index ``raw.target.names``, and every class is in every
    split that is cut off here, and in train.

    Raises:
        DataError: A class has too few examples for that, or none in validation; there are too few examples or
            groups; the study file names a group or a time that the source does not give.
    """
    options = options or SplitSection()
    cuts = [name for name in ("test", "validation") if name not in raw.splits]
    stratified = cut == "class" and options.by == "ratio"
    if cut == "class":
        _enough_of_each(raw, cuts if stratified else [])
    splits = raw.splits
    for name in cuts:
        train = splits["train"]
        share = _percent(name, options, test_given=raw.test is not None, examples=len(train))
        held_out = _held_out(train, share, options, cut)
        splits[name], splits["train"] = train.take(np.flatnonzero(held_out)), train.take(np.flatnonzero(~held_out))
    splits = {name: splits[name] for name in ("train", "validation", "test", "catalogue") if name in splits}
    _nothing_empty(splits)
    notes = _absence_notes(splits, raw.target.names) if cut == "class" else []
    if cut == "identity":
        notes = _identity_notes(splits, raw.target.names, cuts)
    people = {name: examples for name, examples in splits.items() if name != "catalogue"}
    return splits, (*raw.notes, *notes, *_group_notes(people, options), *duplicate_notes(people))


def _held_out(train: Examples, percent: float, options: SplitSection, cut: Cut) -> NDArray[np.bool_]:
    if options.by == "time":
        return hold_out_latest(_column(train.time, "time"), percent)
    if options.by == "group":
        return hold_out_groups(_column(train.group, "group"), percent)
    if cut == "identity":
        return hold_out_groups(train.labels, percent)
    labels = train.labels if cut == "class" else np.zeros(len(train), dtype=np.int32)
    return hold_out(labels, percent)


def hold_out(y: Array, percent: float) -> NDArray[np.bool_]:
    """Return which examples to hold out: `percent` of each class, to the nearest example that sums up to it.

    Every class keeps an example on each side; it needs two.
    """
    labels, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    quotas, remainders = np.divmod(counts * percent, 100)
    quotas = quotas.astype(np.int64)
    missing = round(len(y) * percent / 100) - int(quotas.sum())
    quotas[np.argsort(-remainders, kind="stable")[:missing]] += 1  # largest remainders first
    quotas = np.clip(quotas, 1, counts - 1)
    rng = np.random.default_rng(SEED)
    held_out = np.zeros(len(y), dtype=bool)
    for index in range(len(labels)):
        held_out[rng.permutation(np.flatnonzero(classes == index))[: quotas[index]]] = True
    return held_out


def hold_out_groups(group: Array, percent: float) -> NDArray[np.bool_]:
    """Return which examples to hold out: whole groups, as many as come nearest to `percent` of the examples.

    Raises:
        DataError: There are fewer than two groups.
    """
    groups, places, counts = np.unique(group, return_inverse=True, return_counts=True)
    if len(groups) < 2:
        raise DataError(f"All examples are of one group, {groups[0]!s}: nothing can be held out. Cut by ratio instead.")
    order = np.random.default_rng(SEED).permutation(len(groups))
    sums = np.cumsum(counts[order])
    wanted = len(group) * percent / 100
    most = int(np.argmin(np.abs(sums - wanted))) + 1
    held: NDArray[np.bool_] = np.isin(places, order[: min(most, len(groups) - 1)])
    return held


def hold_out_latest(time: Array, percent: float) -> NDArray[np.bool_]:
    """Return which examples to hold out: the latest `percent`; those of one moment stay together."""
    ranked = np.sort(time, kind="stable")
    moment = ranked[min(len(time) - 1, round(len(time) * (1 - percent / 100)))]
    held: NDArray[np.bool_] = time >= moment
    return held if not held.all() else time > ranked[0]


def _column(values: Array | None, what: str) -> Array:
    if values is None:
        raise DataError(
            f'data.split.by = "{what}" needs to know the {what} of each example, which this source does not tell. '
            f'Name its column in data.columns.{what}, or cut by "ratio".'
        )
    return values


def _percent(name: str, options: SplitSection, *, test_given: bool, examples: int) -> float:
    share: float | None = getattr(options, name)
    if share is not None:
        return 100 * share
    return PERCENT_OF_MANY if name == "validation" and test_given and examples >= MANY else PERCENT


def _enough_of_each(raw: RawData, cuts: list[str]) -> None:
    needed = len(cuts) + 1
    names = raw.target.names
    counts = np.bincount(raw.train.labels, minlength=len(names))
    short = [f"{names[label]!r} has {counts[label]}" for label in np.flatnonzero(counts < needed)]
    if short:
        cut = f", because {' and '.join(cuts)} must be cut off from it" if cuts else ""
        raise DataError(
            f"Some classes have too few examples: {_some(short)}. Each needs at least {needed} in train{cut}. "
            "Add examples, or leave these classes out."
        )


def _nothing_empty(splits: dict[str, Examples]) -> None:
    empty = [name for name, examples in splits.items() if not len(examples)]
    if empty:
        raise DataError(f"The {empty[0]} split is empty: there are too few examples to cut it off. Add examples.")


def _absence_notes(splits: dict[str, Examples], class_names: tuple[str, ...]) -> list[str]:
    notes = []
    for name, examples in splits.items():
        counts = np.bincount(examples.labels, minlength=len(class_names))
        absent = [repr(class_names[label]) for label in np.flatnonzero(counts == 0)]
        if absent and name in ("train", "validation"):
            raise DataError(
                f"The {name} split has no example of {_some(absent)}: nobody would learn, or could tell, how well they "
                "are recognised. Add examples, leave these classes out, or let nas cut the splits, by ratio."
            )
        if absent:
            notes.append(f"The {name} split has no example of {_some(absent)}: its scores say nothing about them.")
    return notes


def _identity_notes(splits: dict[str, Examples], names: tuple[str, ...], cuts: list[str]) -> list[str]:
    """Identities on two sides, where the source gives the splits or the study file has them cut by something else."""
    notes = []
    trained = np.unique(splits["train"].labels)
    for split in ("validation", "test"):
        there = np.unique(splits[split].labels)
        shared = [names[label] for label in np.intersect1d(there, trained)]
        if shared:
            remedy = (
                'Cut by identity: data.split.by = "ratio" does.'
                if split in cuts
                else "Have all examples of an identity in one split, or give none and let nas cut whole identities."
            )
            notes.append(
                f"Identities of the {split} split that train has as well: {len(shared):,} of {len(there):,} "
                f"({_some(shared)}). On these, {split} scores say nothing of identities never seen. {remedy}"
            )
    return notes


def _group_notes(splits: dict[str, Examples], options: SplitSection) -> list[str]:
    """Groups on two sides, where the source gives both the groups and the splits."""
    notes = []
    known = {name: set(examples.group.tolist()) for name, examples in splits.items() if examples.group is not None}
    for name in ("validation", "test"):
        shared = known.get(name, set()) & known.get("train", set())
        if shared and options.by == "group":
            notes.append(
                f"Groups of the {name} split that train has as well, as the source gives it: {len(shared):,} of "
                f"{len(known[name]):,} ({_some(sorted(map(str, shared)))})."
            )
    return notes


def _some(things: list[str], most: int = 5) -> str:
    """Return `things` as one phrase, the first few of them and how many more."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(things[:most]) + more
