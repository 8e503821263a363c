"""From a database to a file, which appears whole or not at all."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from nas.errors import BadInput
from nas.language import SOURCE, speaking
from nas.ranking import ranking_of
from nas.report import index
from nas.report.anonymous import anonymous
from nas.report.data import ReportData, read
from nas.report.formats import FORMATS
from nas.report.page import render, render_comparison, render_index
from nas.report.painter import begin
from nas.report.section import View

FOLDER = Path("reports")
STDOUT = Path("-")
Format: TypeAlias = Literal["html", "json", "md", "csv"]


def write_report(
    storage: str | None,
    name: str,
    output: Path | None = None,
    *,
    now: datetime | None = None,
    form: Format = "html",
    top: int | None = None,
    hide_names: bool = False,
    lang: str = SOURCE,
    every: int | None = None,
) -> Path:
    """Write the report of study `name` and return its path. The study may be running; the database is only read.

    The file is written beside its place and then renamed. A page in ``reports/`` is entered in the list there.

    Args:
        storage: A database's URL or file; ``None`` for the default database.
        name: The study's name.
        output: Where to; by default ``reports/<name>.html``. Folders that are missing are made. ``-`` is stdout.
        now: The moment the report is about, aware; by default the present one.
        form: The page, or the same as JSON, Markdown or CSV.
        top: Tell of so many architectures only.
        hide_names: Leave out names of studies, hosts and paths.
        lang: The language of page and Markdown, one of `nas.language.languages`; data are the same in all of them.
        every: Seconds between two writings: while the study runs the page reloads itself as often.

    Raises:
        NotFound: There is no such database or study.
        StorageError: The database cannot be read.
        BadInput: The file cannot be written there, or there is no such language.
    """
    if form == "html":
        begin()
    (data,) = _read(storage, [name])
    if hide_names:
        data = anonymous(data)
    now = now or datetime.now(UTC)
    output = output or FOLDER / f"{file_name(data.study.name)}.{form}"
    with speaking(lang):
        text = render(data, now=now, top=top, every=every) if form == "html" else FORMATS[form](View(data, now), top)
        _write(output, text)
        if form == "html" and not hide_names and output.parent.resolve() == FOLDER.resolve() and output.stem != "index":
            _list(View(data, now), output, storage)
    return output


def write_comparison(
    storage: str | None,
    names: Sequence[str],
    output: Path | None = None,
    *,
    now: datetime | None = None,
    lang: str = SOURCE,
) -> Path:
    """Write the page that compares the studies `names`, two or more; by default ``reports/comparison.html``.

    Raises:
        NotFound: There is no such database, or one of the studies is not in it.
        StorageError: The database cannot be read.
        BadInput: The file cannot be written there, or there is no such language.
    """
    begin()
    with speaking(lang):
        text = render_comparison(_read(storage, names), now=now or datetime.now(UTC))
    return _write(output or FOLDER / "comparison.html", text)


def write_index(
    storage: str | None, output: Path | None = None, *, now: datetime | None = None, lang: str = SOURCE
) -> Path:
    """Write the page that lists all studies of a database; by default ``reports/index.html``.

    Studies whose report lies beside it are links. What the list already says of other databases stays.

    Raises:
        NotFound: There is no such database.
        StorageError: The database cannot be read.
        BadInput: The file cannot be written there, or there is no such language.
    """
    from nas.store import queries
    from nas.store.engine import display_url, reading_from, storage_url

    output, now, entries = output or FOLDER / "index.html", now or datetime.now(UTC), []
    url = storage_url(storage)
    with reading_from(url) as connection:
        for study in queries.studies(connection):
            trials, evaluations = queries.trials(connection, study.id), queries.evaluations(connection, study.id)
            ranked = ranking_of(study, trials, evaluations)
            page = f"{file_name(study.name)}.html"
            file = page if (output.parent / page).is_file() else None
            entries.append(index.entry(study, ranked, database=display_url(url), now=now, file=file))
    others = [one for one in index.known(output) if one.database != display_url(url)]
    with speaking(lang):
        text = render_index(index.renewed(others, entries), now=now)
    return _write(output, text)


def _list(view: View, page: Path, storage: str | None) -> None:
    """Renew the entry of the study that `page` is about in the list beside it; all the others stay as they are."""
    from nas.store.engine import display_url, storage_url

    path = page.parent / "index.html"
    database = display_url(storage_url(storage))
    new = index.entry(view.data.study, view.ranked, database=database, now=view.now, file=page.name)
    _write(path, render_index(index.renewed(index.known(path), [new]), now=view.now))


def file_name(name: str) -> str:
    """Return `name` as a file name: a study made through Optuna may be called anything."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100].strip(".-") or "study"


def _read(storage: str | None, names: Sequence[str]) -> list[ReportData]:
    from nas.store.engine import DEFAULT, display_url, reading_from, storage_url

    url = storage_url(storage)
    # What NAS_STORAGE names is no default to a reader of the page, whose environment is another.
    shown = None if url == storage_url(str(DEFAULT)) else display_url(url)
    with reading_from(url) as connection:
        return [read(connection, name, shown) for name in names]


def _write(path: Path, text: str) -> Path:
    if path == STDOUT:
        sys.stdout.write(text)
        return path
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next((folder for folder in path.parents if folder.is_file()), path.parent)
        raise BadInput(
            f"The report cannot be written to {path}: there is a file {file} where its folder would be. Give another "
            "place with -o."
        ) from error
    except OSError as error:
        raise BadInput(
            f"The report cannot be written to {path}: {error.strerror}. Give another place with -o."
        ) from error
    return path
