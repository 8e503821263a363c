"""What every worker needs, imported once in the fork server: no TensorFlow operation may run here.

A fork of a process that has imported TensorFlow but run nothing starts in a tenth of a second; importing it anew
takes fifty times as long.
"""

import atexit
import contextlib
import os
import signal

LOG = "NAS_FORK_SERVER_LOG"
"""The environment variable that names the file for what TensorFlow prints while it is imported."""


def _be_a_fork_server(log: str) -> None:
    """Print to `log`, be deaf to signals meant for the coordinator, and take the workers along at the end."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):
            os.setsid()
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # This process leaves when the coordinator is gone, however that died.
    atexit.register(_end_workers)


def _end_workers() -> None:
    """Kill the workers' process groups: what candidates have started goes with them."""
    import psutil

    for worker in psutil.Process().children():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)


if LOG in os.environ:
    _be_a_fork_server(os.environ.pop(LOG))

import keras  # noqa: E402
import keras_tuner  # noqa: E402
import numpy  # noqa: E402
import tensorflow  # noqa: E402

import nas.data.prepared  # noqa: E402
import nas.training.evaluation  # noqa: E402
import nas.training.worker  # noqa: E402

__all__ = ["keras", "keras_tuner", "nas", "numpy", "tensorflow"]
