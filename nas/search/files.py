"""Where a study's files lie: prepared data, checkpoints, the workers' logs. All beside the database."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from nas.store.engine import sqlite_path


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The folder of one study, named by its number: a name is for people, not for file systems."""

    root: Path
    study: int

    def checkpoint(self, trial: int) -> Path:
        """The weights, optimizer state and curve of trial number `trial`."""
        return self.root / f"study-{self.study}" / f"trial-{trial}.npz"

    def with_checkpoint(self, trials: int) -> list[int]:
        """Return which of the first so many `trials` have weights that are kept."""
        return [number for number in range(trials) if self.checkpoint(number).exists()]

    @property
    def start(self) -> Path:
        """The weights of another study's encoder that this one starts from: a copy, which that study cannot delete."""
        return self.root / f"study-{self.study}" / "start.npz"

    def evaluation(self, number: int) -> Path:
        """The weights, optimizer state and curve of evaluation `number`."""
        return self.root / f"study-{self.study}" / f"evaluation-{number}.npz"

    def kept(self, number: int) -> Path:
        """The best weights of evaluation `number`, of fine-tuning."""
        return self.root / f"study-{self.study}" / f"evaluation-{number}-best.npz"

    def forget(self, path: Path) -> None:
        """Delete the checkpoint at `path`, if there is one."""
        with contextlib.suppress(OSError):
            for file in [path, *path.parent.glob(f".{path.name}.*")]:  # and what a killed worker was about to write
                file.unlink(missing_ok=True)


@contextlib.contextmanager
def worker_logs(root: Path) -> Iterator[Path]:
    """Give the folder, under `root`, for what this process's workers print; at the end it is gone.

    What is of use after a worker's death is in the database by then.
    """
    folder = root / "logs" / str(os.getpid())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def files_root(url: str) -> Path:
    """Return the folder for the files of the database at `url`, which no other database shares.

    Beside an SQLite file, and named after it; in ``studies/`` for a server, named after host and database.
    """
    if (path := sqlite_path(url)) is not None:
        return path.absolute().with_name(path.name + ".files")
    server = make_url(url)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{server.host or 'local'}-{server.port or ''}-{server.database}")
    return Path("studies", f"{name}.files").absolute()
