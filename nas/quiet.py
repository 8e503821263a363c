"""What TensorFlow, converters and runtimes print of themselves is nobody's data."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Throw away whatever this process prints meanwhile, libraries in C++ as well; not with ``NAS_DEBUG=1``."""
    if os.environ.get("NAS_DEBUG", "") not in ("", "0"):
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    with tempfile.TemporaryFile() as nowhere:
        try:
            for number, _ in kept:
                os.dup2(nowhere.fileno(), number)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, was in kept:
                os.dup2(was, number)
                os.close(was)
