"""The files of a study, and what its workers print."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from nas.store.files import make_folder, study_folder


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The folder of one study, below the `root` of its database's files."""

    root: Path
    study: int

    def checkpoint(self, trial: int) -> Path:
        """The weights, optimizer state and curve of trial number `trial`."""
        return study_folder(self.root, self.study) / f"trial-{trial}.npz"

    def with_checkpoint(self, trials: int) -> list[int]:
        """Return which of the first so many `trials` have weights that are kept."""
        return [number for number in range(trials) if self.checkpoint(number).exists()]

    @property
    def start(self) -> Path:
        """The weights of another study's encoder that this one starts from: a copy, which that study cannot delete."""
        return study_folder(self.root, self.study) / "start.npz"

    def evaluation(self, number: int) -> Path:
        """The weights, optimizer state and curve of evaluation `number`."""
        return study_folder(self.root, self.study) / f"evaluation-{number}.npz"

    def kept(self, number: int) -> Path:
        """The best weights of evaluation `number`, of fine-tuning."""
        return study_folder(self.root, self.study) / f"evaluation-{number}-best.npz"

    def forget(self, path: Path) -> None:
        """Delete the checkpoint at `path`, if there is one."""
        with contextlib.suppress(OSError):
            for file in [path, *path.parent.glob(f".{path.name}.*")]:  # and what a killed worker was about to write
                file.unlink(missing_ok=True)


@contextlib.contextmanager
def worker_logs(root: Path) -> Iterator[Path]:
    """Give the folder, under `root`, for what this process's workers print; at the end it is gone.

    What is of use after a worker's death is in the database by then. What processes have left here that had no time to
    end is deleted, too.

    Raises:
        StorageError: It cannot be made.
    """
    mine = f"{socket.gethostname()}-"
    for left in (root / "logs").glob(f"{mine}*"):
        pid = left.name.removeprefix(mine)
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = make_folder(root / "logs" / f"{mine}{os.getpid()}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
