"""How many cores and how much memory there are: the machine's, or less where a container or a batch system gives less.

A process that asks the machine alone is killed by the kernel before it comes near what it took for its memory, and
starts as many threads as there are cores that it may not use.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import psutil

from nas.errors import plural

GROUPS = Path("/proc/self/cgroup")
PROCESSORS = Path("/proc/cpuinfo")
ROOT = Path("/sys/fs/cgroup")


def cores() -> int:
    """Return on how many cores this process may run: those it is bound to, or as many as its share of time is worth."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *(math.ceil(share) for share in core_limits())]))


def total_memory() -> int:
    """Return the bytes that this process and its children may have together."""
    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in memory_limits())])


def free_memory() -> int:
    """Return the bytes of them that are free now."""
    return min([int(psutil.virtual_memory().available), *(max(0, limit - used) for limit, used in memory_limits())])


def described() -> str:
    """Return what a person should know of this machine beside figures that were measured on it.

    Names of hosts and people are not in it.
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    memory = f"{total_memory() / 2**30:.0f} GiB of memory"
    return f"{plural(cores(), 'core')} ({_processor()}), {memory}, {platform.system()} {platform.machine()}, {python}"


def _processor() -> str:
    names = (line.partition(":")[2].strip() for line in _text(PROCESSORS).splitlines() if line.startswith("model name"))
    return next(names, "") or platform.processor() or "of a kind that the system does not tell"


def memory_limits(groups: Path = GROUPS, root: Path = ROOT) -> Iterator[tuple[int, int]]:
    """Yield the limit of each control group that this process is in, and what its processes use: bytes, both.

    Args:
        groups: The groups of the process, as ``/proc/self/cgroup`` has them, of version 1 and 2.
        root: Where the groups' folders are. In a container its own group may be there, and not under its name.
    """
    for folder, version in _folders("memory", groups, root):
        names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit, used = (_text(folder / name) for name in names)
        if limit.isdecimal():  # or "max": none
            yield int(limit), int(used) if used.isdecimal() else 0


def core_limits(groups: Path = GROUPS, root: Path = ROOT) -> Iterator[float]:
    """Yield how many cores' time each control group that this process is in may use, where that is limited."""
    for folder, version in _folders("cpu", groups, root):
        if version == 2:
            quota, _, period = _text(folder / "cpu.max").partition(" ")
        else:
            quota, period = (_text(folder / f"cpu.cfs_{part}_us") for part in ("quota", "period"))
        if quota.isdecimal() and period.isdecimal():  # or "max", or -1: none
            yield int(quota) / int(period)


def _folders(controller: str, groups: Path, root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folders that may limit what a `controller` counts, and of which version of control groups they are."""
    for line in _text(groups).splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        folder = top / name.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(top):
                yield each, 1 if controllers else 2


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
