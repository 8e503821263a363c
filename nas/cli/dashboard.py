"""``dashboard``: optuna-dashboard on a study, for looking only, for this machine only."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nas.cli.database import complete_name, reading
from nas.cli.numbers import WholeNumber
from nas.cli.output import Output, storage_option, talk_options
from nas.errors import BadInput

if TYPE_CHECKING:
    from nas.cli.serving import Application
    from nas.store.storage import StudyStorage


@click.command()
@click.argument("name", required=False, shell_complete=complete_name)
@click.option("--port", type=WholeNumber(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@storage_option
@talk_options
@click.pass_obj
def dashboard(output: Output, name: str | None, port: int, storage: str | None) -> None:
    """Look at studies in optuna-dashboard, on this machine.

    It serves 127.0.0.1 only, and nothing in it can be changed. Of an SQLite database it serves a copy taken when
    the command starts, so that an open page never holds up a study that is running; start it again for a newer one.

    \b
    Example:
        nas dashboard digits --port 8090
    """
    from nas.cli.serving import HOST, read_only, serving

    app_of = _dashboard()
    page = _page(storage, name)
    with _storage(storage) as store, serving(port) as server:
        address = f"http://{HOST}:{server.server_port}"
        server.set_app(read_only(app_of(store), server.server_port))
        click.echo(f"{address}{page}")
        output.hint("Ctrl-C ends it.")
        server.serve_forever()


def _dashboard() -> Callable[[StudyStorage], Application]:
    try:
        from optuna_dashboard import wsgi  # type: ignore[import-untyped]
    except ImportError:
        raise BadInput(
            'nas dashboard needs optuna-dashboard, which is not installed: pip install "encoder-nas[dashboard]". '
            "`nas report NAME` needs nothing else."
        ) from None
    return wsgi  # type: ignore[no-any-return]


def _page(storage: str | None, name: str | None) -> str:
    """Return the path of the page of study `name`, or of all studies."""
    from nas.store import queries

    with reading(storage) as connection:
        return "/dashboard/" if name is None else f"/dashboard/studies/{queries.study(connection, name).id}"


@contextmanager
def _storage(storage: str | None) -> Iterator[StudyStorage]:
    """Hold the storage to serve: a copy of an SQLite database, or the server's own."""
    from nas.store.engine import sqlite_path, storage_url
    from nas.store.storage import StudyStorage

    url = storage_url(storage)
    path = sqlite_path(url)
    if path is None:
        yield StudyStorage(url)
        return
    with tempfile.TemporaryDirectory(prefix="nas-dashboard-") as folder:
        copy = Path(folder) / "copy.db"
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(copy)) as target,
        ):
            live.backup(target)
        yield StudyStorage(f"sqlite:///{copy}")
