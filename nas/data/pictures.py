"""Image files ▶ arrays of one size. What a file is, its content decides, not its name.

Pixels are 8 bits a channel, upright as the camera was held (EXIF), with what is transparent on white; 16 bits are cut
down to 8. An image is stretched to the wanted size, averaging (Lanczos) where it shrinks. Of several frames or pages
the first one counts.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nas.data.source import Array
from nas.errors import DataError

LARGEST = 89_000_000
"""Pixels of the largest image that is decoded (a little below where Pillow suspects a decompression bomb)."""

SUFFIXES = frozenset(
    [
        ".avif",
        ".bmp",
        ".gif",
        ".ico",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    ]
)
"""How the names of image files usually end."""


class ImageReader:
    """Reads image files, from several threads, and remembers what people want to know about them.

    Args:
        size: The height and width that images are resized to.
        channels: 1 for grey, 3 for red, green and blue.
    """

    def __init__(self, size: tuple[int, int], channels: Literal[1, 3]) -> None:
        self.size, self.channels = size, channels
        self._found: list[tuple[int, int]] = []
        self._animated: list[Path] = []

    def __call__(self, path: Path) -> Array:
        """Return the image in the file at `path`, of any kind that Pillow reads, as uint8 (height, width, channels).

        Raises:
            DataError: It is missing, empty, damaged, no image, or has more than `LARGEST` pixels.
        """
        try:
            if path.stat().st_size == 0:
                raise DataError(f"{path} is empty (0 bytes).")
            with Image.open(path) as image:
                return self._decode(image, path)
        except DataError:
            raise
        except UnidentifiedImageError:
            raise DataError(f"{path} is no image that can be decoded.") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise DataError(f"{path} has more than {LARGEST:,} pixels, too many to decode.") from None
        except Exception as error:  # a damaged file can raise nearly anything
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DataError(f"{path} cannot be decoded: {why.rstrip('.')}.") from None

    def _decode(self, image: Image.Image, path: Path) -> Array:
        width, height = image.size
        if width * height > LARGEST:
            raise DataError(f"{path} has {width:,} × {height:,} pixels, more than {LARGEST:,}, too many to decode.")
        animated = getattr(image, "is_animated", False) and image.format != "MPO"  # that one is a photo with a preview
        image.draft(None, (2 * max(self.size),) * 2)  # a large JPEG need not be decoded in full
        image.load()
        with contextlib.suppress(Exception):  # a damaged orientation is none
            image = ImageOps.exif_transpose(image)
        image = _plain(image, path).convert("L" if self.channels == 1 else "RGB")
        image = image.resize(self.size[::-1], Image.Resampling.LANCZOS)
        self._found.append((height, width))
        if animated:
            self._animated.append(path)
        return np.asarray(image, dtype=np.uint8).reshape(*self.size, self.channels)

    @property
    def notes(self) -> tuple[str, ...]:
        """What sizes the files had, and how many of them had several frames."""
        notes = []
        if set(self._found) - {self.size}:
            heights, widths = (sorted(sides) for sides in zip(*self._found, strict=True))
            middle = len(heights) // 2
            notes.append(
                f"The images are {_range(heights)} pixels high (half of them up to {heights[middle]}) and "
                f"{_range(widths)} wide (half of them up to {widths[middle]}); they are resized to "
                f"{self.size[0]} × {self.size[1]} (data.images.size)."
            )
        if self._animated:
            notes.append(
                f"{len(self._animated):,} of the images have several frames or pages, e.g. {min(self._animated)}: "
                "the first one counts."
            )
        return tuple(notes)


def _plain(image: Image.Image, path: Path) -> Image.Image:
    """Return `image` with 8 bits a channel and nothing transparent."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise DataError(
                f"{path} has 32 bits a pixel, of which nobody knows what is white. Save it with 8 or 16 bits."
            )
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _range(values: list[int]) -> str:
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
