"""Commands that read open the database here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from sqlalchemy import Connection


@contextmanager
def reading(storage: str | None) -> Iterator[Connection]:
    """Hold one moment of the database in view, and nothing else: no file is made, nothing is written.

    Raises:
        NotFound: There is no database.
        StorageError: It cannot be read.
    """
    from nas.store.engine import open_read_only, snapshot, storage_url

    engine = open_read_only(storage_url(storage))
    try:
        with snapshot(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def complete_name(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a study, for a shell."""
    from nas.errors import NASError
    from nas.store import queries

    try:
        with reading(context.params.get("storage")) as connection:
            names = [study.name for study in queries.studies(connection)]
    except NASError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
