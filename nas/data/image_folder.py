"""``images:folder/``: image files, in one subfolder for each class.

::

    folder/cat/1.jpg                 the name of the subfolder is the label; folders in it belong to it
    folder/dog/more/2.png

    folder/train/cat/1.jpg           or with splits of their own: train, and validation (val), test, or both
    folder/test/dog/2.png

What is hidden is left out, and so are files whose names say that they are something else (``labels.txt``). Whatever
else there is counts as an image, and as a bad file if it is none: `nas.data.files`.
"""

from __future__ import annotations

import mimetypes
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from nas.data.files import bad_notes, decode_files
from nas.data.options import DataSection
from nas.data.pictures import ImageReader
from nas.data.source import SPLIT_WORDS, Examples, RawData, RawInput
from nas.errors import DataError, did_you_mean

CLUTTER = frozenset({"desktop.ini", "thumbs.db"})
"""What file managers leave behind."""


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the images in the folder `rest`, relative to `base`: uint8 (images, height, width, channels).

    They come in the sorted order of their paths. Labels are the names of the classes' folders.

    Raises:
        DataError: There is no such folder, no image or only one class in it, or too many files are bad.
    """
    root = base / Path(rest).expanduser()
    splits, notes = _find(root)
    paths = {split: [path for path, _ in found] for split, found in splits.items()}
    reader = ImageReader(options.images.size, options.images.channels)
    shape = (*options.images.size, options.images.channels)
    everything = [path for found in paths.values() for path in found]
    x, bad = decode_files(everything, reader, shape, np.uint8, "images")
    notes += bad_notes([bad[place] for place in sorted(bad)], len(everything), options.bad, "images")
    y = np.array([label for found in splits.values() for _, label in found])
    examples, start = {}, 0
    for split, found in paths.items():
        rows = np.array([row for row in range(start, start + len(found)) if row not in bad], dtype=np.intp)
        start += len(found)
        whole = len(rows) == len(y)
        examples[split] = Examples.of(x, y) if whole else Examples.of(x, y).take(rows)
    raw = RawData(examples["train"], inputs={"x": RawInput("image")}, notes=(*notes, *reader.notes))
    return replace(raw, validation=examples.get("validation"), test=examples.get("test"))


Found = list[tuple[Path, str]]
"""Files and their labels."""


def _find(root: Path) -> tuple[dict[str, Found], tuple[str, ...]]:
    """Return the files by split, and notes on what is left out."""
    if not root.is_dir():
        near = did_you_mean(root.name, [other.name for other in root.parent.glob("*/")])
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(f"The folder {root} {what}.{near}")
    folders = _visible(root, folders=True)
    words = {folder: SPLIT_WORDS.get(folder.name.lower()) for folder in folders}
    if "train" not in words.values():
        found, notes = _classes(root, "train")
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
        splits[split], more = _classes(folder, split)
        notes += more
    return splits, notes


def _classes(root: Path, split: str) -> tuple[Found, tuple[str, ...]]:
    """Return the files in the folders of classes in `root`, in sorted order. Train must have two classes."""
    folders = _visible(root, folders=True)
    loose = _images(_visible(root, folders=False))
    remedy = (
        "Put the images of each class into a folder of that class, or list them in a table: "
        'source = "manifest:file.csv".'
    )
    if not folders:
        has = f"{len(loose):,} files, but no folders" if loose else "no folders"
        raise DataError(f"{root} has {has} in it. {remedy}")
    found = {folder.name: _images(_walk(folder)) for folder in folders}
    empty = [name for name, files in found.items() if not files]
    classes = [name for name, files in found.items() if files]
    if not classes:
        raise DataError(f"There are no images in the folders of {root}: {', '.join(empty[:5])}. {remedy}")
    if len(classes) == 1 and split == "train":
        raise DataError(f"{root} has images of only one class, {classes[0]}: nothing to tell apart. {remedy}")
    notes: tuple[str, ...] = ()
    if empty:
        notes += (f"{root} has folders without images, which are no classes: {', '.join(empty[:5])}.",)
    if loose:
        notes += (f"{root} has {len(loose):,} files beside the folders of classes, which are left out.",)
    return [(path, name) for name, files in found.items() for path in files], notes


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


def _images(files: list[Path]) -> list[Path]:
    """Return those of `files` whose names do not say that they are something else; a broken link is told of later."""
    return [path for path in files if _may_be_image(path) and (path.is_file() or path.is_symlink())]


def _may_be_image(path: Path) -> bool:
    kind, packed = mimetypes.guess_type(path.name, strict=False)
    return packed is None and (kind is None or kind.startswith("image/")) and path.name.lower() not in CLUTTER
