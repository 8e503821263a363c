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
    """Hold one moment of the database that ``--storage`` means in view; SQLAlchemy is imported only now."""
    from nas.store.engine import reading_from, storage_url

    with reading_from(storage_url(storage)) as connection:
        yield connection


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
