"""Prepared once, found again by content, whole or not there."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nas.data import prepared
from nas.data.options import DataSection
from nas.data.prepared import open_split, prepare
from nas.data_card import DataCard
from nas.errors import DataError, UnknownName


def source(folder: Path, name: str = "data.npz", **changes: object) -> str:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.integers(0, 200, (60, 4, 5)), "y": np.repeat(["cat", "dog", "emu"], 20)} | changes
    np.savez(folder / name, **arrays)
    return f"npz:{name}"


@pytest.fixture
def card(tmp_path) -> DataCard:
    return prepare(DataSection(source=source(tmp_path)), "classification", tmp_path / "prepared", tmp_path)[0]


def test_the_card_describes_what_is_in_the_folder(card):
    assert card.input_shape == (4, 5, 1)
    assert card.target.names == ("cat", "dog", "emu")
    assert card.classes == 3
    assert card.examples == {"train": 38, "validation": 10, "test": 12}
    assert Path(card.folder).is_absolute()
    for name, count in card.examples.items():
        split = open_split(card, name)
        assert split.only.shape == (count, 4, 5, 1)
        assert split.only.dtype == np.uint8
        assert split.y.dtype == np.int32
        assert tuple(np.bincount(split.y, minlength=3)) == card.class_counts[name]
    train = open_split(card, "train").only
    assert card.inputs["x"].mean == pytest.approx([train.mean()])
    assert card.inputs["x"].std == pytest.approx([train.std()])


def test_splits_are_mapped_and_cannot_be_written(card):
    split = open_split(card, "train")
    assert isinstance(split.only, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        split.only[0] = 1


def test_it_is_deterministic_and_written_once(tmp_path, card):
    files = {path: path.stat().st_mtime_ns for path in Path(card.folder).iterdir()}
    assert prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "prepared", tmp_path)[0] == card
    assert {path: path.stat().st_mtime_ns for path in Path(card.folder).iterdir()} == files
    elsewhere = prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "elsewhere", tmp_path)[0]
    assert elsewhere.fingerprint == card.fingerprint
    assert elsewhere.folder != card.folder


@pytest.mark.parametrize("changes", [{"x": np.ones((60, 4, 5))}, {"y": np.tile(["cat", "dog", "emu"], 20)}])
def test_other_content_is_another_fingerprint(tmp_path, card, changes):
    other = prepare(
        DataSection(source=source(tmp_path, "b.npz", **changes)), "classification", tmp_path / "prepared", tmp_path
    )[0]
    assert other.fingerprint != card.fingerprint
    assert other.folder != card.folder


def test_another_rule_is_another_fingerprint(tmp_path, card, monkeypatch):
    monkeypatch.setattr(prepared, "RULE", prepared.RULE + 1)
    other = prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "prepared", tmp_path)[0]
    assert other.fingerprint != card.fingerprint


def test_the_same_content_under_other_names_shares_the_arrays_not_the_names(tmp_path, card):
    y = np.repeat(["ape", "bee", "cow"], 20)
    other = prepare(
        DataSection(source=source(tmp_path, "b.npz", y=y)), "classification", tmp_path / "prepared", tmp_path
    )[0]
    assert other.folder == card.folder
    assert other.target.names == ("ape", "bee", "cow")
    assert other.source == "npz:b.npz"


@pytest.mark.parametrize("name", ["x_train.npy", "y_test.npy", "card.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "torn"])
def test_what_is_damaged_is_written_anew(tmp_path, card, name, damage):
    path = Path(card.folder) / name
    content = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(content[: 0 if damage == "empty" else -7])
    if name != "card.json":
        with pytest.raises(DataError, match="prepared anew when a study is launched or resumed"):
            open_split(card, name.partition("_")[2].removesuffix(".npy"))
    assert prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "prepared", tmp_path)[0] == card
    assert path.read_bytes() == content
    assert list((tmp_path / "prepared").iterdir()) == [Path(card.folder)]


def test_another_process_that_was_faster_is_welcome(tmp_path, card, monkeypatch):
    checks = iter([False, True])
    monkeypatch.setattr(prepared, "_is_there", lambda card: next(checks))
    monkeypatch.setattr(Path, "exists", lambda path: False)  # it came between the look and the renaming
    assert prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "prepared", tmp_path)[0] == card
    assert list((tmp_path / "prepared").glob("*")) == [Path(card.folder)]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "prepared").write_text("a file")
    with pytest.raises(DataError, match=r"cannot be written to .*prepared"):
        prepare(DataSection(source=source(tmp_path)), "classification", tmp_path / "prepared", tmp_path)


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match="No space left on device"):
        prepare(DataSection(source="sklearn:iris"), "classification", tmp_path / "prepared", tmp_path)
    assert list((tmp_path / "prepared").iterdir()) == []


def test_arrays_swapped_by_hand_are_not_taken_for_the_prepared_ones(card):
    shutil.copy(Path(card.folder) / "x_test.npy", Path(card.folder) / "x_train.npy")
    with pytest.raises(DataError, match="The prepared train split"):
        open_split(card, "train")


def test_a_pickle_in_the_folder_is_never_opened(card):
    np.save(Path(card.folder) / "x_train.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        open_split(card, "train")


def test_the_card_is_readable_json(card):
    assert json.loads((Path(card.folder) / "card.json").read_text())["fingerprint"] == card.fingerprint


def test_an_error_names_the_source(tmp_path):
    name = source(tmp_path, x=np.full((60, 2), np.nan))
    with pytest.raises(DataError, match=r"^npz:data\.npz: the data cannot be searched on:\n  train: 120 of"):
        prepare(DataSection(source=name), "classification", tmp_path, tmp_path)


def test_an_unknown_kind_of_source_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'sklearn'"):
        prepare(DataSection(source="sklern:digits"), "classification", tmp_path, tmp_path)


def test_notes_come_along(tmp_path):
    x = np.arange(60.0).reshape(60, 1)
    name = source(tmp_path, x=x, x_test=x[:5], y_test=np.array(["cat"] * 5))
    notes = prepare(DataSection(source=name), "classification", tmp_path, tmp_path)[1]
    assert any("no example of 'dog', 'emu'" in note for note in notes)
    assert any("as well" in note for note in notes)


def test_vectors_are_standardised_feature_by_feature(tmp_path):
    card = prepare(DataSection(source="sklearn:wine"), "classification", tmp_path, tmp_path)[0]
    assert card.input_shape == (13,)
    assert len(card.inputs["x"].mean) == len(card.inputs["x"].std) == 13
    train = open_split(card, "train").only
    assert train.dtype == np.float32
    np.testing.assert_allclose(((train - card.inputs["x"].mean) / card.inputs["x"].std).std(axis=0), 1, rtol=1e-4)
