"""Charts become SVG in a process beside this one.

The engine that draws (V8, inside of vl-convert) takes half a second to begin and keeps Python waiting for each chart.
In a process of its own it begins while the database is read and draws while the page is written.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from nas.errors import NASError

# Line by line: a specification comes, and what was drawn or why it was not goes. It ends when nobody asks any more.
_DRAW = """
import json, sys
from vl_convert import vegalite_to_svg
for line in sys.stdin:
    try:
        answer = {"svg": vegalite_to_svg(json.loads(line))}
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
"""
_FIRST = {"data": {"values": []}, "mark": "point"}


class DrawingError(NASError):
    """A chart cannot be drawn."""


def begin() -> None:
    """Begin to load the engine: whoever knows that there will be charts calls this before anything else."""
    _painter()


def paint(spec: Mapping[str, Any]) -> Future[str]:
    """Return the SVG, to come, of a chart as Vega-Lite has it; asking for it raises `DrawingError`, of a bad chart."""
    return _painter().paint(spec)


class _Painter:
    """The process, and a thread that hands it one chart after the other."""

    def __init__(self) -> None:
        # -P: what lies in the folder where this was started must not be taken for a module. In a session of its own
        # it does not hear of Ctrl-C, and ends when its questions do.
        command = [sys.executable, "-P", "-c", _DRAW]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="painter")
        self.paint(_FIRST)

    def paint(self, spec: Mapping[str, Any]) -> Future[str]:
        return self._thread.submit(self._ask, spec)

    def _ask(self, spec: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(spec) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            status = self._process.wait()
            _painter.cache_clear()
            raise DrawingError(
                f"The process that draws the charts ended with status {status}: if it says nothing above, look for "
                "memory that ran out, then write the report again."
            )
        answer: dict[str, str] = json.loads(line)
        if "error" in answer:
            raise DrawingError(f"A chart of the report cannot be drawn: {answer['error']}")
        return answer["svg"]

    def end(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._process.communicate()


@cache
def _painter() -> _Painter:
    painter = _Painter()
    atexit.register(painter.end)
    return painter


def _forget() -> None:
    """Leave the painter to the parent: a child would read the answers to what that asked, and wait for it to end."""
    if _painter.cache_info().currsize:
        atexit.unregister(_painter().end)
    _painter.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
