"""Emoji for `emoji.toml` and `emoji_matching.toml`: 1,906 pictures of 64 × 64 pixels, each with its Unicode name.

The pictures are Google's Noto Emoji (Apache-2.0), names and categories those of emoji-data (MIT), in one file,
``NAS_DATA/image_text/noto_emoji_64.npz``. This is all that a source of one's own takes: a function that returns arrays.
"""

import io
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

ENDS = {"train": "", "val": "_val", "test": "_test"}


def load():
    """Return pictures and names, and the category of each: one of nine, "Flags" say."""
    folder = os.environ.get("NAS_DATA")
    if not folder:
        raise SystemExit("Set the environment variable NAS_DATA to the folder that holds image_text/noto_emoji_64.npz")
    with np.load(Path(folder) / "image_text" / "noto_emoji_64.npz") as file:
        images = pictures(file["webp"], file["offsets"])
        names = file["name"].astype(object)
        categories = file["category_names"][file["category"]]
        split = file["split"]
    data = {}
    for name, end in ENDS.items():
        rows = split == name
        data[f"x{end}"] = {"image": images[rows], "name": names[rows]}
        data[f"y{end}"] = categories[rows]
    return data


def pictures(data, offsets):
    """Decode one WebP after the other: uint8 (pictures, 64, 64, 3)."""
    whole = data.tobytes()
    files = (io.BytesIO(whole[start:end]) for start, end in pairwise(offsets))
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
