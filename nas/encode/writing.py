"""Embeddings on their way to a file, in constant memory: ``.npy`` or Parquet. Whole or not there.

``.npy``: float32 (examples, …) under the header that NumPy writes, and the labels in ``NAME.labels.npy``. Bytes are
appended, not put into a mapped file: on a full disk that would end the process. Parquet: a column ``embedding`` of
lists of one length, with ``row``, ``split`` (if there are several), ``label``, and what is kept of a table.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nas.data.source import Array
from nas.errors import BadInput, Conflict, NASError
from nas.export.publishing import cannot_write

SUFFIXES = (".npy", ".parquet")
LABELS, MEASURES = "labels.npy", "measures.json"
"""How the names of files end that belong to the embeddings in a file."""
COLUMNS = ("row", "split", "label", "embedding")
"""Of a Parquet file. What is kept of a table comes before the last."""
GROUP = 8192
"""Rows of a Parquet file that are written at once."""


class Writer(Protocol):
    """Takes embeddings batch by batch."""

    def add(self, features: Array) -> None:
        """Append (examples, …)."""


def check_target(path: Path, keep: Sequence[str] = (), *, force: bool) -> None:
    """Refuse a file that cannot be written in a known format, or that is there, or one that belongs to it.

    Raises:
        BadInput: Its name ends in another way, or what Parquet needs is not installed; or columns to `keep` have no
            place in it.
        Conflict: It is there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{path}: embeddings are written to a file that ends in {' or '.join(SUFFIXES)}.")
    if path.suffix.lower() == ".parquet":
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise BadInput('Parquet files need pyarrow: pip install "encoder-nas[parquet]", or write a .npy file.')
    elif keep:
        raise BadInput(f"{path}: columns that are kept need a file that has columns: -o {path.stem}.parquet.")
    if taken := sorted(set(keep) & set(COLUMNS)):
        raise BadInput(f"A column {taken[0]!r} cannot be kept: in the file that is one of ours. Rename it.")
    for file in (path, *belonging(path)):
        if file.exists() and not file.is_file():
            raise Conflict(f"{file} is there already, and is no file: it is left alone. Name another file with -o.")
        if file.exists() and not force:
            raise Conflict(f"{file} is there already. Name another file with -o, or replace it with --force.")


def beside(path: Path, end: str) -> Path:
    """Return the file that belongs to `path`: ``a.npy`` ▶ ``a.labels.npy``."""
    return path.with_name(f"{path.stem}.{end}")


def belonging(path: Path) -> tuple[Path, ...]:
    """Return the files that may belong to the embeddings in `path`: labels, and what was measured."""
    ends = (LABELS, MEASURES) if path.suffix.lower() == ".npy" else (MEASURES,)
    return tuple(beside(path, end) for end in ends)


class Files:
    """Files that are renamed to their names when all of them are whole: `target`, and those that belong to it."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._made: dict[Path, Path] = {}

    def new(self, path: Path) -> Path:
        """Return where to write what is to be `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._made[path] = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        return self._made[path]

    def publish(self) -> list[Path]:
        """Give all of them their names, `target` last; return these.

        Several files cannot be renamed at once. So an earlier target goes first, and what belonged to it with it:
        wherever the process ends, a target that is there has all that belongs to it, and nothing of another one.
        """
        if not self._made:
            return []
        others = [path for path in belonging(self._target) if path in self._made or path.exists()]
        if others:
            self._target.unlink(missing_ok=True)
        for path in others:
            path.unlink(missing_ok=True)
        for path in sorted(self._made, key=self._target.__eq__):
            self._made[path].replace(path)
        return list(self._made)

    def forget(self) -> None:
        """Delete what was not published."""
        for temporary in self._made.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def written(target: Path) -> Iterator[Files]:
    """Give new files for a block; after an error, or Ctrl-C, none of them is there.

    Raises:
        NASError: They cannot be written: the disk is full, say. `target` is for the message.
    """
    files = Files(target)
    try:
        yield files
        files.publish()
    except NASError:
        raise
    except Exception as error:
        files.forget()  # first: whether the disk is full is looked at next
        if (said := cannot_write(error, target)) is None:
            raise
        raise said from error
    finally:
        files.forget()


@contextlib.contextmanager
def opened(
    path: Path,
    files: Files,
    shape: tuple[int, ...],
    examples: int,
    labels: Array | None,
    splits: Sequence[str | None],
    kept: Mapping[str, Sequence[Any]],
) -> Iterator[Writer]:
    """Give a writer of `examples` embeddings of `shape` for `path`, with what is told of each: label and split.

    `kept` are columns of cells as they stand in a table; only Parquet has a place for them.
    """
    if path.suffix.lower() == ".npy":
        with files.new(path).open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (examples, *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            yield _Npy(file)
        if labels is not None:
            with files.new(beside(path, LABELS)).open("wb") as file:
                np.save(file, as_plain(labels), allow_pickle=False)
        return
    import pyarrow.parquet

    beside_them = {
        "row": pyarrow.array(range(examples), pyarrow.int64()),
        "split": pyarrow.array(list(splits), pyarrow.string()),
        **({} if labels is None else {"label": pyarrow.array(as_plain(labels).tolist())}),
        **{name: _as_column(cells) for name, cells in kept.items()},
    }
    width = int(np.prod(shape))
    fields = [(name, column.type) for name, column in beside_them.items()]
    fields.append(("embedding", pyarrow.list_(pyarrow.float32(), width)))
    schema = pyarrow.schema(fields, metadata={"shape": ",".join(map(str, shape))})
    with pyarrow.parquet.ParquetWriter(files.new(path), schema) as parquet:
        writer = _Parquet(parquet, schema, list(beside_them.values()))
        yield writer
        writer.flush()


def as_plain(labels: Array) -> Array:
    """Return labels that need no pickle: texts as NumPy's own."""
    return labels.astype(str) if labels.dtype == object else labels


class _Npy:
    def __init__(self, file: Any) -> None:
        self._file = file

    def add(self, features: Array) -> None:
        self._file.write(np.ascontiguousarray(features, dtype="<f4").tobytes())


class _Parquet:
    def __init__(self, parquet: Any, schema: Any, columns: Sequence[Any]) -> None:
        self._parquet, self._schema, self._columns = parquet, schema, columns
        self._waiting: list[Array] = []
        self._done = 0

    def add(self, features: Array) -> None:
        self._waiting.append(features.reshape(len(features), -1))
        if sum(map(len, self._waiting)) >= GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one row group."""
        import pyarrow as pa

        if not self._waiting:
            return
        rows = np.concatenate(self._waiting)
        flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
        columns = [column.slice(self._done, len(rows)) for column in self._columns]
        columns.append(pa.FixedSizeListArray.from_arrays(flat, rows.shape[1]))
        self._parquet.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._waiting, self._done = [], self._done + len(rows)


def _as_column(cells: Sequence[Any]) -> Any:
    """Return cells of a table as one column: as texts, if they are of several types or too large for any."""
    import pyarrow as pa

    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells])
