"""Workers that only pretend: for tests, for benchmarks, and for strategies tried on tabulated spaces.

What a worker would say is a generator: it yields reports and is sent the coordinator's answers.

Example:
    >>> def candidate(order):
    ...     x = (yield Ask("x", Distribution("float", low=0.0, high=1.0), 0.5)).value
    ...     yield Built(Architecture(fingerprint=str(x), graph=(), cost=Cost()), training={})
    ...     yield Epoch(1, {"val_accuracy": x}, seconds=1.0)
    ...     yield Finished({})
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from nas.conversation import (
    Alive,
    Continue,
    Evaluate,
    Examine,
    Failed,
    Finished,
    Measure,
    Message,
    Order,
    Prepare,
    Report,
    Skip,
    Stop,
    Train,
    Value,
)
from nas.search.pool.pool import Worker

Script: TypeAlias = Generator[Report, Order, None]
Candidate: TypeAlias = Callable[[Evaluate], Script]


@dataclass(slots=True)
class SimulatedWorker:
    """A worker whose sentences come from a script."""

    pid: int
    script: Script | None = None
    answers: deque[Order] = field(default_factory=deque)
    said: Report | None = None

    def send(self, order: Order) -> None:
        """Take an answer."""
        self.answers.append(order)


class SimulatedPool:
    """`workers` pretended workers, each saying one sentence a round.

    A script ends with `Finished` or `Failed`; one that was told to skip or stop is ended for it, as a worker would.
    """

    def __init__(self, candidate: Candidate, workers: int = 1) -> None:
        self._candidate = candidate
        self._workers = [SimulatedWorker(pid) for pid in range(1, workers + 1)]

    @property
    def idle(self) -> list[SimulatedWorker]:
        """Workers without a script."""
        return [worker for worker in self._workers if worker.script is None]

    def give(self, worker: Worker, order: Evaluate | Prepare | Measure | Examine) -> None:
        """Start a script."""
        assert isinstance(worker, SimulatedWorker)
        assert isinstance(order, Evaluate)
        worker.script, worker.said = self._candidate(order), None
        worker.answers.clear()

    def messages(self, timeout: float) -> Iterator[tuple[Worker, Message]]:
        """Let every worker say its next sentence; there is nothing to wait for."""
        for worker in self._workers:
            if worker.script is not None:
                report = self._next(worker)
                worker.said = report
                if isinstance(report, Alive):
                    continue  # a round in which nothing happens
                if isinstance(report, Finished | Failed):
                    worker.script = None  # first: whoever listens may not come back for more
                yield worker, report

    def _next(self, worker: SimulatedWorker) -> Report:
        assert worker.script is not None
        if worker.said is None or isinstance(worker.said, Alive):
            return next(worker.script)
        answer = worker.answers.popleft()
        if isinstance(answer, Skip | Stop):
            return Finished({})
        assert isinstance(answer, Value | Train | Continue)
        return worker.script.send(answer)
