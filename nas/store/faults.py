"""What a database driver complains about, as a sentence with the next thing to do. The one place that knows."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote, quote_plus

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import IntegrityError

from nas.errors import StorageError

_SENTENCES = (  # what SQLite says, in small letters, and what it means
    (
        "file is not a database",
        "{where} is not an SQLite database. Name another with --storage, or move the file away.",
    ),
    (
        "malformed",
        "{where} is damaged. Keep a copy, then try `sqlite3 {where} .recover | sqlite3 recovered.db` and use that one.",
    ),
    (
        "disk is full",
        "There is no space left on the disk of {where}. Nothing that was saved is lost: make room, then go on with "
        "`nas resume NAME`.",
    ),
    (
        "locked",
        "{where} is held by another process for longer than it is worth waiting for. "
        "Find it with `fuser {where}`, let it end, then try again.",
    ),
    (
        "readonly",
        "{where} cannot be written: the file, its folder or its disk is read-only. "
        "Change that, or name another database with --storage.",
    ),
    (
        "unable to open",
        "{where} cannot be opened: check that the file and its folder exist and may be read and written.",
    ),
    (
        "disk i/o error",
        "The disk of {where} reports an error. A network folder is no place for an SQLite database: "
        "move it to a local disk, or use PostgreSQL.",
    ),
    ("no such table", "{where} lacks tables of this package: it is another program's, or was changed by hand."),
)


def translate_errors(engine: Engine, where: str, secrets: Collection[str] | None) -> None:
    """Make `engine` raise `StorageError` for what goes wrong in its driver.

    A broken constraint stays SQLAlchemy's `IntegrityError`: callers know what it means. `where` names the database
    in messages, `secrets` are a server's passwords, which no message may show; ``None`` says that it is SQLite.
    """

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        if not context.is_pre_ping and not isinstance(context.sqlalchemy_exception, IntegrityError):
            error = context.original_exception
            told = explain_sqlite(error, where) if secrets is None else explain(error, where, secrets)
            raise StorageError(told) from error


def explain_sqlite(error: BaseException, where: str) -> str:
    """Return a sentence for people about `error`, which SQLite raised."""
    text = str(error).lower()
    for clue, sentence in _SENTENCES:
        if clue in text:
            return sentence.format(where=where)
    return explain(error, where)


def explain(error: BaseException, where: str, secrets: Collection[str] = ()) -> str:
    """Return a sentence for people about `error`, which a driver raised, without any of `secrets`."""
    text = " ".join(str(error).split())
    for secret in secrets:
        for written in (secret, quote(secret), quote_plus(secret)):
            text = text.replace(written, "***")
    return f"The database {where} cannot be used: {text}"
