"""A table in a file, one row an example: CSV, TSV, JSON lines or Parquet ▶ columns of cells.

A cell is a text as it stands in a CSV or TSV file, and whatever JSON or Parquet hold otherwise; ``None`` or an empty
text is a missing one.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.errors import DataError, did_you_mean

SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equally many cells, and where each row stands in the file: its line from 1, or its row from 0."""

    path: Path
    columns: dict[str, list[Any]]
    lines: list[int]
    counted: str = "line"

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Sequence[int]) -> Table:
        """Return the table of these rows alone."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Table(self.path, columns, [self.lines[row] for row in rows], self.counted)

    def where(self, row: int) -> str:
        """Return where `row` stands, for messages."""
        return f"{self.path}, {self.counted} {self.lines[row]}"

    def column(self, name: str, key: str) -> list[Any]:
        """Return the cells of column `name`, which the study file names in `key`.

        Raises:
            DataError: There is no such column.
        """
        if name not in self.columns:
            _refuse_separator(self.path, list(self.columns))
            raise DataError(
                f"{self.path} has no column {name!r}, which {key} names.{did_you_mean(name, self.columns)} "
                f"It has: {', '.join(self.columns)}."
            )
        return self.columns[name]


def _refuse_separator(path: Path, names: Sequence[str]) -> None:
    """Refuse the `names` of columns if they are one, with what seems to be another separator in it.

    Raises:
        DataError: They are.
    """
    suffix = ".tsv" if ".tsv" in path.name.lower() else ".csv"
    read, others = ("tabs", ",;|") if suffix == ".tsv" else ("commas", "\t;|")
    found = [sign for sign in others if len(names) == 1 and sign in names[0]]
    if not found:
        return
    remedy = {"\t": "Call it .tsv.", ",": "Call it .csv."}.get(
        found[0], f"Write it anew, e.g. pandas.read_csv(file, sep={found[0]!r}).to_csv(new_file, index=False)."
    )
    raise DataError(
        f"{path}: its columns seem to have {found[0]!r} between them, as in {names[0]!r}; a {suffix} is read with "
        f"{read} between them. {remedy}"
    )


def is_missing(cell: Any) -> bool:
    """Whether a cell is none: nothing, an empty text or NaN."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def read_table(path: Path) -> Table:
    """Return the table in the file at `path`.

    Texts are UTF-8. In a ``.tsv``, quotes are as in CSV if all of the file can be read so; otherwise they are signs.

    Raises:
        DataError: The file is missing, damaged, of another kind, or has no rows; the message names the line.
    """
    if path.is_dir():
        tables = sorted(other.name for other in path.glob("*") if other.name.lower().endswith(SUFFIXES))
        there = f"{', '.join(tables[:5])}{' …' if len(tables) > 5 else ''}" if tables else "none"
        raise DataError(f"{path} is a folder: name a table, a file. In it there is: {there}.")
    if not path.is_file():
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.*")])
        raise DataError(f"There is no file {path}.{near}")
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise DataError(f"{path} must be one of {', '.join(SUFFIXES)}, by the end of its name.")
    if name.endswith(".parquet"):
        table = _parquet(path)
    else:
        text = _text(path)
        kind = name.removesuffix(".gz").rpartition(".")[2]
        table = {"csv": _csv, "tsv": _tsv, "jsonl": _json_lines}[kind](path, text)
    if not len(table):
        raise DataError(f"{path} has no rows.")
    return table


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: it is not UTF-8 text: {error.reason} at byte {error.start}. "
            f"Convert the file first, e.g. iconv -f latin1 -t utf-8."
        ) from None


def _csv(path: Path, text: str) -> Table:
    return _rows(path, _records(path, text, ",", csv.QUOTE_MINIMAL))


def _tsv(path: Path, text: str) -> Table:
    try:
        return _rows(path, _records(path, text, "\t", csv.QUOTE_MINIMAL))
    except DataError:  # a quote that is never closed, or closed too early: it was meant as a sign
        return _rows(path, _records(path, text, "\t", csv.QUOTE_NONE))


def _records(path: Path, text: str, delimiter: str, quoting: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, with the line that each of them begins in."""
    csv.field_size_limit(sys.maxsize)  # a text may be longer than 128 KiB
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, line {line}: {error}. Is a quote missing, or one too many?") from None


def _rows(path: Path, records: Iterator[tuple[int, list[str]]]) -> Table:
    _, header = next(records, (1, []))
    names = [name.strip() for name in header]
    if not names:
        raise DataError(f"{path} is empty: its first line must name the columns.")
    for place, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{path}: column {place} has no name in the first line. Name it, or write the file without an index, "
                "e.g. to_csv(file, index=False)."
            )
        if names.count(name) > 1:
            raise DataError(f"{path}: two columns are called {name!r}. Rename one.")
    cells: list[list[str]] = [[] for _ in names]
    lines = []
    for line, record in records:
        if len(record) != len(names):
            _refuse_separator(path, names)
            few = "too few" if len(record) < len(names) else "too many"
            raise DataError(
                f"{path}, line {line}: {few} columns, {len(record)}; the first line names {len(names)}: "
                f"{', '.join(names[:10])}. Is a separator missing, or a text with one in it not quoted?"
            )
        lines.append(line)
        for column, cell in zip(cells, record, strict=True):
            column.append(cell)
    return Table(path, dict(zip(names, cells, strict=True)), lines)


def _json_lines(path: Path, text: str) -> Table:
    rows, lines = [], []
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            found = json.loads(row)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {line}: this is no JSON: {error}.") from None
        if not isinstance(found, dict):
            raise DataError(
                f'{path}, line {line}: each line must be an object, {{"column": value}}. Received: {row[:60]}'
            )
        rows.append(found)
        lines.append(line)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(path, {name: [row.get(name) for row in rows] for name in names}, lines)


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f'{path}: reading Parquet needs pyarrow. Install it with pip install "encoder-nas[parquet]".'
        ) from None
    try:
        columns = parquet.read_table(path).to_pydict()
    except Exception as error:  # pyarrow raises its own and Python's
        raise DataError(f"{path} cannot be read: {str(error).rstrip('.')}.") from None
    rows = len(next(iter(columns.values()), []))
    return Table(path, columns, list(range(rows)), "row (from 0)")
