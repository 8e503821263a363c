"""How much memory there is: the machine's, or less where a container or a batch system gives less of it.

A process that asks the machine alone is killed by the kernel before it comes near what it took for its limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")


def total() -> int:
    """Return the bytes that this process and its children may have together."""
    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in limits())])


def available() -> int:
    """Return the bytes of them that are free now."""
    return min([int(psutil.virtual_memory().available), *(max(0, limit - used) for limit, used in limits())])


def limits(groups: Path = GROUPS, root: Path = ROOT) -> Iterator[tuple[int, int]]:
    """Yield the limit of each control group that this process is in, and what its processes use: bytes, both.

    Args:
        groups: The groups of the process, as ``/proc/self/cgroup`` has them, of version 1 and 2.
        root: Where the groups' folders are. In a container its own group may be there, and not under its name.
    """
    for line in _text(groups).splitlines():
        _, controllers, name = line.split(":", 2)
        if not controllers:
            top, limit, used = root, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            top, limit, used = root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = top / name.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(top) and (most := _text(each / limit)).isdecimal():  # or "max": no limit
                now = _text(each / used)
                yield int(most), int(now) if now.isdecimal() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
