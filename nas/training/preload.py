"""What every worker needs, imported once in the fork server: no TensorFlow operation may run here.

A fork of a process that has imported TensorFlow but run nothing starts in well under a second; importing it anew
takes ten times as long.
"""

import os

LOG = "NAS_FORK_SERVER_LOG"
"""The environment variable that names the file for what TensorFlow prints while it is imported."""

if LOG in os.environ:
    _file = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(_file, 1)
    os.dup2(_file, 2)
    os.close(_file)

import keras  # noqa: E402
import keras_tuner  # noqa: E402
import numpy  # noqa: E402
import tensorflow  # noqa: E402

import nas.training.worker  # noqa: E402

__all__ = ["keras", "keras_tuner", "nas", "numpy", "tensorflow"]
