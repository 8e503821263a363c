"""``dashboard``: optuna-dashboard on a study, for looking only, for this machine only."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from nas.cli.database import complete_name, reading
from nas.cli.output import Output, storage_option, talk_options
from nas.errors import BadInput, Conflict

if TYPE_CHECKING:
    from nas.store.storage import StudyStorage

HOST = "127.0.0.1"

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@click.command()
@click.argument("name", required=False, shell_complete=complete_name)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
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
    app_of = _dashboard()
    page = _page(storage, name)
    with _storage(storage) as store, _server(port) as server:
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


def read_only(app: Application, port: int) -> Application:
    """Return `app` refusing whatever is not a look, and whatever was not asked of this machine by name.

    The second keeps a web page elsewhere from reading the dashboard through a host name of its own that it has
    made to point here (DNS rebinding).
    """
    hosts = {f"{host}:{port}" for host in (HOST, "localhost")} | ({HOST, "localhost"} if port == 80 else set())

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in hosts:
            reason = f"This dashboard answers to {HOST} only."
        elif environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            reason = "This dashboard is for looking only: studies are changed with nas."
        else:
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [reason.encode()]

    return guarded


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _server(port: int) -> Iterator[WSGIServer]:
    try:
        server = make_server(HOST, port, _nothing, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise Conflict(f"Port {port} of {HOST} cannot be had: {error.strerror}. Choose another with --port.") from None
    with server:
        yield server


def _nothing(environ: object, start_response: object) -> list[bytes]:
    return []
