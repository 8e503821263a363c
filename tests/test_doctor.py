"""The checks of ``nas doctor``: each on something that is right and something that is not."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from nas import doctor
from nas.cli.app import cli

GIB = 2**30


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_STORAGE", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python(version: tuple[int, int], verdict: str) -> None:
    assert doctor.python(version).verdict == verdict


@pytest.mark.parametrize(
    ("needed", "verdict", "said"),
    [
        (["click>=8.5", 'colorama>=99; sys_platform == "amiga"', 'sphinx>=9; extra == "dev"'], "ok", "1 as required"),
        (["click>=99"], "fail", "needed >=99"),
        (["no-such-library-at-all"], "fail", "no-such-library-at-all is missing"),
    ],
)
def test_libraries(needed: list[str], verdict: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: needed)
    check = doctor.libraries()
    assert check.verdict == verdict
    assert said in check.detail


def test_sqlite_is_the_one_that_is_linked() -> None:
    assert sqlite3.sqlite_version in doctor.sqlite().detail


def test_no_database_is_no_fault_and_none_is_made(tmp_path: Path) -> None:
    found = {check.name: check for check in doctor.database(None)}
    assert found["database"].verdict == "ok"
    assert "none yet" in found["database"].detail
    assert {"file system", "studies", "reports", "disk"} < set(found)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_none_yet_and_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "left.db").touch()
    check = next(iter(doctor.database("left.db")))
    assert (check.verdict, check.detail) == ("ok", "none yet at left.db")
    check = next(iter(doctor.database(str(tmp_path))))
    assert check.verdict == "fail"
    assert "is a folder" in check.detail
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE notes (text)")
    assert next(iter(doctor.database("other.db"))).verdict == "fail"


def test_a_broken_database_and_a_url_that_is_none() -> None:
    Path("broken.db").write_text("no database " * 200)
    assert next(iter(doctor.database("broken.db"))).verdict == "fail"
    assert [check.verdict for check in doctor.database("mysql://somewhere/db")] == ["fail"]


def test_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = [("/", "ext4"), (str(tmp_path), "nfs4"), (str(tmp_path / "other"), "ext4")]
    assert doctor.file_system(tmp_path / "nas.db", mounts).verdict == "warn"
    assert doctor.file_system(tmp_path / "other" / "nas.db", mounts).verdict == "ok"
    assert doctor.file_system(tmp_path / "nas.db", []).detail == "unknown"


def test_places_that_cannot_be_written_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    assert [check.verdict for check in doctor.places(None)][:2] == ["fail", "fail"]


@pytest.mark.parametrize(("free", "verdict"), [(3 * GIB, "ok"), (GIB, "warn"), (GIB // 8, "fail")])
def test_disk(free: int, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    assert {check.name: check.verdict for check in doctor.places(None)}["disk"] == verdict


def test_machine_counts_the_workers_it_can_bear() -> None:
    assert "up to 2 workers" in doctor.machine(8, 3 * GIB).detail
    assert "up to 4 workers" in doctor.machine(4, 64 * GIB).detail
    assert doctor.machine(1, 3 * GIB).detail == "1 core, 3.0 GiB of memory: up to 1 worker"
    assert doctor.machine(4, GIB).verdict == "warn"


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        (None, "ok"),
        (json.dumps({"backend": "tensorflow", "image_data_format": "channels_last"}), "ok"),
        (json.dumps({"backend": "torch"}), "fail"),
        (json.dumps({"image_data_format": "channels_first"}), "fail"),
        ("[]", "ok"),
        ("{", "fail"),
    ],
)
def test_keras_settings(config: str | None, verdict: str, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "keras").mkdir()
        (tmp_path / "keras" / "keras.json").write_text(config)
    assert doctor.keras_settings().verdict == verdict


def test_a_backend_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert "jax" in doctor.keras_settings().detail


@pytest.mark.parametrize(
    ("script", "verdict", "said"),
    [("echo 'NVIDIA H100, 81559 MiB'", "ok", "H100"), ("exit 9", "warn", "does not answer"), (None, "ok", "CPU")],
)
def test_gpu_asks_the_driver(
    script: str | None, verdict: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = doctor.gpu()
    assert check.verdict == verdict
    assert said in check.detail


def test_tensorflow_that_does_not_start_fails_with_its_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = subprocess.CompletedProcess([], 1, "", "Traceback …\nImportError: libcudart.so not found\n")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *a, **k: ran)
    check = doctor.tensorflow_starts()
    assert (check.verdict, check.detail) == ("fail", "ImportError: libcudart.so not found")


def test_the_command_leaves_with_1_when_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    assert result.exit_code == (0 if document["ok"] else 1)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    result = CliRunner().invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "Unset KERAS_BACKEND" in result.stdout


@pytest.mark.tf
def test_tensorflow_starts_here() -> None:
    assert doctor.tensorflow_starts().verdict == "ok"
