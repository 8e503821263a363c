"""One question to one worker, outside any training: give it an order, wait for the one answer."""

from __future__ import annotations

from collections.abc import Callable

from nas.conversation import Examine, Examined, Failed, Measure, Measured, Prepare, Prepared
from nas.errors import Interrupted, NASError
from nas.search.pool.pool import TRIES, Pool, Worker
from nas.search.rhythm import RENEW_SECONDS, Every
from nas.search.stopping import StopSignals


class CannotBeDone(NASError):
    """What a worker answered: it tried, and why it failed. A pool without workers raises something else."""

    def __init__(self, failed: Failed) -> None:
        self.kind = failed.kind
        super().__init__(failed.message)


def ask(
    pool: Pool,
    order: Prepare | Measure | Examine,
    signals: StopSignals | None = None,
    *,
    stopped: str = "Stopped.",
    renew: Callable[[], None] = lambda: None,
) -> Prepared | Measured | Examined:
    """Return the answer to `order`. A worker that was killed is replaced and asked again: it was not the order's fault.

    Args:
        pool: Workers.
        order: What to do.
        signals: Asked whether somebody wants to stop.
        stopped: What is said then.
        renew: Called every ten seconds meanwhile: who holds a study has to say that it lives.

    Raises:
        CannotBeDone: The worker tried and failed.
        NASError: There is no worker that could try.
        Interrupted: Somebody asked to stop meanwhile.
    """
    given, tries, renewing = False, 1, Every(RENEW_SECONDS)
    while True:
        if renewing.is_due():
            renew()
        if signals is not None and signals.received is not None:
            raise Interrupted(stopped, signals.exit_code)
        if not given and pool.idle:
            pool.give(pool.idle[0], order)
            given = True
        for _, message in pool.messages(timeout=0.2):
            match message:
                case Prepared() | Measured() | Examined():
                    return message
                case Failed(kind="killed") if tries < TRIES:
                    tries, given = tries + 1, False
                case Failed():
                    raise CannotBeDone(message)


def an_idle(pool: Pool) -> Worker:
    """Return a worker that waits for an order, as soon as there is one."""
    while not pool.idle:
        for _ in pool.messages(timeout=0.2):
            pass
    return pool.idle[0]
