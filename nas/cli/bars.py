"""A progress bar for whoever waits more than two seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from nas.data.progress import Tracker

PATIENCE = 2.0
"""Seconds before a progress bar is shown."""


def bars(console: Console) -> Tracker:
    """Return what shows a progress bar on `console` for a loop that takes longer than `PATIENCE`."""

    def track(items: Iterable[Any], what: str, total: int | None) -> Iterator[Any]:
        from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

        begun, bar = time.monotonic(), None
        with contextlib.ExitStack() as shown:
            for done, item in enumerate(items, start=1):
                yield item
                if bar is None and time.monotonic() - begun > PATIENCE:
                    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
                    bar = shown.enter_context(Progress(*columns, console=console, transient=True))
                    bar.add_task(f"Reading {what}", total=total)
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=done)

    return track
