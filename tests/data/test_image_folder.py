"""Folders of images as people keep them."""

import numpy as np
import pytest
from PIL import Image

from nas.data import image_folder
from nas.data.options import DataSection, ImagesSection
from nas.data.prepared import prepare
from nas.errors import DataError


def section(**options):
    return DataSection(source="images:pictures", images=ImagesSection(size=(8, 6), channels=3), **options)


def load(base, **options):
    return image_folder.load("pictures", base, section(**options))


def draw(folder, count, value=0):
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(count):
        Image.new("L", (10, 10), value + place).save(folder / f"{place:03}.png")


@pytest.fixture
def pictures(tmp_path):
    draw(tmp_path / "pictures" / "dog", 6, 100)
    draw(tmp_path / "pictures" / "cat" / "more", 2, 50)
    draw(tmp_path / "pictures" / "cat", 4, 10)
    return tmp_path


def test_subfolders_are_labels_in_sorted_order(pictures):
    raw = load(pictures)
    assert list(raw.splits) == ["train"]
    assert raw.train.y.tolist() == ["cat"] * 6 + ["dog"] * 6
    assert raw.train.only.shape == (12, 8, 6, 3)
    assert raw.train.only[:, 0, 0, 0].tolist() == [10, 11, 12, 13, 50, 51, 100, 101, 102, 103, 104, 105]
    assert isinstance(raw.train.only, np.memmap)
    assert raw.inputs["x"].kind == "image"


def test_it_is_the_same_every_time(pictures):
    cards = [prepare(section(), "classification", pictures / name, pictures)[0] for name in "ab"]
    assert cards[0].fingerprint == cards[1].fingerprint
    assert cards[0].input_shape == (8, 6, 3)


@pytest.mark.parametrize("word", ["validation", "val", "Valid"])
def test_splits_may_be_given(tmp_path, word):
    for place, split in enumerate(("train", word, "test")):
        for value, label in enumerate(("cat", "dog")):
            draw(tmp_path / "pictures" / split / label, 3, 60 * place + 10 * value)
    raw = load(tmp_path)
    assert {name: len(examples) for name, examples in raw.splits.items()} == {"train": 6, "validation": 6, "test": 6}
    assert raw.validation.y.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert raw.validation.only[:, 0, 0, 0].tolist() == [60, 61, 62, 70, 71, 72]


def test_hidden_files_clutter_and_other_things_are_left_out(pictures):
    (pictures / "pictures" / ".git").mkdir()
    draw(pictures / "pictures" / "dog" / ".thumbnails", 2)
    draw(pictures / "pictures", 1)
    (pictures / "pictures" / "emu").mkdir()
    for name in (".DS_Store", "Thumbs.db", "labels.txt"):
        (pictures / "pictures" / "dog" / name).write_text("no image")
    raw = load(pictures)
    assert raw.train.y.tolist() == ["cat"] * 6 + ["dog"] * 6
    assert any("without images" in note and "emu" in note for note in raw.notes)
    assert any("has 1 file beside the folders" in note for note in raw.notes)


def test_links_are_followed_but_not_for_ever(pictures):
    (pictures / "pictures" / "dog" / "again").symlink_to(pictures / "pictures")
    (pictures / "pictures" / "dog" / "self").symlink_to(pictures / "pictures" / "dog")
    draw(pictures / "elsewhere", 1, 200)
    (pictures / "pictures" / "cat" / "linked").symlink_to(pictures / "elsewhere")
    raw = load(pictures)
    assert raw.train.only[raw.train.y == "cat"].max() == 200
    assert (raw.train.y == "dog").sum() == 6 + 7  # its own once, and all of cat's by way of dog/again


def test_a_few_bad_files_are_left_out_and_listed(pictures):
    (pictures / "pictures" / "cat" / "001.png").write_bytes(b"")
    (pictures / "pictures" / "dog" / "gone.png").symlink_to(pictures / "nowhere")
    raw = load(pictures, bad=0.2)
    assert raw.train.y.tolist() == ["cat"] * 5 + ["dog"] * 6
    assert raw.train.only[:3, 0, 0, 0].tolist() == [10, 12, 13]
    assert isinstance(raw.train.only, np.memmap)
    (note,) = (note for note in raw.notes if "left out" in note)
    assert note.startswith("2 of 13 images cannot be read")
    assert "001.png is empty" in note
    assert "gone.png" in note


def test_more_bad_files_are_refused_with_the_list(pictures):
    for place in range(6):
        (pictures / "pictures" / "cat" / f"bad{place}.png").write_text("no image")
    with pytest.raises(DataError, match=r"6 of 18 images cannot be read, more than the 1 %") as error:
        load(pictures)
    assert "bad0.png is no image" in str(error.value)
    assert "and 1 more" in str(error.value)


def test_what_is_no_folder_of_classes_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path)
    (tmp_path / "pictures").mkdir()
    with pytest.raises(DataError, match=r"no folders in it.*manifest:file\.csv"):
        load(tmp_path)
    (tmp_path / "pictures" / "cat").mkdir()
    with pytest.raises(DataError, match="There are no images in the folders of"):
        load(tmp_path)
    draw(tmp_path / "pictures" / "cat", 2)
    with pytest.raises(DataError, match="only one class, cat"):
        load(tmp_path)
    with pytest.raises(DataError, match="Did you mean 'pictures'"):
        image_folder.load("picture", tmp_path, section())


def test_images_without_folders_are_refused(tmp_path):
    draw(tmp_path / "pictures", 3)
    with pytest.raises(DataError, match="3 files, but no folders"):
        load(tmp_path)


def test_splits_beside_classes_and_splits_twice_are_refused(tmp_path):
    for name in ("train", "cat"):
        draw(tmp_path / "pictures" / name / "inner", 1)
    with pytest.raises(DataError, match="and also cat"):
        load(tmp_path)
    for split in ("train", "val", "validation"):
        for label in ("cat", "dog"):
            draw(tmp_path / "pictures" / split / label, 1)
    (tmp_path / "pictures" / "cat").rename(tmp_path / "cat")
    (tmp_path / "pictures" / "train" / "inner").rename(tmp_path / "inner")
    with pytest.raises(DataError, match="two folders for the validation split"):
        load(tmp_path)


def test_a_class_called_test_is_a_class_where_there_is_no_train(tmp_path):
    for label in ("exam", "test"):
        draw(tmp_path / "pictures" / label, 2)
    assert load(tmp_path).train.y.tolist() == ["exam"] * 2 + ["test"] * 2
