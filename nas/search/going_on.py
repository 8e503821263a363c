"""How to go on when a session ends because there is no room left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nas.errors import DiskFull


@contextmanager
def going_on_with(command: Callable[[], str]) -> Iterator[None]:
    """Let a full disk be told with the `command` that goes on, as it is then."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull(error.whose, error.folder, command()) from None
