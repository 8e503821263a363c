"""How much memory there is, in a container and out of one."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from nas import memory

MIB = 1 << 20


def made(folder: Path, groups: str, **files: str) -> tuple[Path, Path]:
    (folder / "cgroup").write_text(groups)
    for name, text in files.items():
        path = folder / "fs" / name.replace("__", "/").replace("memory_", "memory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder / "cgroup", folder / "fs"


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"memory_max": str(512 * MIB), "memory_current": str(100 * MIB)}, [(512 * MIB, 100 * MIB)]),
        ("0::/\n", {"memory_max": "max", "memory_current": "5"}, []),
        ("0::/\n", {}, []),
        (  # a job within the limits of its user
            "0::/user/job\n",
            {"user__job__memory_max": "max", "user__memory_max": "400", "user__memory_current": "30"},
            [(400, 30)],
        ),
        (  # version 1: in a container the name is that of the host
            "5:cpu:/docker/ab\n4:memory:/docker/ab\n0::/\n",
            {"memory__memory_limit_in_bytes": "700", "memory__memory_usage_in_bytes": "70"},
            [(700, 70)],
        ),
        ("4:memory:/a\n", {"memory__a__memory_limit_in_bytes": "700"}, [(700, 0)]),
    ],
)
def test_limits_are_those_of_the_groups_a_process_is_in(tmp_path, groups, files, expected):
    assert list(memory.limits(*made(tmp_path, groups, **files))) == expected


def test_where_there_are_no_groups_there_are_no_limits(tmp_path):
    assert list(memory.limits(tmp_path / "nothing", tmp_path)) == []


def test_a_limit_is_all_the_memory_there_is(monkeypatch):
    monkeypatch.setattr(memory, "limits", lambda: iter([(512 * MIB, 100 * MIB), (1 << 62, 0)]))
    assert memory.total() == 512 * MIB
    assert memory.available() == 412 * MIB
    monkeypatch.setattr(memory, "limits", lambda: iter([]))
    assert memory.total() == psutil.virtual_memory().total
    assert 0 < memory.available() <= memory.total()


def test_workers_share_what_a_container_may_have(monkeypatch, tmp_path):
    from nas.search.pool.local import MEMORY_SHARE, LocalPool, PoolSettings

    monkeypatch.setattr(memory, "limits", lambda: iter([(512 * MIB, 0)]))
    pool = LocalPool(PoolSettings(workers=2, deadline=1.0, silence=1.0, logs=tmp_path))
    assert pool._memory_limit == int(256 * MIB * MEMORY_SHARE)
