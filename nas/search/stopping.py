"""Ctrl-C and SIGTERM: once to finish the running epochs and save, twice to stop at once, three times to let go."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

ORDERLY_EXIT = {signal.SIGINT: 130, signal.SIGTERM: 6}
AT_ONCE_EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143}


def can_be_heard(*names: str) -> list[signal.Signals]:
    """Return those of the signals `names` that can be listened to.

    In another thread than the main one Python lets nobody listen. A SIGHUP that is ignored already stays so: whoever
    wrote ``nohup`` wants to leave the terminal.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    there = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [each for each in there if each.name != "SIGHUP" or signal.getsignal(each) != signal.SIG_IGN]


class StopSignals:
    """Listens to SIGINT, SIGTERM and SIGHUP, if they `can_be_heard`, while a study runs; then as it was before.

    The handler only takes note: raising from it could tear a transaction in two, and the terminal it could print on
    may be what is gone. Whoever works looks here several times a second.

    Attributes:
        received: The first signal, or ``None``.
        at_once: Whether there was a second.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None
        self.at_once = False

    def __enter__(self) -> StopSignals:
        for number in can_be_heard("SIGINT", "SIGTERM", "SIGHUP"):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> str | None:
        """Why the study is to stop, or ``None``."""
        if self.received is None:
            return None
        return "Ctrl-C" if self.received == signal.SIGINT else self.received.name

    @property
    def exit_code(self) -> int:
        """The exit code that goes with what was received."""
        first = signal.SIGTERM if self.received != signal.SIGINT else signal.SIGINT
        return (AT_ONCE_EXIT if self.at_once else ORDERLY_EXIT)[first]

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
        elif not self.at_once:
            self.at_once = True
        else:
            os._exit(128 + number)  # the fork server and the workers notice and leave
