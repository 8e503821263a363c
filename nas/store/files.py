"""Where the files of a database lie: prepared data, checkpoints, the workers' logs. All beside it."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import make_url

from nas.errors import StorageError
from nas.store.engine import sqlite_path


def files_root(url: str) -> Path:
    """Return the folder for the files of the database at `url`, which no other database shares.

    Beside an SQLite file, and named after it; in ``studies/`` for a server, named after host and database.
    """
    if (path := sqlite_path(url)) is not None:
        return path.absolute().with_name(path.name + ".files")
    server = make_url(url)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{server.host or 'local'}-{server.port or ''}-{server.database}")
    return Path("studies", f"{name}.files").absolute()


def study_folder(root: Path, study: int) -> Path:
    """Return the folder of one study, named by its number: a name is for people, not for file systems."""
    return root / f"study-{study}"


def make_folder(folder: Path) -> Path:
    """Return `folder`, made where it is missing.

    Raises:
        StorageError: It cannot be made there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {folder}, for what belongs to the database beside it, cannot be made: {error.strerror}. "
            "Name another place with --storage or NAS_STORAGE."
        ) from error
    return folder
