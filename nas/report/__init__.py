"""One self-contained page about a study. Never Keras; Altair only once a chart is drawn."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from nas.errors import BadInput
from nas.report.data import ReportData, read
from nas.report.page import render

__all__ = ["ReportData", "read", "render", "write_report"]

FOLDER = Path("reports")


def write_report(storage: str | None, name: str, output: Path | None = None, *, now: datetime | None = None) -> Path:
    """Write the page about study `name` and return its path. The study may be running; the database is only read.

    The file appears whole or not at all: it is written beside its place and then renamed.

    Args:
        storage: A database's URL or file; ``None`` for the default database.
        name: The study's name.
        output: Where to; by default ``reports/<name>.html``. Folders that are missing are made.
        now: The moment the page is about, aware; by default the present one.

    Raises:
        NotFound: There is no such database or study.
        StorageError: The database cannot be read.
        BadInput: The file cannot be written there.
    """
    data = _read(storage, name)
    text = render(data, now=now or datetime.now(UTC))
    output = output or FOLDER / f"{_file_name(name)}.html"
    try:
        _write(output, text)
    except OSError as error:
        raise BadInput(
            f"The report cannot be written to {output}: {error.strerror}. Give another place with -o."
        ) from error
    return output


def _read(storage: str | None, name: str) -> ReportData:
    from nas.store.engine import DEFAULT, display_url, reading_from, storage_url

    url = storage_url(storage)
    with reading_from(url) as connection:
        # What NAS_STORAGE names is no default to a reader of the page, whose environment is another.
        return read(connection, name, None if url == storage_url(str(DEFAULT)) else display_url(url))


def _file_name(name: str) -> str:
    """Return `name` as a file name: a study made through Optuna may be called anything."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100].strip(".-") or "study"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
