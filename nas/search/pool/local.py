"""Workers on this machine: forked from a server that has imported TensorFlow, recycled, and ended when they hang.

Whatever happens to a worker, the coordinator hears a message: a worker that dies or is ended while it works
is reported as `Failed` with what is known about its death.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from nas import machine
from nas.conversation import (
    Alive,
    Close,
    Evaluate,
    Examine,
    Examined,
    Failed,
    Finished,
    Measure,
    Measured,
    Message,
    Prepare,
    Prepared,
    Ready,
)
from nas.errors import NASError, plural
from nas.search.pool.pool import Worker
from nas.search.pool.process import (
    FORK_SERVER_LOG,
    LocalWorker,
    process_context,
    signal_name,
    size,
    start_worker,
    text_of,
)

RECYCLE_AFTER = 40
"""Evaluations after which a worker is replaced: TensorFlow keeps 5 to 25 MB of each."""
GROWTH_BYTES = 600 << 20
"""Memory a worker may gain before it is replaced, between evaluations."""
STARTS = 3
"""So many workers in a row that die before they are ready end the study: there is something wrong with the machine."""
FORK_SERVER_GONE = 255
"""The exit code `multiprocessing` gives a worker whose own one nobody is left to tell."""
MEMORY_SHARE = 0.85
"""The share of the memory there is that all workers together may use."""
LEAST_MEMORY = 512 << 20
"""What a worker needs at least: 260 MiB as it starts, 340 MiB with a tiny model, and then there are the data."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many workers, and when one is given up.

    deadline: wall-clock seconds for one order; silence: seconds without even a heartbeat; threads: of one worker, by
    default its share of the cores.
    """

    workers: int
    deadline: float
    silence: float
    logs: Path
    threads: int | None = None


class LocalPool:
    """Keeps `settings.workers` workers alive and passes on what they say.

    Use as a context manager: no worker outlives it.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._context = process_context()
        self._workers: list[LocalWorker] = []
        self._started = 0
        self._memory_limit = int(machine.total_memory() * MEMORY_SHARE / settings.workers)
        self._failed_starts = 0
        self._oom_kills = _oom_kills()

    def __enter__(self) -> LocalPool:
        try:
            while len(self._workers) < self._settings.workers:
                self._start()
        except BaseException:
            self.close()  # of a context that is not entered nobody else ends what has been started
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def idle(self) -> list[LocalWorker]:
        """Workers that wait for an order."""
        return [worker for worker in self._workers if not worker.busy]

    def give(self, worker: Worker, order: Evaluate | Prepare | Measure | Examine) -> None:
        """Give an idle `worker` something to do; the deadline starts now."""
        assert isinstance(worker, LocalWorker)
        worker.busy = True
        worker.orders += 1
        worker.deadline, worker.limit = self._settings.deadline, ""
        if isinstance(order, Evaluate):
            worker.limit = " (limits.trial_seconds)"
        elif not isinstance(order, Measure):
            # Data may have to be downloaded first: that is no trial's fault, and who waits can press Ctrl-C.
            worker.deadline = math.inf
        worker.since = worker.heard = time.monotonic()
        worker.log_start = size(worker.log)
        worker.send(order)

    def end(self, worker: LocalWorker) -> None:
        """Kill `worker` and everything it started, without a message, and start another one."""
        worker.kill()
        self._replace(worker)

    def messages(self, timeout: float) -> Iterator[tuple[LocalWorker, Message]]:
        """Wait at most `timeout` seconds for something to be said, then yield all that was."""
        handles = [
            handle for worker in self._workers for handle in (worker.channel.connection, worker.process.sentinel)
        ]
        wait(handles, timeout)
        for worker in list(self._workers):
            yield from self._listen(worker)

    def close(self, patience: float = 3.0) -> None:
        """End every worker: an idle one leaves by itself, a busy one is killed at once."""
        for worker in self._workers:
            if worker.busy:
                worker.kill()
            else:
                worker.send(Close())
        deadline = time.monotonic() + patience
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.kill()
            worker.channel.close()
        self._workers.clear()

    def _listen(self, worker: LocalWorker) -> Iterator[tuple[LocalWorker, Message]]:
        """Yield what `worker` said; judge it if it is dead, silent, late or too big."""
        try:
            while (message := worker.channel.receive(timeout=0)) is not None:
                worker.heard = time.monotonic()
                match message:
                    case Alive(rss):
                        worker.rss = rss
                        worker.first_rss = worker.first_rss or rss
                    case Ready():
                        self._failed_starts = 0
                        worker.busy, worker.ready = False, True
                    case Finished() | Failed() | Prepared() | Measured() | Examined():
                        gone = self._rest(worker)  # first: whoever listens may not come back for more
                        yield worker, message
                        if gone:
                            return
                    case _:
                        yield worker, message
        except (EOFError, ValueError) as error:
            yield from self._bury(worker, self._cause_of_death(worker, error))
            return
        if (verdict := self._verdict(worker)) is not None:
            worker.kill()
            yield from self._bury(worker, verdict)

    def _rest(self, worker: LocalWorker) -> bool:
        """An order is done: let the worker wait, or replace it if it has grown old or fat. Tell whether it is gone."""
        worker.busy = False
        worn = worker.orders >= RECYCLE_AFTER or worker.rss - worker.first_rss > GROWTH_BYTES
        if worn:
            self.end(worker)
        return worn

    def _bury(self, worker: LocalWorker, verdict: Failed) -> Iterator[tuple[LocalWorker, Message]]:
        was_working = worker.busy and worker.ready
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                raise NASError(
                    f"{STARTS} workers in a row did not start. {verdict.message} Try `nas doctor --deep`.\n"
                    f"{verdict.traceback or text_of(worker.log.with_name(FORK_SERVER_LOG))}"
                )
        worker.kill()
        self._replace(worker)
        if was_working:
            yield worker, verdict

    def _verdict(self, worker: LocalWorker) -> Failed | None:
        """Return why `worker` has to be ended now, if it has to."""
        if not worker.busy:
            return None
        now, settings = time.monotonic(), self._settings
        if now - worker.since > worker.deadline:
            what = "The trial" if worker.limit else "It"
            message = f"{what} took longer than {worker.deadline:g} s{worker.limit}."
            if not worker.ready:
                message = f"It did not say that it is ready within {worker.deadline:g} s."
            return Failed("timeout", message, worker.said())
        if not worker.ready:
            return None
        if now - worker.heard > settings.silence:
            message = f"The worker gave no sign of life for {settings.silence:g} s (limits.silence_seconds)."
            return Failed("timeout", message, worker.said())
        if worker.rss > self._memory_limit:
            sharing = plural(self._settings.workers, "worker shares", "workers share")
            each = f"{self._memory_limit >> 20} MiB each"
            message = f"The worker grew to {worker.rss >> 20} MiB; {sharing} this machine, {each}."
            return Failed("oom", message, worker.said())
        return None

    def _cause_of_death(self, worker: LocalWorker, error: Exception) -> Failed:
        if isinstance(error, ValueError):
            return Failed("crash", f"The worker said something that is no message: {error}", worker.said())
        worker.process.join(5.0)
        code = worker.process.exitcode
        if code == FORK_SERVER_GONE:
            return Failed("killed", "The worker was ended together with the fork server.", worker.said())
        kills, self._oom_kills = self._oom_kills, _oom_kills()
        if code == -signal.SIGKILL and self._oom_kills > kills:
            return Failed("oom", "The kernel ended the worker: the machine had run out of memory.", worker.said())
        if code is not None and code < 0:
            name = signal_name(-code)
            kind: Any = "killed" if -code in (signal.SIGKILL, signal.SIGTERM) else "crash"
            return Failed(kind, f"The worker was ended by {name}.", worker.said())
        return Failed("crash", f"The worker left with exit code {code} and no result.", worker.said())

    def _start(self) -> None:
        self._started += 1
        log = self._settings.logs / f"worker-{self._started}.log"
        threads = self._settings.threads or _threads(self._settings.workers)
        for _ in range(STARTS):
            try:
                worker = start_worker(self._context, log, threads=threads)
            except (EOFError, OSError) as error:
                failure = error  # the fork server is dying: the next try starts another one
            else:
                self._workers.append(worker)
                return
        raise NASError(f"No worker process can be started: {failure}. Try `nas doctor --deep`.")

    def _replace(self, worker: LocalWorker) -> None:
        worker.channel.close()
        self._workers.remove(worker)
        self._start()


def share_machine(workers: int) -> tuple[int, str | None]:
    """Return how many of so many `workers` there is memory for, and what a person should know about their number."""
    memory, cores = machine.total_memory(), machine.cores()
    fitting = max(1, int(memory * MEMORY_SHARE) // LEAST_MEMORY)
    asked, of_cores = f"search.workers = {workers}", plural(cores, "core")
    if workers > fitting:
        return fitting, (
            f"{asked}, and this machine has {memory / 2**30:.1f} GiB of memory and {of_cores}. A worker needs "
            f"{LEAST_MEMORY >> 20} MiB at least: {plural(fitting, 'is', 'are')} started."
        )
    if workers > cores:
        return workers, f"{asked}, and this machine has {of_cores}: more workers than cores are hardly faster."
    return workers, None


def _threads(workers: int) -> int:
    return max(1, machine.cores() // workers)


def _oom_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory: on this machine, and in this container."""
    found = 0
    for counters in (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")):
        found += sum(int(line.split()[1]) for line in text_of(counters).splitlines() if line.startswith("oom_kill "))
    return found
