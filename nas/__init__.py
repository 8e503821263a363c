"""Neural architecture search for Keras encoders.

The public words are imported when they are first used: ``import nas`` loads neither Optuna nor Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.api import rank as rank
    from nas.api import report as report
    from nas.search.run import launch as launch
    from nas.search.run import race as race
    from nas.search.run import resume as resume
    from nas.store.storage import load_study as load_study

_WHERE = {
    "launch": "nas.search.run",
    "race": "nas.search.run",
    "load_study": "nas.store.storage",
    "rank": "nas.api",
    "report": "nas.api",
    "resume": "nas.search.run",
}

__all__ = ["launch", "load_study", "race", "rank", "report", "resume"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
