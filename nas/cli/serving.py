"""A web server for this machine only, of pages to look at."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from nas.errors import Conflict

HOST = "127.0.0.1"

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


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
def serving(port: int) -> Iterator[WSGIServer]:
    """Hold a server of this machine alone; port 0 is a free one.

    Raises:
        Conflict: The port cannot be had.
    """
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
