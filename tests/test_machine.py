"""How many cores and how much memory there are, in a container and out of one."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil
import pytest

from nas import machine

MIB = 1 << 20


def made(folder: Path, groups: str, **files: str) -> tuple[Path, Path]:
    (folder / "cgroup").write_text(groups)
    for name, text in files.items():
        path = folder / "fs" / name.replace("__", "/").replace("memory_", "memory.").replace("cpu_", "cpu.")
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
    assert list(machine.memory_limits(*made(tmp_path, groups, **files))) == expected


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"cpu_max": "250000 100000"}, [2.5]),
        ("0::/\n", {"cpu_max": "max 100000"}, []),
        ("4:cpu,cpuacct:/a\n", {"cpu__a__cpu_cfs_quota_us": "50000", "cpu__a__cpu_cfs_period_us": "100000"}, [0.5]),
        ("4:cpuacct:/a\n3:cpu:/a\n", {"cpu__cpu_cfs_quota_us": "-1", "cpu__cpu_cfs_period_us": "100000"}, []),
    ],
)
def test_a_share_of_time_is_worth_so_many_cores(tmp_path, monkeypatch, groups, files, expected):
    assert list(machine.core_limits(*made(tmp_path, groups, **files))) == expected
    monkeypatch.setattr(machine, "core_limits", lambda: iter(expected))
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert machine.cores() == {2.5: 3, 0.5: 1}.get(expected[0] if expected else 8, 8)


def test_where_there_are_no_groups_there_are_no_limits(tmp_path):
    assert list(machine.memory_limits(tmp_path / "nothing", tmp_path)) == []
    assert list(machine.core_limits(tmp_path / "nothing", tmp_path)) == []


def test_a_limit_is_all_the_memory_there_is(monkeypatch):
    monkeypatch.setattr(machine, "memory_limits", lambda: iter([(512 * MIB, 100 * MIB), (1 << 62, 0)]))
    assert machine.total_memory() == 512 * MIB
    assert machine.free_memory() == 412 * MIB
    monkeypatch.setattr(machine, "memory_limits", lambda: iter([]))
    assert machine.total_memory() == psutil.virtual_memory().total
    assert 0 < machine.free_memory() <= machine.total_memory()


def test_no_more_workers_are_started_than_there_is_memory_for(monkeypatch):
    from nas.search.pool.local import share_machine

    monkeypatch.setattr(machine, "memory_limits", lambda: iter([(4096 * MIB, 0)]))
    monkeypatch.setattr(machine, "cores", lambda: 4)
    assert share_machine(4) == (4, None)
    workers, note = share_machine(99)
    assert workers == 6
    assert note == (
        "search.workers = 99, and this machine has 4.0 GiB of memory and 4 cores. A worker needs 512 MiB at least: "
        "6 are started."
    )
    workers, note = share_machine(5)
    assert workers == 5
    assert note == "search.workers = 5, and this machine has 4 cores: more workers than cores are hardly faster."
    monkeypatch.setattr(machine, "memory_limits", lambda: iter([(256 * MIB, 0)]))
    assert share_machine(1)[0] == 1  # it may do: who knows


def test_workers_share_what_a_container_may_have(monkeypatch, tmp_path):
    from nas.search.pool.local import MEMORY_SHARE, LocalPool, PoolSettings

    monkeypatch.setattr(machine, "memory_limits", lambda: iter([(512 * MIB, 0)]))
    pool = LocalPool(PoolSettings(workers=2, deadline=1.0, silence=1.0, logs=tmp_path))
    assert pool._memory_limit == int(256 * MIB * MEMORY_SHARE)


def test_a_description_has_what_figures_depend_on():
    told = machine.described()
    assert str(machine.cores()) in told
    assert "GiB of memory" in told
    assert platform.python_version() in told
