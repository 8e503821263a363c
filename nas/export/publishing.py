"""A folder that is there as a whole, or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nas.errors import Conflict, NASError
from nas.full_disk import is_full

MARKS = ("model_card.md", "preprocessing.json")
"""The files that tell a folder that was made here: another one is never replaced."""
LEAST = 2**16
"""A disk with fewer bytes than that is full: some libraries say nothing of the cause."""


def refuse_existing(target: Path, *, force: bool) -> None:
    """Refuse to write to `target` where something is, unless it is an export that is to be replaced.

    Raises:
        Conflict: There is something.
    """
    if not target.exists() and not target.is_symlink():
        return
    ours = not target.is_symlink() and all((target / mark).is_file() for mark in MARKS)
    if not ours:
        raise Conflict(f"{target} is there already, and is no export: it is left alone. Name another folder with -o.")
    if not force:
        raise Conflict(f"{target} is there already. Name another folder with -o, or replace it with --force.")


@contextmanager
def published(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a new folder to write into; at the end of the block it is `target`, after an error it is gone.

    An earlier export is moved aside, and deleted when the new one has its place; if that fails it gets it back.

    Raises:
        Conflict: There is something at `target` (see `refuse_existing`).
        NASError: It cannot be written: the disk is full, say.
    """
    refuse_existing(target, force=force)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        refuse_existing(target, force=force)  # it took minutes
        _replace(target, temporary)
    except NASError:
        raise
    except Exception as error:
        if (said := cannot_write(error, target)) is None:
            raise
        raise said from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(target: Path, new: Path) -> None:
    """Give the folder `new` the place of `target`, where an earlier export may be; both are in one folder."""
    if not target.exists():
        new.rename(target)
        return
    aside = new.with_name(f"{new.name}.old")  # as random as the new one's name: nobody else's folder
    target.rename(aside)
    try:
        new.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def cannot_write(error: Exception, target: Path) -> NASError | None:
    """Return the sentence for an `error` that comes of not being able to write near `target`; ``None`` for others."""
    number = error.errno if isinstance(error, OSError) else None
    if is_full(error) or _has_no_room(target):
        return NASError(f"There is no space left to write {target}. Nothing was kept of it; make room and try again.")
    if isinstance(error, OSError) and number is not None:
        return NASError(f"{target} cannot be written: {error.strerror or error}. Nothing was kept of it.")
    return None


def _has_no_room(target: Path) -> bool:
    there = next((folder for folder in target.absolute().parents if folder.exists()), Path("/"))
    disk = shutil.disk_usage(there)
    return disk.total > 0 and disk.free < LEAST  # /proc and its like have no size at all
