"""A data source ▶ checked, split arrays in a folder that every worker maps, and the card that describes them.

One folder a content: ``<folder>/<first 16 digits of the fingerprint>/{x_train, y_train, …}.npy`` and ``card.json``.
It is written under another name and renamed, so that it is whole or not there.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from nas import catalogue
from nas.conversation import DataCard
from nas.data.checks import check
from nas.data.source import Examples
from nas.data.splits import RULE, split
from nas.data.statistics import mean_and_std
from nas.errors import DataError

_CARD = TypeAdapter(DataCard)


def prepare(source: str, task: str, folder: Path, base: Path) -> tuple[DataCard, tuple[str, ...]]:
    """Load, check, split and write the data `source` for `task`; return its card and notes for people.

    The same content always gives the same fingerprint and the same arrays; arrays that are in `folder` already
    are not written again. Relative paths in `source` start from `base`.

    Raises:
        DataError: The data cannot be searched on, or not be written.
        UnknownName: No data source or task is registered under that name.
    """
    kind, _, rest = source.partition(":")
    raw = catalogue.sources[kind](rest, base)
    try:
        raw = catalogue.tasks[task].check(check(raw))
        splits, notes = split(raw)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    fingerprint = _fingerprint(splits)
    mean, std = mean_and_std(splits["train"].x)
    classes = len(raw.class_names)
    counts = {name: np.bincount(examples.y, minlength=classes) for name, examples in splits.items()}
    card = DataCard(
        source=source,
        fingerprint=fingerprint,
        folder=str(folder.resolve() / fingerprint[:16]),
        input_shape=splits["train"].x.shape[1:],
        classes=classes,
        class_names=raw.class_names,
        examples={name: len(examples) for name, examples in splits.items()},
        class_counts={name: tuple(count.tolist()) for name, count in counts.items()},
        mean=mean,
        std=std,
    )
    if not _is_there(card):
        _write(card, splits)
    return card, notes


def open_split(card: DataCard, name: str) -> Examples:
    """Return the split `name` of the data that `card` describes, mapped read-only into memory.

    Raises:
        DataError: The arrays are gone or damaged.
    """
    try:
        x, y = (np.load(Path(card.folder) / f"{part}_{name}.npy", "r", allow_pickle=False) for part in "xy")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(_lost(card, name, str(error))) from None
    rows = card.examples[name]
    if x.shape != (rows, *card.input_shape) or y.shape != (rows,):
        raise DataError(_lost(card, name, f"x is {x.shape} and y {y.shape}, not {rows} examples"))
    return Examples(x, y)


def _lost(card: DataCard, name: str, why: str) -> str:
    return (
        f"The prepared {name} split of {card.source} in {card.folder} cannot be read: {why}. "
        "Delete that folder; the data are prepared anew when a study is launched or resumed."
    )


def _fingerprint(splits: dict[str, Examples]) -> str:
    """Return the SHA-256 of dtypes, shapes and bytes of all splits, and of the rule they were cut by."""
    digest = hashlib.sha256(f"split rule {RULE}\n".encode())
    for name, examples in splits.items():
        for part, array in (("x", examples.x), ("y", examples.y)):
            digest.update(f"{part}_{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _is_there(card: DataCard) -> bool:
    """Whether the arrays of `card` are in its folder, whole as far as their headers and sizes tell."""
    try:
        known = _CARD.validate_json((Path(card.folder) / "card.json").read_bytes())
        for name in card.examples:
            open_split(card, name)
    except (OSError, ValidationError, DataError):
        return False
    return known.fingerprint == card.fingerprint


def _write(card: DataCard, splits: dict[str, Examples]) -> None:
    folder = Path(card.folder)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        for name, examples in splits.items():
            np.save(temporary / f"x_{name}.npy", examples.x, allow_pickle=False)
            np.save(temporary / f"y_{name}.npy", examples.y, allow_pickle=False)
        (temporary / "card.json").write_bytes(_CARD.dump_json(card, indent=2))
        if folder.exists():  # damaged: what is mapped from it stays readable until it is closed
            folder.rename(temporary.with_suffix(".damaged"))
        temporary.rename(folder)
    except OSError as error:
        if not _is_there(card):  # or another process has just written the same
            raise DataError(
                f"The prepared data cannot be written to {folder}: {error.strerror or error}. "
                f"They need {sum(part.nbytes for e in splits.values() for part in (e.x, e.y)) / 2**20:,.1f} MiB there."
            ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(temporary.with_suffix(".damaged"), ignore_errors=True)
