"""What an exception in a worker means for its trial."""

from __future__ import annotations

import sys
import traceback

from nas.conversation import Failed, FailureKind
from nas.errors import NASError
from nas.full_disk import is_full


class Diverged(Exception):
    """The loss is not finite any more."""


def failure(error: BaseException) -> Failed:
    """Return the message that says what `error` did to the evaluation."""
    text = str(error).strip() or type(error).__name__
    if not isinstance(error, NASError | Diverged):
        text = f"{type(error).__name__}: {text}"
    return Failed(_kind(error), text, "".join(traceback.format_exception(error)))


def _kind(error: BaseException) -> FailureKind:
    if isinstance(error, Diverged):
        return "nan"
    if is_full(error):
        return "disk"
    if isinstance(error, MemoryError) or _is(error, "tensorflow", "errors.ResourceExhaustedError"):
        return "oom"
    if _is(error, "keras_tuner", "errors.FailedTrialError"):
        return "rejected"  # KerasTuner's word for: this candidate is no good, go on
    return "error"


def _is(error: BaseException, module: str, path: str) -> bool:
    """Tell whether `error` is of the class at `path` in `module`, which is not imported for it."""
    thing: object = sys.modules.get(module)
    for part in path.split("."):
        thing = getattr(thing, part, None)
    return isinstance(thing, type) and isinstance(error, thing)
