"""Tables of texts in CSV and TSV files, which may be compressed: ``.csv``, ``.tsv``, ``.csv.gz``, ``.tsv.gz``."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from nas.data.source import Array
from nas.errors import DataError, did_you_mean

SHOWN = 5
"""Of many bad rows, so many are named."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a file by their names, all texts; `lines` are where in the file each row stands."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str, remedy: str) -> list[str]:
        """Return the column `name`; `remedy` says what to do if it is missing.

        Raises:
            DataError: There is none.
        """
        if name not in self.columns:
            near = did_you_mean(name, self.columns)
            raise DataError(f"{self.path} has no column {name!r}.{near} It has: {', '.join(self.columns)}. {remedy}")
        return self.columns[name]

    def parsed(self, name: str, parse: Callable[[str], float], what: str) -> Array:
        """Return the column `name` as float64; `parse` raises `ValueError` where a text is not `what` it should be.

        Raises:
            DataError: Some are not; their lines are named.
        """
        values = np.zeros(len(self))
        bad = []
        for row, text in enumerate(self.columns[name]):
            try:
                values[row] = parse(text)
            except ValueError:
                bad.append(row)
        self.refuse(bad, lambda row: f"{name} is no {what}: {self.columns[name][row]!r}")
        return values

    def refuse(self, bad: Iterable[int], why: Callable[[int], str]) -> None:
        """Raise a `DataError` that names the lines of the `bad` rows, if there are any."""
        rows = list(bad)
        if rows:
            listed = "".join(f"\n  line {self.lines[row]:,}: {why(row)}." for row in rows[:SHOWN])
            more = f"\n  … and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
            raise DataError(f"{self.path}: {len(rows):,} of {len(self):,} rows cannot be used:{listed}{more}")


def read_table(path: Path) -> Table:
    """Return the table in the file at `path`; its first line names the columns.

    In a ``.tsv`` quotation marks are nothing special; in a ``.csv`` they keep commas and ends of lines together.

    Raises:
        DataError: The file is missing or cannot be read, has no rows, or a row is longer or shorter than the first.
    """
    try:
        with _opened(path) as file:
            return _parse(path, file)
    except FileNotFoundError:
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*")])
        raise DataError(f"There is no file {path}.{near}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _parse(path: Path, file: IO[str]) -> Table:
    tabs = ".tsv" in path.suffixes
    reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(file)
    names = next(reader, [])
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path}: the first line must name the columns, each once. Received: {names}.")
    rows, lines = [], []
    for row, line in _rows(reader):
        if len(row) != len(names):
            raise DataError(
                f"{path}, line {line:,}: {len(row)} fields, where the first line names {len(names)}: {row}."
            )
        rows.append(row)
        lines.append(line)
    if not rows:
        raise DataError(f"{path} has no rows beneath its first line.")
    return Table(path, {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}, lines)


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[list[str], int]]:
    """Yield the rows that are not empty, and the line each ends in."""
    for row in reader:
        if row:
            yield row, reader.line_num  # type: ignore[attr-defined]
