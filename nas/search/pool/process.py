"""One worker process: how it is started, spoken to and ended, and what it leaves behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType
from typing import Any

from nas.conversation import Order
from nas.pipe import PipeChannel

START_SECONDS = 180.0
"""How long the fork server may take to import TensorFlow on a busy machine."""
FORK_SERVER_LOG = "fork-server.log"


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

    def kill(self) -> None:
        """End the process group: what a candidate's code has started goes with it."""
        for end in (os.killpg, os.kill) if hasattr(os, "killpg") else (os.kill,):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)
        self.process.join(5.0)

    def said(self, characters: int = 4000) -> str:
        """Return the end of what it printed since its last order: a segmentation fault's stack, for one."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log_start, size(self.log) - 10 * characters))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        # The fault handler ends with the names of all extension modules: thousands of characters, of use to nobody.
        kept = "\n".join(line for line in lines if not line.startswith("Extension modules:"))
        return kept.strip()[-characters:]


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


def process_context() -> BaseContext:
    """Return how processes are started: forked from a server with TensorFlow imported, or spawned where none forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nas.training.preload"])
    return context


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


def size(log: Path) -> int:
    """Return the size of a log in bytes, 0 where there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def text_of(path: Path) -> str:
    """Return what a file says, or nothing where there is none."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def signal_name(number: int) -> str:
    """Return what a signal is called."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
