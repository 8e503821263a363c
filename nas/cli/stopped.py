"""A command that writes files whole or not at all is told to stop: it deletes what is half written, and says so."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from nas.cli.output import Output
from nas.search.stopping import can_be_heard


@contextlib.contextmanager
def nothing_half(output: Output) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, by an exception that whoever writes cleans up after.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        SystemExit: One of the others, with 128 and its number.
    """
    received: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, hear) for number in can_be_heard("SIGTERM", "SIGHUP")}
    try:
        yield
    except KeyboardInterrupt:
        output.hint("Stopped: nothing was written.")
        if received:
            raise SystemExit(128 + received[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
