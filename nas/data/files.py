"""Many files decoded into one array, and what becomes of those that cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nas.data.progress import track
from nas.data.source import Array, scratch
from nas.errors import DataError

THREADS = min(8, os.cpu_count() or 1)
SHOWN = 5
"""Of many bad files, so many are named."""


def decode_files(
    paths: Sequence[Path], read: Callable[[Path], Array], shape: tuple[int, ...], dtype: Any, what: str
) -> tuple[Array, dict[int, str]]:
    """Return the files at `paths` in one array, (files, *shape), mapped from a file; and why some are missing from it.

    Args:
        paths: In the order of the rows.
        read: Returns the array of one file, or raises `DataError`; called from several threads.
        shape: Of one file.
        dtype: Of the array.
        what: What the files are, for a progress bar.

    Returns:
        The array, in which the rows of bad files are zeros, and the message for each bad file by its place.
    """
    rows = scratch((len(paths), *shape), dtype)
    bad: dict[int, str] = {}

    def decode(place: int) -> str | None:
        try:
            rows[place] = read(paths[place])
        except DataError as error:
            return str(error)
        return None

    pool = ThreadPoolExecutor(THREADS)
    try:
        for place, problem in enumerate(track(pool.map(decode, range(len(paths))), what, len(paths))):
            if problem is not None:
                bad[place] = problem
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the rest
    return rows, bad


def bad_notes(bad: Sequence[str], files: int, most: float, what: str) -> tuple[str, ...]:
    """Return a note on the `bad` ones among so many `files`, which are left out; none if there are none.

    Raises:
        DataError: They are more than the share `most`.
    """
    if not bad:
        return ()
    listed = "".join(f"\n  {problem}" for problem in bad[:SHOWN])
    listed += f"\n  … and {len(bad) - SHOWN:,} more." if len(bad) > SHOWN else ""
    if len(bad) > most * files:
        raise DataError(
            f"{len(bad):,} of {files:,} {what} cannot be read, more than the {100 * most:g} % that may be left out. "
            f"Mend or remove them, or let data.bad be larger:{listed}"
        )
    return (f"{len(bad):,} of {files:,} {what} cannot be read and are left out:{listed}",)
