"""Where a study's files lie: prepared data, checkpoints, the workers' logs. All beside the database."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The folder of one study, named by its number: a name is for people, not for file systems."""

    root: Path
    study: int

    @property
    def data(self) -> Path:
        """Prepared data sets, shared by all studies of a database."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """What the workers print."""
        return self.root / f"study-{self.study}" / "logs"

    def checkpoint(self, trial: int) -> Path:
        """The weights, optimizer state and curve of trial number `trial`."""
        return self.root / f"study-{self.study}" / f"trial-{trial}.npz"

    def forget(self, trial: int) -> None:
        """Delete the checkpoint of trial number `trial`, if there is one."""
        with contextlib.suppress(OSError):
            self.checkpoint(trial).unlink(missing_ok=True)


def files_root(url: str) -> Path:
    """Return the folder for the files of the database at `url`: beside an SQLite file, else in ``studies/``."""
    kind, _, path = url.partition(":///")
    if kind.startswith("sqlite") and path:
        database = Path(unquote(path.partition("?")[0])).absolute()
        return database.with_name(database.stem + ".files")
    return Path("studies/nas.files").absolute()
