"""Where the validation examples come from, for people who want to look at one: its file, its line, or its place.

Kept beside the prepared arrays in ``origins.npz``, and no part of their fingerprint: the same content under other names
is the same data.
"""

from __future__ import annotations

import contextlib
import secrets
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.source import Array, RawData
from nas.data_card import DataCard

FILE = "origins.npz"


def with_origins(raw: RawData) -> RawData:
    """Return `raw`, in which examples whose source does not say where they come from have their places, from 0."""
    splits = {
        name: examples if examples.origin is not None else replace(examples, origin=np.arange(len(examples)))
        for name, examples in raw.splits.items()
    }
    return raw.with_splits(splits)


def write_origins(card: DataCard, origin: Array, given: str) -> None:
    """Keep `origin` of the validation split; places are those in the split that is called `given` by the source.

    Not to know them is no reason to have no data: a file that cannot be written is left out.
    """
    kept = _kept(card)
    if kept is not None and kept[0] == given and np.array_equal(kept[1], origin):
        return
    path = Path(card.folder) / FILE
    temporary = path.with_name(f".{secrets.token_hex(4)}.{FILE}")
    arrays: dict[str, Any] = {given: origin}
    with contextlib.suppress(OSError):
        try:
            np.savez_compressed(temporary, **arrays)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def names_of(card: DataCard, rows: Array) -> tuple[str, ...]:
    """Return what the validation examples at `rows` are called: "cat/3.jpg", "line 18", or "example 17 of train".

    Examples are counted from 0 in what the source gives; where that is not known any more, in the prepared split.
    """
    given, origin = _kept(card) or ("the prepared validation split", np.arange(card.examples["validation"]))
    found: Sequence[object] = origin[rows].tolist()
    return tuple(_readable(name) if isinstance(name, str) else f"example {name} of {given}" for name in found)


def _kept(card: DataCard) -> tuple[str, Array] | None:
    try:
        with (Path(card.folder) / FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            ((given, origin),) = kept.items()
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return (given, origin) if origin.shape == (card.examples["validation"],) else None


def _readable(name: str) -> str:
    """Return the name of a file as text: what is none in it (bytes of another encoding) as question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
