"""``images:folder/``: image files, in one subfolder for each class, as `nas.data.class_folders` finds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from nas.data.class_folders import Files, load_folders
from nas.data.options import DataSection
from nas.data.pictures import ImageReader
from nas.data.source import RawData, RawInput


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the images in the folder `rest`, relative to `base`: uint8 (images, height, width, channels).

    They come in the sorted order of their paths. Labels are the names of the classes' folders.

    Raises:
        DataError: There is no such folder, no image or only one class in it, or too many files are bad.
    """
    reader = ImageReader(options.images.size, options.images.channels)
    files = Files("images", "image/", reader, (*options.images.size, options.images.channels), np.uint8)
    raw = load_folders(base / Path(rest).expanduser(), files, RawInput("image"), options.bad)
    return replace(raw, notes=(*raw.notes, *reader.notes))
