"""A worker: one conversation after another, until it is told to leave or nobody is there any more."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from nas.conversation import Alive, Channel, Close, Evaluate, Examine, Measure, Measured, Prepare, Prepared, Ready
from nas.pipe import PipeChannel
from nas.training.failure import failure

HEARTBEAT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told when it starts. `log` receives whatever it and its libraries print."""

    threads: int
    log: str


def main(connection: Connection, settings: WorkerSettings) -> None:
    """Be a worker at the other end of `connection`."""
    _leave_the_terminal()
    _redirect_output(Path(settings.log))
    _set_up_tensorflow(settings.threads)
    channel = PipeChannel(connection)
    threading.Thread(target=_beat, args=(channel,), daemon=True, name="heartbeat").start()
    with contextlib.suppress(EOFError):
        channel.send(Ready(os.getpid()))
        serve(channel)
    connection.close()
    os._exit(0)  # without the exit handlers of libraries that were forked, not started


def serve(channel: Channel) -> None:
    """Do what comes over `channel` until `Close`."""
    while not isinstance(order := channel.receive(), Close):
        try:
            match order:
                case Prepare():
                    from nas.data.options import DataSection
                    from nas.data.prepared import prepare

                    data = DataSection.model_validate_json(order.data)
                    card, notes = prepare(data, order.task, Path(order.folder), Path(order.base))
                    channel.send(Prepared(card, notes))
                case Evaluate():
                    from nas.training.evaluation import evaluate

                    channel.send(evaluate(order, channel))
                case Measure():
                    from nas.training.evaluation import time_candidates

                    channel.send(Measured(time_candidates(order)))
                case Examine():
                    from nas.training.examination import examine

                    channel.send(examine(order))
                case _:
                    raise ValueError(f"A worker that waits for work cannot do {order!r}.")
        except EOFError:
            raise
        except BaseException as error:
            channel.send(failure(error))


def _beat(channel: Channel) -> None:
    process = psutil.Process()
    pause = threading.Event()
    while True:
        try:
            channel.send(Alive(process.memory_info().rss))
        except EOFError:
            os.killpg(os.getpgrp(), signal.SIGKILL)  # the coordinator is gone: nothing may be left behind
        pause.wait(HEARTBEAT_SECONDS)


def _leave_the_terminal() -> None:
    """Be a process group of one's own, deaf to the terminal's Ctrl-C, that does not outlive its parent."""
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):
            os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):  # the fork server ignores them, and we are its child
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _redirect_output(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable(file=2)


def _set_up_tensorflow(threads: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # Rewriting a graph takes a quarter of a small candidate's first epoch and made no later one faster.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    gc.freeze()  # what is imported stays: clearing up after a trial need not look at it (0.2 s each time)
