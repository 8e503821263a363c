"""How far a long loop over the data has come, for whoever wants to show it.

A source goes through its files with ``for path in track(paths, "images")``. By default that is the plain loop; the
command line puts a progress bar around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Tracker: TypeAlias = Callable[[Iterable[Any], str, int | None], Iterable[Any]]
"""``(items, what they are, how many) -> the same items``."""


def _plain(items: Iterable[Any], what: str, total: int | None) -> Iterable[Any]:
    return items


_tracker: ContextVar[Tracker] = ContextVar("tracker", default=_plain)


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """Return `items`, watched by whoever has asked to. `what` is their plural noun, `total` their number if known."""
    return _tracker.get()(items, what, total)


@contextmanager
def tracked_by(tracker: Tracker) -> Iterator[None]:
    """Let `tracker` watch every loop that is gone through in this block, by this thread."""
    token = _tracker.set(tracker)
    try:
        yield
    finally:
        _tracker.reset(token)
