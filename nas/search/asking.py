"""One question to one worker, outside any training: give it an order, wait for the one answer."""

from __future__ import annotations

from nas.conversation import Examine, Examined, Failed, Measure, Measured
from nas.errors import Interrupted, NASError
from nas.search.pool.pool import TRIES, Pool
from nas.search.stopping import StopSignals


def ask(pool: Pool, order: Measure | Examine, signals: StopSignals | None = None) -> Measured | Examined:
    """Return the answer to `order`. A worker that was killed is replaced, and asked again.

    Raises:
        NASError: It cannot be done.
        Interrupted: Somebody asked to stop meanwhile.
    """
    given, tries = False, 1
    while True:
        if signals is not None and signals.received is not None:
            raise Interrupted("Stopped. What had been trained by then is saved.", signals.exit_code)
        if not given and pool.idle:
            pool.give(pool.idle[0], order)
            given = True
        for _, message in pool.messages(timeout=0.2):
            match message:
                case Measured() | Examined():
                    return message
                case Failed(kind="killed") if tries < TRIES:
                    tries, given = tries + 1, False
                case Failed():
                    raise NASError(message.message)
