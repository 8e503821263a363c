"""The folder for what workers print goes with its process, and with what earlier ones have left there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nas.errors import StorageError
from nas.search.files import worker_logs


def test_what_a_killed_process_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    folders = [tmp_path / "logs" / name for name in (f"{host}-{gone.pid}", f"{host}-{os.getppid()}", "elsewhere-1")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "worker-1.log").write_text("a stack")
    with worker_logs(tmp_path) as mine:
        assert mine.is_dir()
        assert [folder.exists() for folder in folders] == [False, True, True]
    assert not mine.exists()


def test_a_place_for_logs_that_cannot_be_made_is_a_matter_of_storage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageError, match=r"cannot be made: Not a directory.*--storage"),
        worker_logs(tmp_path / "file"),
    ):
        pass
