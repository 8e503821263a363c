"""Image files of every kind people have, and of kinds nobody wants."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.data.pictures import LARGEST, ImageReader
from nas.errors import DataError

RED = (200, 40, 30)


def read(path, size, channels):
    return ImageReader(size, channels)(path)


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "color", "suffix", "grey", "rgb"),
    [
        ("L", 77, "png", 77, (77, 77, 77)),
        ("RGB", RED, "png", 87, RED),
        ("RGB", RED, "webp", 87, RED),
        ("RGB", RED, "bmp", 87, RED),
        ("RGBA", (*RED, 255), "png", 87, RED),
        ("RGBA", (*RED, 0), "png", 255, (255, 255, 255)),
        ("LA", (77, 0), "png", 255, (255, 255, 255)),
        ("1", 1, "png", 255, (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), "tiff", 76, (255, 0, 0)),
        ("I;16", 0x4D12, "png", 0x4D, (0x4D, 0x4D, 0x4D)),
        ("I;16", 0x4D12, "tiff", 0x4D, (0x4D, 0x4D, 0x4D)),
    ],
)
def test_every_mode_becomes_grey_and_rgb(tmp_path, mode, color, suffix, grey, rgb):
    path = saved(
        tmp_path / f"a.{suffix}", Image.new(mode, (6, 4), color), **({"lossless": True} if suffix == "webp" else {})
    )
    for channels, expected in ((1, [grey]), (3, rgb)):
        pixels = read(path, (4, 6), channels)
        assert (pixels.shape, pixels.dtype) == ((4, 6, channels), np.uint8)
        assert np.unique(pixels.reshape(-1, channels), axis=0).tolist() == [list(expected)]


def test_a_palette_keeps_its_colours_and_its_holes(tmp_path):
    image = Image.new("RGB", (4, 4), RED).convert("P", palette=Image.Palette.ADAPTIVE)
    assert read(saved(tmp_path / "a.png", image), (4, 4), 3)[0, 0].tolist() == list(RED)
    assert read(saved(tmp_path / "b.png", image, transparency=0), (4, 4), 3)[0, 0].tolist() == [255] * 3


def test_the_camera_was_held_upright(tmp_path):
    image = Image.new("L", (8, 4), 0)
    image.paste(255, (0, 0, 4, 4))  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° to the right: left comes up
    pixels = read(saved(tmp_path / "a.png", image, exif=exif), (8, 4), 1)
    assert (pixels[:4] == 255).all()
    assert (pixels[4:] == 0).all()


def test_shrinking_averages(tmp_path):
    board = np.indices((64, 64)).sum(axis=0).astype(np.uint8) % 2 * 255
    pixels = read(saved(tmp_path / "a.png", Image.fromarray(board)), (8, 8), 1)
    assert np.abs(pixels.astype(int) - 127).max() <= 2


def test_an_image_of_the_right_size_is_left_as_it_is(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    path = saved(tmp_path / "a.png", Image.fromarray(noise))
    np.testing.assert_array_equal(read(path, (9, 7), 3), noise)


def test_the_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (4, 4), RED), format="PNG")
    assert read(path, (4, 4), 3)[0, 0].tolist() == list(RED)


def test_of_an_animation_the_first_frame_counts(tmp_path):
    first, second = Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 200)
    path = saved(tmp_path / "a.gif", first, save_all=True, append_images=[second])
    reader = ImageReader((4, 4), 1)
    assert np.unique(reader(path)).tolist() == [10]
    assert any("1 of the images have several frames" in note and "a.gif" in note for note in reader.notes)


def test_sizes_are_told_where_they_differ(tmp_path):
    reader = ImageReader((4, 4), 1)
    for side in (4, 10, 20):
        reader(saved(tmp_path / f"{side}.png", Image.new("L", (side, 4))))
    assert reader.notes == (
        "The images are 4 pixels high (half of them up to 4) and 4 to 20 wide (half of them up to 10); "
        "they are resized to 4 × 4 (data.images.size).",
    )


def png_header(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png():
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(noise).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"hello", "no image that can be decoded"),
        (png()[:-600], "cannot be decoded|no image"),
        (png_header(9_500, 9_500), rf"more than {LARGEST:,}"),
        (png_header(60_000, 60_000), "too many to decode"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path, content, problem):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem) as error:
        read(path, (4, 4), 3)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(DataError, match="cannot be decoded"):
            read(path, (4, 4), 3)


def test_what_has_no_white_is_refused(tmp_path):
    path = saved(tmp_path / "a.tiff", Image.new("F", (4, 4), 0.5))
    with pytest.raises(DataError, match="nobody knows what is white"):
        read(path, (4, 4), 1)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=20))
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, place, junk):
    content = bytearray(png())
    place %= len(content)
    content[place : place + len(junk)] = junk
    path = tmp_path_factory.mktemp("damaged") / "a.png"
    path.write_bytes(content)
    try:
        assert read(path, (8, 8), 3).shape == (8, 8, 3)
    except DataError:
        return
