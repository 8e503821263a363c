"""Workers on this machine: forked from a server that has imported TensorFlow, recycled, and ended when they hang.

Whatever happens to a worker, the coordinator hears a message: a worker that dies or is ended while it works
is reported as `Failed` with what is known about its death.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType
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
    Order,
    Prepare,
    Prepared,
    Ready,
)
from nas.errors import NASError, plural
from nas.pipe import PipeChannel
from nas.search.pool.pool import Worker

RECYCLE_AFTER = 40
"""Evaluations after which a worker is replaced: TensorFlow keeps 5 to 25 MB of each."""
GROWTH_BYTES = 600 << 20
"""Memory a worker may gain before it is replaced, between evaluations."""
START_SECONDS = 180.0
"""How long the fork server may take to import TensorFlow on a busy machine."""
STARTS = 3
"""So many workers in a row that die before they are ready end the study: there is something wrong with the machine."""
FORK_SERVER_GONE = 255
"""The exit code `multiprocessing` gives a worker whose own one nobody is left to tell."""
FORK_SERVER_LOG = "fork-server.log"
MEMORY_SHARE = 0.85
"""The share of the memory there is that all workers together may use."""


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


@dataclass(slots=True)
class LocalWorker:
    """One worker process, as the coordinator sees it."""

    process: Any
    channel: PipeChannel
    log: Path
    busy: bool = True  # until it says Ready
    ready: bool = False
    orders: int = 0
    deadline: float = START_SECONDS
    limit: str = ""
    since: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    rss: int = 0
    first_rss: int = 0
    log_start: int = 0

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        pid: int = self.process.pid
        return pid

    def send(self, order: Order) -> None:
        """Hand `order` over; a worker that is gone is noticed by `LocalPool.messages`."""
        with contextlib.suppress(EOFError):
            self.channel.send(order)


class LocalPool:
    """Keeps `settings.workers` workers alive and passes on what they say.

    Use as a context manager: no worker outlives it.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._context = _context()
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
        worker.log_start = _size(worker.log)
        worker.send(order)

    def end(self, worker: LocalWorker) -> None:
        """Kill `worker` and everything it started, without a message, and start another one."""
        self._kill(worker)
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
                self._kill(worker)
            else:
                worker.send(Close())
        deadline = time.monotonic() + patience
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            self._kill(worker)
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
            self._kill(worker)
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
                    f"{verdict.traceback or _text(worker.log.with_name(FORK_SERVER_LOG))}"
                )
        self._kill(worker)
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
            return Failed("timeout", message, _tail(worker))
        if not worker.ready:
            return None
        if now - worker.heard > settings.silence:
            message = f"The worker gave no sign of life for {settings.silence:g} s (limits.silence_seconds)."
            return Failed("timeout", message, _tail(worker))
        if worker.rss > self._memory_limit:
            sharing = plural(self._settings.workers, "worker shares", "workers share")
            each = f"{self._memory_limit >> 20} MiB each"
            message = f"The worker grew to {worker.rss >> 20} MiB; {sharing} this machine, {each}."
            return Failed("oom", message, _tail(worker))
        return None

    def _cause_of_death(self, worker: LocalWorker, error: Exception) -> Failed:
        if isinstance(error, ValueError):
            return Failed("crash", f"The worker said something that is no message: {error}", _tail(worker))
        worker.process.join(5.0)
        code = worker.process.exitcode
        if code == FORK_SERVER_GONE:
            return Failed("killed", "The worker was ended together with the fork server.", _tail(worker))
        kills, self._oom_kills = self._oom_kills, _oom_kills()
        if code == -signal.SIGKILL and self._oom_kills > kills:
            return Failed("oom", "The kernel ended the worker: the machine had run out of memory.", _tail(worker))
        if code is not None and code < 0:
            name = _signal_name(-code)
            kind: Any = "killed" if -code in (signal.SIGKILL, signal.SIGTERM) else "crash"
            return Failed(kind, f"The worker was ended by {name}.", _tail(worker))
        return Failed("crash", f"The worker left with exit code {code} and no result.", _tail(worker))

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

    @staticmethod
    def _kill(worker: LocalWorker) -> None:
        """End the process group: what a candidate's code has started goes with it."""
        for end in (os.killpg, os.kill) if hasattr(os, "killpg") else (os.kill,):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(worker.pid, signal.SIGKILL)
        worker.process.join(5.0)


def start_worker(context: BaseContext, log: Path, *, threads: int) -> LocalWorker:
    """Start a worker process; it is of use once it has said `Ready`."""
    from nas.training.worker import WorkerSettings, main

    ours, theirs = context.Pipe()
    settings = WorkerSettings(threads=threads, log=str(log))
    process = context.Process(target=main, args=(theirs, settings), name="nas-worker", daemon=True)  # type: ignore[attr-defined]
    log.parent.mkdir(parents=True, exist_ok=True)
    with _main_module_hidden(), _environment(threads, log.with_name(FORK_SERVER_LOG)):
        process.start()
    theirs.close()
    return LocalWorker(process, PipeChannel(ours), log)


def _context() -> BaseContext:
    """Return how processes are started: forked from a server with TensorFlow imported, or spawned where none forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nas.training.preload"])
    return context


def _threads(workers: int) -> int:
    return max(1, machine.cores() // workers)


@contextlib.contextmanager
def _environment(threads: int, log: Path) -> Iterator[None]:
    """What the fork server inherits when it is started: BLAS reads its threads once, when it is imported."""
    ours = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    ours["TF_CPP_MIN_LOG_LEVEL"] = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")
    ours["NAS_FORK_SERVER_LOG"] = str(log)
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep `multiprocessing` from running the caller's script once more in every worker: none of it is needed there."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _tail(worker: LocalWorker, characters: int = 4000) -> str:
    """Return the end of what `worker` printed since its last order: a segmentation fault's stack, for one."""
    try:
        with worker.log.open("rb") as file:
            file.seek(max(worker.log_start, _size(worker.log) - 10 * characters))
            lines = file.read().decode(errors="replace").splitlines()
            # The fault handler ends with the names of all extension modules: thousands of characters, of use to nobody.
            kept = "\n".join(line for line in lines if not line.startswith("Extension modules:"))
            return kept.strip()[-characters:]
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _oom_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory: on this machine, and in this container."""
    found = 0
    for counters in (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")):
        found += sum(int(line.split()[1]) for line in _text(counters).splitlines() if line.startswith("oom_kill "))
    return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
