"""``manifest:file.csv``: a table of one's own, one row an example. Also ``.tsv``, ``.jsonl``, ``.gz`` of these, and
``.parquet``.

``[data.columns]`` of the study file says what the columns mean. A cell of an input is a text, a number, one of a few
categories, or the path of an image or sound file that starts from the table's folder. All numbers and categories
together are one input. An only input is called ``"x"``; of several, each has the name of its column, and numbers and
categories that of ``"table"``.

Categories are numbered here over all rows, and once more when the splits are known (`nas.data.encoding`): train's own
from 1, and 0 for what it has not got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nas.data import columns, identifiers
from nas.data.files import bad_notes, decode_files
from nas.data.options import ColumnKind, DataSection
from nas.data.pictures import ImageReader
from nas.data.sound import read_sound
from nas.data.source import INPUT_NAME, ONLY, Array, Examples, RawData, RawInput
from nas.data.table import Table, is_missing, read_table
from nas.data_card import InputKind, Target
from nas.errors import DataError, did_you_mean

TABLE = "table"
"""What the input of all numbers and categories is called, where there are others."""
SPLITS = ("train", "validation", "test")
SPLIT = "split"
"""The one column that need not be there although an option names it."""
NO_NUMBER = 'Fill them in, leave those rows out, or let such a column be a "category" in data.columns.kinds.'
AS_COLUMN: Mapping[InputKind | None, ColumnKind] = {"image": "image", "audio": "audio", "text": "text"}


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the examples in the table `rest`, relative to `base`, in the order of its rows.

    Raises:
        DataError: The table cannot be read, or a column or a cell of it is not what it should be; or too many of the
            files that it names are bad.
    """
    table, unlabelled = _read(rest, base, options)
    means = options.columns
    y = columns.labels(table, means.label)
    group = None if means.group is None else columns.groups(table, means.group)
    time = None if means.time is None else columns.times(table, means.time)
    split = _splits(table, means.split)
    kinds, notes = _kinds(table, options)
    inputs = _Inputs(table, options)
    inputs.add_numbers([name for name, kind in kinds.items() if kind == "number"])
    for name, kind in kinds.items():
        inputs.add(name, kind)
    x, known = inputs.named()
    notes += bad_notes(list(inputs.bad.values()), len(table), options.bad, "rows")
    everything = Examples(x, y, group, time, _origins(table, kinds))
    good = np.array([row not in inputs.bad for row in range(len(table))])
    parts = {
        name: everything.take(np.flatnonzero(good & (split == name)))
        for name in SPLITS
        if name == "train" or (split == name).any()
    }
    return RawData(
        parts["train"],
        parts.get("validation"),
        parts.get("test"),
        inputs=known,
        target=Target(names=means.label if len(means.label) > 1 else ()),
        notes=(*unlabelled, *notes, *inputs.notes),
        label=means.label,
    )


def cells_by_split(rest: str, base: Path, options: DataSection, names: Sequence[str], key: str) -> dict[str, list[Any]]:
    """Return the cells of the columns `names`, of train, validation and test after each other, as `load` has them.

    Raises:
        DataError: The table cannot be read, or has no such column, which `key` asked for.
    """
    table, _ = _read(rest, base, options)
    split = _splits(table, options.columns.split)
    rows = [row for part in SPLITS for row in np.flatnonzero(split == part)]
    return {name: [table.column(name, key)[row] for row in rows] for name in names}


def _read(rest: str, base: Path, options: DataSection) -> tuple[Table, tuple[str, ...]]:
    """Return the table `rest`, without the rows that `options` leave out, and a note on these."""
    table = read_table(base / Path(rest).expanduser())
    return columns.labelled(table, options.columns.label) if options.columns.unlabelled == "drop" else (table, ())


def _origins(table: Table, kinds: Mapping[str, ColumnKind]) -> Array:
    """Return where each row comes from: the one file that it names, or else its place in the table."""
    files = [name for name, kind in kinds.items() if kind in ("image", "audio")]
    if len(files) == 1:
        return np.array([str(cell).strip() for cell in table.columns[files[0]]])
    return np.array([f"{table.counted} {line}" for line in table.lines])


def _splits(table: Table, name: str) -> Array:
    """Return the split of each row; train, where there is no such column."""
    if name == SPLIT and name not in table.columns:
        return np.full(len(table), "train")
    table.column(name, "data.columns.split")
    found = columns.splits(table, name)
    if not (found == "train").any():
        raise DataError(f"{table.path}: no row is of the train split, in column {name!r}.")
    return found


def _kinds(table: Table, options: DataSection) -> tuple[dict[str, ColumnKind], tuple[str, ...]]:
    """Return the columns that are inputs and what they are, and a note on what was guessed."""
    means = options.columns
    taken = {*means.label, means.split, means.group, means.time}
    for name in means.ignore:
        table.column(name, "data.columns.ignore")
        if name in taken or name in means.inputs:
            raise DataError(f"data.columns.ignore: {name!r} is named in data.columns as something else, too.")
    names = means.inputs or tuple(name for name in table.columns if name not in taken and name not in means.ignore)
    if not names:
        raise DataError(f"{table.path} has no column that could be an input; it has: {', '.join(table.columns)}.")
    for name in names:
        table.column(name, "data.columns.inputs")
    for name in means.kinds:
        if name not in names:
            table.column(name, "data.columns.kinds")
            raise DataError(
                f"data.columns.kinds: {name!r} is no input.{did_you_mean(name, names)} Inputs: {', '.join(names)}."
            )
    if options.kind in ("sequence", "ids"):
        raise DataError(f'data.kind = "{options.kind}" cannot be read from a table: give arrays, by npz: or python:.')
    said = dict(means.kinds)
    if len(names) == 1 and options.kind in AS_COLUMN:
        said = {names[0]: AS_COLUMN[options.kind]} | said
    guessed = {name: columns.guess_kind(table, name) for name in names if name not in said}
    others = [name for name in table.columns if name not in names and name not in taken]
    notes = _guesses(table, guessed) + _left_out(table, others)
    if not means.inputs:
        notes += identifiers.warnings(table, guessed)
    return {name: said.get(name) or guessed[name] for name in names}, notes


def _guesses(table: Table, guessed: dict[str, ColumnKind]) -> tuple[str, ...]:
    if not guessed:
        return ()
    by_kind: dict[str, list[str]] = {}
    for name, kind in guessed.items():
        by_kind.setdefault(kind, []).append(name)
    parts = [f"{kind}: {_some(names)}" for kind, names in by_kind.items()]
    return (f"The columns of {table.path.name} are taken for {'; '.join(parts)}. Is one wrong? data.columns.kinds.",)


def _left_out(table: Table, names: list[str]) -> tuple[str, ...]:
    return (f"Columns of {table.path.name} that are no inputs: {_some(names)}.",) if names else ()


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"


@dataclass(slots=True)
class _Inputs:
    """The inputs found so far. `bad` has a message for each row whose file cannot be read."""

    table: Table
    options: DataSection
    arrays: dict[str, Array] = field(default_factory=dict)
    known: dict[str, RawInput] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    _numbers: dict[str, Array] = field(default_factory=dict)
    _categories: dict[str, Array] = field(default_factory=dict)
    _values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add_numbers(self, names: list[str]) -> None:
        """Read the columns `names`, all of which are numbers: what is wrong with them is told at once."""
        if names:
            self._numbers.update(zip(names, columns.numbers(self.table, names, NO_NUMBER).T, strict=True))

    def add(self, name: str, kind: ColumnKind) -> None:
        """Read column `name`, if it is no number."""
        match kind:
            case "category":
                self._categories[name], self._values[name] = columns.categories(self.table, name)
            case "text":
                self._put(name, columns.texts(self.table, name), RawInput("text"))
            case "image":
                self._add_images(name)
            case "audio":
                self._add_sounds(name)

    def named(self) -> tuple[dict[str, Array], dict[str, RawInput]]:
        """Return all inputs and what is known of them, under the names they keep."""
        if self._numbers or self._categories:
            made = np.stack([*self._numbers.values(), *self._categories.values()], axis=1).astype(np.float32)
            counts = tuple(len(values) + 1 for values in self._values.values())
            known = RawInput("vector", categories=counts, columns=tuple(self._numbers), values=self._values)
            self._put(TABLE, made, known)
        if len(self.arrays) == 1:
            (((name, array),), (known,)) = self.arrays.items(), self.known.values()
            return {ONLY: array}, {ONLY: known if known.kind == "vector" else replace(known, column=name)}
        for name in self.arrays:
            if not INPUT_NAME.fullmatch(name):
                raise DataError(
                    f"{self.table.path}: column {name!r} is an input beside others, and needs a name of letters, "
                    "digits, spaces and . _ - only. Rename it."
                )
        return self.arrays, self.known

    def _put(self, name: str, array: Array, known: RawInput) -> None:
        if name in self.arrays:
            raise DataError(
                f"{self.table.path}: a column is called {name!r}, as all numbers and categories are. Rename it."
            )
        self.arrays[name], self.known[name] = array, known

    def _add_images(self, name: str) -> None:
        images = self.options.images
        reader = ImageReader(images.size, images.channels)
        shape = (*images.size, images.channels)
        rows, bad = decode_files(self._paths(name), reader, shape, np.uint8, "images")
        self._put(name, rows, RawInput("image"))
        self._note_bad(name, bad)
        self.notes += reader.notes

    def _add_sounds(self, name: str) -> None:
        rate = self.options.audio.sample_rate
        samples = round(rate * self.options.audio.seconds)
        rows, bad = decode_files(
            self._paths(name), lambda path: read_sound(path, rate, samples), (samples,), np.int16, "sounds"
        )
        self._put(name, rows, RawInput("audio", sample_rate=rate))
        self._note_bad(name, bad)

    def _paths(self, name: str) -> list[Path]:
        folder = self.table.path.parent
        return [folder / ("" if is_missing(cell) else str(cell).strip()) for cell in self.table.columns[name]]

    def _note_bad(self, name: str, bad: dict[int, str]) -> None:
        for row in sorted(bad):
            problem = f"{name} is empty." if is_missing(self.table.columns[name][row]) else bad[row]
            self.bad.setdefault(row, f"{self.table.where(row)}: {problem}")
