"""Whether an error says that there is no room left to write."""

from __future__ import annotations

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAID = ("No space left", "Disk quota exceeded", "File too large")
"""The same, as libraries say it whose errors have no number."""


def is_full(error: BaseException) -> bool:
    """Tell whether `error`, or one that it came of, is that of a full disk, a quota used up or a file at its limit.

    What closes a file after a failed write fails in its own way, and hides the cause.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in FULL:
            return True
        if any(said in str(cause) for said in SAID):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
