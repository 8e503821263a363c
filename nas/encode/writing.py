"""Embeddings on their way to a file, in constant memory: ``.npy`` or Parquet. Whole or not there.

``.npy``: float32 (examples, …) under the header that NumPy writes, and the labels in ``NAME.labels.npy``. Bytes are
appended, not put into a mapped file: on a full disk that would end the process. Parquet: a column ``embedding`` of
lists of one length, with ``row``, ``split`` and ``label``.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nas.data.source import Array
from nas.errors import BadInput, Conflict, NASError
from nas.export.publishing import cannot_write

SUFFIXES = (".npy", ".parquet")
GROUP = 8192
"""Rows of a Parquet file that are written at once."""


class Writer(Protocol):
    """Takes embeddings batch by batch."""

    def add(self, features: Array) -> None:
        """Append (examples, …)."""


def check_target(path: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written in a known format, or that is there.

    Raises:
        BadInput: Its name ends in another way, or what Parquet needs is not installed.
        Conflict: It is there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{path}: embeddings are written to a file that ends in {' or '.join(SUFFIXES)}.")
    if path.suffix.lower() == ".parquet":
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise BadInput('Parquet files need pyarrow: pip install "encoder-nas[parquet]", or write a .npy file.')
    if path.exists() and (not path.is_file() or not force):
        raise Conflict(f"{path} is there already. Name another file with -o, or replace it with --force.")


def beside(path: Path, end: str) -> Path:
    """Return the file that belongs to `path`: ``a.npy`` ▶ ``a.labels.npy``."""
    return path.with_name(f"{path.stem}.{end}")


class Files:
    """Files that are renamed to their names when all of them are whole."""

    def __init__(self) -> None:
        self._made: dict[Path, Path] = {}

    def new(self, path: Path) -> Path:
        """Return where to write what is to be `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._made[path] = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        return self._made[path]

    def publish(self) -> list[Path]:
        """Give all of them their names; return these."""
        for path, temporary in self._made.items():
            temporary.replace(path)
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
    files = Files()
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
    path: Path, files: Files, shape: tuple[int, ...], examples: int, labels: Array | None, splits: Sequence[str]
) -> Iterator[Writer]:
    """Give a writer of `examples` embeddings of `shape` for `path`, with what is told of each of them."""
    if path.suffix.lower() == ".npy":
        with files.new(path).open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (examples, *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            yield _Npy(file)
        if labels is not None:
            with files.new(beside(path, "labels.npy")).open("wb") as file:
                np.save(file, as_plain(labels), allow_pickle=False)
        return
    import pyarrow.parquet

    schema = _schema(shape, labels)
    with pyarrow.parquet.ParquetWriter(files.new(path), schema) as parquet:
        writer = _Parquet(parquet, schema, labels, splits)
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
    def __init__(self, parquet: Any, schema: Any, labels: Array | None, splits: Sequence[str]) -> None:
        self._parquet, self._schema = parquet, schema
        self._labels, self._splits = labels, splits
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
        start, end = self._done, self._done + len(rows)
        flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
        columns = [
            pa.array(range(start, end), pa.int64()),
            pa.array(list(self._splits[start:end]), pa.string()),
            pa.FixedSizeListArray.from_arrays(flat, rows.shape[1]),
        ]
        if self._labels is not None:
            kind = self._schema.field("label").type
            columns.insert(2, pa.array(as_plain(self._labels[start:end]).tolist(), kind))
        self._parquet.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._waiting, self._done = [], end


def _schema(shape: tuple[int, ...], labels: Array | None) -> Any:
    import pyarrow as pa

    width = int(np.prod(shape))
    fields = [("row", pa.int64()), ("split", pa.string())]
    if labels is not None:
        fields.append(("label", pa.array(as_plain(labels[:1]).tolist()).type))
    fields.append(("embedding", pa.list_(pa.float32(), width)))
    return pa.schema(fields, metadata={"shape": ",".join(map(str, shape))})
