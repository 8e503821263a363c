"""What is done now and then while a study is held, by whoever runs its rounds several times a second."""

from __future__ import annotations

import time

WRITE_SECONDS = 1.0
"""What is seen from elsewhere is no older than that."""
RENEW_SECONDS = 10.0
"""Well within the minute after which a holder that says nothing is taken for dead by other hosts."""
SHOW_SECONDS = 0.25


class Every:
    """Says, when it is asked, whether `seconds` have gone by since it last said so, or was told that it was done.

    The first time is `at_once`, or after as many seconds.
    """

    def __init__(self, seconds: float, *, at_once: bool = False) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + (0.0 if at_once else seconds)

    def is_due(self) -> bool:
        """Tell whether it is time; if so, the next time is `seconds` away."""
        due = time.monotonic() >= self._next
        if due:
            self.done()
        return due

    def done(self) -> None:
        """It has been done just now, whether it was time or not."""
        self._next = time.monotonic() + self._seconds
