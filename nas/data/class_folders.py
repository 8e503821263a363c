"""Files in one subfolder for each class, decoded to examples of one input: what folders of images and of sounds share.

::

    folder/cat/1.jpg                 the name of the subfolder is the label; folders in it belong to it
    folder/dog/more/2.png

    folder/train/cat/1.jpg           or with splits of their own: train, and validation (val), test, or both
    folder/test/dog/2.png

What is hidden is left out, and so are files whose names say that they are something else (``labels.txt``). Whatever
else there is counts, and as a bad file if it cannot be decoded: `nas.data.files`.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from nas.data.files import bad_notes, decode_files
from nas.data.source import ONLY, SPLIT_WORDS, Array, Examples, RawData, RawInput
from nas.errors import DataError, did_you_mean, plural

CLUTTER = frozenset({"desktop.ini", "thumbs.db"})
"""What file managers leave behind."""

Found: TypeAlias = list[tuple[Path, str]]
"""Files and their labels."""


@dataclass(frozen=True, slots=True)
class Files:
    """What kind of files are looked for, and what becomes of one.

    `what` is their plural noun; `mime` the beginning of their media type, ``"image/"``; `read` returns the array of a
    file, of this `shape` and `dtype`, or raises `DataError`.
    """

    what: str
    mime: str
    read: Callable[[Path], Array]
    shape: tuple[int, ...]
    dtype: Any
    suffixes: frozenset[str] = frozenset()
    """Names that end so are of this kind whatever media type the system takes them for."""

    def may_be(self, path: Path) -> bool:
        """Whether the name of the file does not say that it is something else."""
        kind, packed = mimetypes.guess_type(path.name, strict=False)
        said_so = packed is None and (kind is None or kind.startswith(self.mime))
        return (said_so or path.suffix.lower() in self.suffixes) and path.name.lower() not in CLUTTER


def load_folders(root: Path, files: Files, known: RawInput, most_bad: float) -> RawData:
    """Return the files in the folder `root`, in the sorted order of their paths, labelled by the folders of classes.

    Args:
        root: The folder.
        files: What is looked for in it.
        known: What is known of the input.
        most_bad: The share of the files that may be bad; they are left out, and a note says so.

    Raises:
        DataError: There is no such folder, none of these files or only one class in it, or too many are bad.
    """
    splits, notes = _find(root, files)
    everything = [path for found in splits.values() for path, _ in found]
    x, bad = decode_files(everything, files.read, files.shape, files.dtype, files.what)
    notes += bad_notes([bad[place] for place in sorted(bad)], len(everything), most_bad, files.what)
    y = np.array([label for found in splits.values() for _, label in found])
    origin = np.array([str(path.relative_to(root)) for path in everything])
    together = Examples.of(x, y, origin=origin)
    examples: dict[str, Examples] = {}
    start = 0
    for split, found in splits.items():
        rows = np.array([row for row in range(start, start + len(found)) if row not in bad], dtype=np.intp)
        start += len(found)
        whole = len(rows) == len(y)
        examples[split] = together if whole else together.take(rows)
    return RawData(
        examples["train"], examples.get("validation"), examples.get("test"), inputs={ONLY: known}, notes=notes
    )


def _find(root: Path, files: Files) -> tuple[dict[str, Found], tuple[str, ...]]:
    """Return the files by split, and notes on what is left out."""
    if not root.is_dir():
        near = did_you_mean(root.name, [other.name for other in root.parent.glob("*/")])
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(f"The folder {root} {what}.{near}")
    folders = _visible(root, folders=True)
    words = {folder: SPLIT_WORDS.get(folder.name.lower()) for folder in folders}
    if "train" not in words.values():
        found, notes = _classes(root, "train", files)
        return {"train": found}, notes
    if others := [folder.name for folder, split in words.items() if split is None]:
        raise DataError(
            f"{root} has train in it, so that its folders are splits, and also {', '.join(others[:5])}. "
            "Keep only train, validation and test there, each with a folder for each class, or no split at all."
        )
    splits: dict[str, Found] = {}
    notes = ()
    for folder, split in words.items():
        assert split is not None
        if split in splits:
            raise DataError(f"{root} has two folders for the {split} split, one of them {folder.name}. Keep one.")
        splits[split], more = _classes(folder, split, files)
        notes += more
    return splits, notes


def _classes(root: Path, split: str, files: Files) -> tuple[Found, tuple[str, ...]]:
    """Return the files in the folders of classes in `root`, in sorted order. Train must have two classes."""
    folders = _visible(root, folders=True)
    loose = _of_kind(_visible(root, folders=False), files)
    what = files.what
    remedy = (
        f"Put the {what} of each class into a folder of that class, or list them in a table: "
        'source = "manifest:file.csv".'
    )
    if not folders:
        has = f"{plural(len(loose), 'file')}, but no folders" if loose else "no folders"
        raise DataError(f"{root} has {has} in it. {remedy}")
    found = {folder.name: _of_kind(_walk(folder), files) for folder in folders}
    empty = [name for name, there in found.items() if not there]
    classes = [name for name, there in found.items() if there]
    if not classes:
        raise DataError(f"There are no {what} in the folders of {root}: {', '.join(empty[:5])}. {remedy}")
    if len(classes) == 1 and split == "train":
        raise DataError(f"{root} has {what} of only one class, {classes[0]}: nothing to tell apart. {remedy}")
    notes: tuple[str, ...] = ()
    if empty:
        notes += (f"{root} has folders without {what}, which are no classes: {', '.join(empty[:5])}.",)
    if loose:
        notes += (f"{root} has {plural(len(loose), 'file')} beside the folders of classes, left out.",)
    return [(path, name) for name, there in found.items() for path in there], notes


def _visible(folder: Path, *, folders: bool) -> list[Path]:
    """Return what is in `folder` and not hidden, sorted: the folders, or whatever is none."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir() == folders]
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read: {error.strerror}.") from None
    return sorted(map(Path, found))


def _walk(folder: Path, seen: set[Path] | None = None) -> list[Path]:
    """Return the files in `folder` and below, each folder once, however links lead to it."""
    seen = set() if seen is None else seen
    real = folder.resolve()
    if real in seen:
        return []
    seen.add(real)
    found = _visible(folder, folders=False)
    for inner in _visible(folder, folders=True):
        found += _walk(inner, seen)
    return found


def _of_kind(paths: list[Path], files: Files) -> list[Path]:
    """Return those of `paths` that may be what is looked for; a broken link is told of later."""
    return [path for path in paths if files.may_be(path) and (path.is_file() or path.is_symlink())]
