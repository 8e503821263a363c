"""A study leaves its database, and is kept beside it until somebody removes that too."""

from __future__ import annotations

import re
from pathlib import Path

from nas.errors import Conflict
from nas.store import lease, queries
from nas.store.engine import open_for_writing, snapshot, sqlite_path, storage_url
from nas.store.files import files_root, study_folder
from nas.store.storage import StudyStorage
from nas.store.upgrade import back_up


def delete_study(url: str, name: str, *, for_good: bool = False) -> Path | None:
    """Delete a study, its trials and its files; return the database that still has it.

    That is another SQLite file, ``nas.db.deleted-NAME``, with this study alone and its weights in the folder that
    belongs to it: whatever reads a study reads it there. Where the name is taken by an earlier one, a number follows.

    Args:
        url: The database.
        name: The study's.
        for_good: Delete it from a server too, of whose database no copy is made: then ``None`` is returned.

    Raises:
        NotFound: There is no such database or study.
        StudyRunning: A living process runs it.
        Conflict: The database is a server's, and `for_good` was not said.
        StorageError: The database cannot be written.
    """
    path = sqlite_path(url)
    engine = open_for_writing(url, create=False)
    try:
        with snapshot(engine) as connection:
            study = queries.study(connection, name)
            lease.refuse_if_held(connection, study.id, name)
    finally:
        engine.dispose()
    if path is None:
        if not for_good:
            raise Conflict(
                f"Study {name!r} is in a server's database, of which no copy is made here: --for-good deletes it and "
                "its weights all the same."
            )
        StudyStorage(url).delete_study(study.id)
        return None
    copy = _free(path.with_name(f"{path.name}.deleted-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:64]}"))
    back_up(path, copy)
    _keep_only(storage_url(str(copy)), study.id)
    weights = study_folder(files_root(url), study.id)
    kept = study_folder(files_root(storage_url(str(copy))), study.id)
    if weights.exists():
        kept.parent.mkdir()
        weights.rename(kept)
    try:
        StudyStorage(url).delete_study(study.id)
    except BaseException:
        if kept.exists():
            kept.rename(weights)
        raise
    return copy


def _keep_only(url: str, study_id: int) -> None:
    storage = StudyStorage(url)
    for other in storage.get_all_studies():
        if other._study_id != study_id:
            storage.delete_study(other._study_id)


def _free(path: Path) -> Path:
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found
