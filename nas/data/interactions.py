"""``interactions:file``: a log of who took what, as examples for finding items or telling ratings.

A row of the log is an interaction of a user with an item, with a rating and a time where there are such columns (see
`nas.data.table` for what files). Each becomes an example::

    user           ids (1,)          the user; 0 is one that train has not got
    history        ids (history,)    the items the user took before it, the last one last; filled up with 0 in front
    item           ids (1,)          the item
    user_features  vector            from the table ``interactions.users``, if it is given: `nas.data.side_features`
    item_features  vector            from the table ``interactions.items``, if it is given

and its rating is its label. The catalogue has every item once, with zeros for all that is the user's.

Nothing of the future is in an example: its history ends before it, in the order of time (rows of one moment are in the
order of the file), and the held-out interactions of a user, or of all, are later than those of train. What is dropped:
users and items with fewer than ``fewest`` interactions, until there are none (a k-core, as Kang and McAuley 2018,
arXiv:1808.09781, section IV-A), and held-out interactions with items that train has not got.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data import columns
from nas.data.options import DataSection, InteractionsSection
from nas.data.side_features import side_features
from nas.data.source import Array, Examples, RawData, RawInput
from nas.data.splits import hold_out_latest
from nas.data.table import Table, read_table
from nas.errors import DataError, plural

USER, HISTORY, ITEM = "user", "history", "item"
"""What the inputs are called."""
FEATURES = "_features"
HELD_OUT = 0.1
"""The share of the interactions, and then of what is left, that is held out by time where ``data.split`` says none."""
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Log:
    """Interactions in the order of time, (interactions,) each: the names of users and items, ratings and times."""

    user: Array
    item: Array
    rating: Array | None
    time: Array

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Array) -> Log:
        """Return the interactions at `rows`: their places, or a mask."""
        rating = None if self.rating is None else self.rating[rows]
        return Log(self.user[rows], self.item[rows], rating, self.time[rows])


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the log in the file `rest`, relative to `base`, cut as ``[data.interactions]`` says.

    Raises:
        DataError: A file is missing or damaged, a row is not what it should be, or too few interactions are left.
    """
    settings = options.interactions
    log = read_log(base / Path(rest).expanduser(), settings)
    kept = log.take(core(log, settings.fewest))
    if not len(kept):
        raise DataError(
            f"None of {len(log):,} interactions is left: there are no users with {settings.fewest} interactions with "
            f"items that have {settings.fewest} as well. Let data.interactions.fewest be smaller, or add data."
        )
    part = _cut(kept, options)
    learned = np.isin(kept.item, kept.item[part == 0])
    notes = _notes(log, kept, settings, unknown=int(np.count_nonzero(~learned)))
    kept, part = kept.take(learned), part[learned]
    raw = _examples(kept, part, settings.history)
    for side, file, key in (
        (USER, settings.users, settings.user_column),
        (ITEM, settings.items, settings.item_column),
    ):
        if file is not None:
            each = kept.user if side == USER else kept.item
            names = np.unique(each)
            trained = np.isin(names, each[part == 0])
            features, what, more = side_features(
                base / Path(file).expanduser(), key, names.tolist(), trained, options.bad
            )
            raw = _with_features(raw, side, names, features, kept, part)
            known = RawInput("vector", item=side == ITEM, columns=what)
            raw = replace(raw, inputs={**raw.inputs, side + FEATURES: known})
            notes += more
    return replace(raw, notes=notes)


def _examples(log: Log, part: NDArray[np.int8], history: int) -> RawData:
    """Return `log` as splits and a catalogue, without features."""
    users, items = np.unique(log.user[part == 0]), np.unique(log.item)
    user, item = _ids(log.user, users), _ids(log.item, items)
    everything = Examples(
        {USER: user[:, None], HISTORY: histories(log.user, item, history), ITEM: item[:, None]}, log.rating
    )
    every = np.arange(1, 1 + len(items), dtype=np.int32)[:, None]
    nobody = {USER: np.zeros_like(every), HISTORY: np.zeros((len(items), history), np.int32)}
    train, validation, test = (everything.take(np.flatnonzero(part == number)) for number in range(len(PARTS)))
    return RawData(
        train,
        validation,
        test,
        inputs={
            USER: RawInput("ids", vocabulary=1 + len(users), names=tuple(users.tolist())),
            HISTORY: RawInput("ids", vocabulary=1 + len(items), names=tuple(items.tolist())),
            ITEM: RawInput("ids", vocabulary=1 + len(items), names=tuple(items.tolist()), item=True),
        },
        catalogue=Examples({**nobody, ITEM: every}),
    )


def _with_features(raw: RawData, side: str, names: Array, features: Array, log: Log, part: NDArray[np.int8]) -> RawData:
    """Return `raw` with the features, (names, features), of the users or items called `names` as one more input."""
    each = features[np.searchsorted(names, log.user if side == USER else log.item)]
    rows = {name: each[part == number] for number, name in enumerate(PARTS)}
    blank = np.zeros((len(np.unique(log.item)), features.shape[1]), features.dtype)
    rows["catalogue"] = features if side == ITEM else blank
    return raw.with_splits(
        {split: replace(given, x={**given.x, side + FEATURES: rows[split]}) for split, given in raw.splits.items()}
    )


def read_log(path: Path, settings: InteractionsSection) -> Log:
    """Return the log in the file at `path`, in the order of time.

    Raises:
        DataError: A column is missing, or a row has no user, no item, or a rating or time that is none.
    """
    table = read_table(path)
    user = columns.groups(table, settings.user_column, "data.interactions.user_column")
    item = columns.groups(table, settings.item_column, "data.interactions.item_column")
    rated = _if_there(table, settings.rating_column, "rating")
    timed = _if_there(table, settings.time_column, "time")
    rating = None if rated is None else _ratings(table, rated)
    time = np.arange(len(table)) if timed is None else columns.times(table, timed, "data.interactions.time_column")
    if time.dtype.kind == "f" and not np.isfinite(time).all():
        raise DataError(f"{table.where(int(np.argmin(np.isfinite(time))))}: {timed} is no moment. Leave the row out.")
    return Log(user, item, rating, time).take(np.argsort(time, kind="stable"))


def _if_there(table: Table, named: str | None, usual: str) -> str | None:
    """Return the column that the study file names, or the one that is called as usual, if there is one."""
    return named or (usual if usual in table.columns else None)


def _ratings(table: Table, name: str) -> Array:
    table.column(name, "data.interactions.rating_column")
    rating = columns.numbers(table, [name])[:, 0]
    odd = np.flatnonzero(~np.isfinite(rating))
    if len(odd):
        raise DataError(f"{table.where(odd[0])}: {name} is {rating[odd[0]]}, which is no rating. Leave the row out.")
    return rating


def core(log: Log, fewest: int) -> NDArray[np.bool_]:
    """Return which interactions are left when users and items of less than `fewest` are taken out until none is."""
    codes = [np.unique(names, return_inverse=True)[1] for names in (log.user, log.item)]
    left = np.ones(len(log), dtype=bool)
    while True:
        enough = left.copy()
        for code in codes:
            enough &= np.bincount(code[left], minlength=code.max() + 1)[code] >= fewest
        if np.array_equal(enough, left):
            return left
        left = enough


def histories(user: Array, item: NDArray[np.int32], length: int) -> NDArray[np.int32]:
    """Return the last items of each interaction's user before it, int32 (interactions, length).

    Args:
        user: (interactions,), in the order of time.
        item: (interactions,), from 1.
        length: How many; the last one stands last, and 0 in front where there are fewer.
    """
    order = np.argsort(user, kind="stable")  # user by user, each in the order of time
    _, starts, counts = np.unique(user[order], return_index=True, return_counts=True)
    place = np.arange(len(user)) - np.repeat(starts, counts)
    found = np.zeros((len(user), length), dtype=np.int32)
    for back in range(1, length + 1):
        rows = np.flatnonzero(place >= back)
        found[order[rows], length - back] = item[order[rows - back]]
    return found


def _cut(log: Log, options: DataSection) -> NDArray[np.int8]:
    """Return the split of each interaction: its place in `PARTS`."""
    part = np.zeros(len(log), dtype=np.int8)
    shares = options.split
    if options.interactions.hold_out == "last":
        if shares.validation is not None or shares.test is not None or shares.by != "ratio":
            raise DataError(
                "data.split has no say where the last interactions of every user are held out: leave it out, or cut by "
                'time with data.interactions.hold_out = "time".'
            )
        order = np.argsort(log.user, kind="stable")
        ends = np.cumsum(np.unique(log.user, return_counts=True)[1])
        part[order[ends - 1]], part[order[ends - 2]] = 2, 1
        return part
    for number, share in ((2, shares.test), (1, shares.validation)):
        rows = np.flatnonzero(part == 0)
        part[rows[hold_out_latest(log.time[rows], 100 * (HELD_OUT if share is None else share))]] = number
    return part


def _ids(values: Array, names: Array) -> NDArray[np.int32]:
    """Return the places of `values` in the sorted `names`, from 1; 0 for what is not there."""
    places = np.minimum(np.searchsorted(names, values), len(names) - 1)
    return np.where(names[places] == values, places + 1, 0).astype(np.int32)


def _notes(log: Log, kept: Log, settings: InteractionsSection, unknown: int) -> tuple[str, ...]:
    notes = []
    if len(kept) < len(log):
        notes.append(
            f"{len(kept):,} of {len(log):,} interactions are left, of {len(np.unique(kept.user)):,} users with "
            f"{len(np.unique(kept.item)):,} items: the others are of users or items with fewer than {settings.fewest} "
            "(data.interactions.fewest)."
        )
    if unknown:
        left_out = plural(unknown, "held-out interaction is", "held-out interactions are")
        notes.append(f"{left_out} with items that train has not got, and left out.")
    return tuple(notes)
