"""What the commands `nas rank` and `nas report` do, for Python."""

from __future__ import annotations

from pathlib import Path

from nas.ranking import Ranked


def rank(name: str, storage: str | None = None) -> list[Ranked]:
    """Return the architectures of study `name`, best first.

    Args:
        name: The study's name.
        storage: URL or path of the database; the default is the one the commands use.

    Raises:
        NotFound: No such study, or no such database.
        StorageError: The database cannot be read.
    """
    from nas import ranking
    from nas.store import queries
    from nas.store.engine import reading_from, storage_url

    with reading_from(storage_url(storage)) as connection:
        study = queries.study(connection, name)
        trials, evaluations = queries.trials(connection, study.id), queries.evaluations(connection, study.id)
        return ranking.ranking_of(study, trials, evaluations)


def report(name: str, storage: str | None = None, output: str | Path | None = None, lang: str = "en") -> Path:
    """Write the report of study `name` in the language `lang` and return where it lies.

    That is `output`, or else ``reports/<name>.html``.

    Raises:
        NotFound: No such study, or no such database.
        StorageError: The database cannot be read.
        BadInput: The page cannot be written there; `UnknownName` where there is no such language.
    """
    from nas.report import write_report

    return write_report(storage, name, None if output is None else Path(output), lang=lang)
