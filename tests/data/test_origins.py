"""What examples of the validation split are called, so that somebody can look at one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.options import ColumnsSection, DataSection, ImagesSection
from nas.data.origins import FILE, names_of
from nas.data.prepared import open_split, prepare

SMALL = ImagesSection(size=(4, 4), channels=1)


def prepared(base, source, **options):
    section = DataSection(source=source, images=SMALL, **options)
    return prepare(section, "classification", base / "prepared", base)[0]


def shades(card):
    """The shade of each image of the validation split."""
    return open_split(card, "validation").only[:, 0, 0, 0].tolist()


def draw(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 6), shade).save(path)


def all_of(card):
    return names_of(card, np.arange(card.examples["validation"]))


@pytest.mark.parametrize("given", [False, True])
def test_pictures_in_folders_have_their_files(tmp_path, given):
    for place in range(20):
        draw(tmp_path / "p" / ("train" if given else "") / "ab"[place % 2] / f"{10 * place}.png", 10 * place)
    if given:
        for label, shade in (("a", 5), ("b", 7)):
            draw(tmp_path / "p" / "val" / label / f"{shade}.png", shade)
    (tmp_path / "p" / ("train" if given else "") / "a" / "torn.png").write_bytes(b"")
    card = prepared(tmp_path, "images:p", bad=0.1)
    assert [int(Path(name).stem) for name in all_of(card)] == shades(card)
    assert all((tmp_path / "p" / name).is_file() for name in all_of(card))


def test_a_table_has_the_files_that_it_names_or_else_its_lines(tmp_path):
    for place in range(20):
        draw(tmp_path / "p" / f"{10 * place}.png", 10 * place)
    lines = [f"p/{10 * place}.png,{place},{'ab'[place % 2]}" for place in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["photo,size,label", *lines, ""]))
    card = prepared(tmp_path, "manifest:t.csv", columns=ColumnsSection(inputs=("photo",)))
    assert all_of(card) == tuple(f"p/{shade}.png" for shade in shades(card))
    card = prepared(tmp_path, "manifest:t.csv", columns=ColumnsSection(inputs=("size",)))
    sizes = open_split(card, "validation").only[:, 0].tolist()
    assert all_of(card) == tuple(f"line {int(size) + 2}" for size in sizes)  # the first one has the names of columns


def test_arrays_have_places_in_the_split_that_was_given(tmp_path):
    x, y = np.arange(20.0).reshape(20, 1), np.arange(20) % 2
    np.savez(tmp_path / "one.npz", x=x, y=y)
    card = prepared(tmp_path, "npz:one.npz")
    cut = open_split(card, "validation").only[:, 0].astype(int).tolist()
    assert all_of(card) == tuple(f"example {place} of train" for place in cut)
    np.savez(tmp_path / "two.npz", x=x, y=y, x_val=-x[:4], y_val=y[:4])
    assert all_of(prepared(tmp_path, "npz:two.npz"))[3] == "example 3 of validation"


def test_the_same_pictures_under_other_names_are_the_same_data_with_the_new_names(tmp_path):
    for place in range(20):
        draw(tmp_path / "p" / "ab"[place % 2] / f"{10 * place:03}.png", 10 * place)
    card = prepared(tmp_path, "images:p")
    shutil.copytree(tmp_path / "p", tmp_path / "q")
    for path in list((tmp_path / "q").rglob("*.png")):
        path.rename(path.with_stem(f"new-{path.stem}"))
    again = prepared(tmp_path, "images:q")
    assert again.folder == card.folder
    assert [int(Path(name).stem.removeprefix("new-")) for name in all_of(again)] == shades(again)


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_data_whose_names_are_lost_are_numbered_as_they_were_prepared(tmp_path, damage):
    np.savez(tmp_path / "one.npz", x=np.arange(20.0).reshape(20, 1), y=np.arange(20) % 2)
    card = prepared(tmp_path, "npz:one.npz")
    path = Path(card.folder) / FILE
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:-80])
    assert names_of(card, np.array([2])) == ("example 2 of the prepared validation split",)
