"""What a coordinator needs of a place where workers live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from nas.conversation import Evaluate, Examine, Measure, Message, Order, Prepare

TRIES = 3
"""How often a training whose worker was killed is tried again without having come one epoch further."""


class Worker(Protocol):
    """One worker, as the coordinator sees it."""

    @property
    def pid(self) -> int:
        """What tells this worker from the others, for as long as it lives."""

    def send(self, order: Order) -> None:
        """Hand `order` over; never fails: a worker that is gone is reported by `Pool.messages`."""


class Pool(Protocol):
    """Keeps workers at hand. A worker that dies while it works is reported as `Failed` on its behalf."""

    @property
    def idle(self) -> Sequence[Worker]:
        """Workers that wait for something to do."""

    def give(self, worker: Worker, order: Evaluate | Prepare | Measure | Examine) -> None:
        """Give an idle `worker` something to do."""

    def messages(self, timeout: float) -> Iterator[tuple[Worker, Message]]:
        """Wait at most `timeout` seconds for something to be said, then yield all that was."""
