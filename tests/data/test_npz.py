"""Arrays in a file: read as they are, and refused with a remedy where they cannot be."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data import npz
from nas.data.options import DataSection
from nas.errors import DataError


def load(rest, base):
    return npz.load(rest, base, DataSection(source="npz:x"))


X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


def save(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder


def test_all_splits_are_read(tmp_path):
    save(tmp_path, x=X, y=Y, x_val=X[:2], y_val=Y[:2], x_test=X[:3], y_test=Y[:3], class_names=np.array(["a", "b"]))
    raw = load("data.npz", tmp_path)
    np.testing.assert_array_equal(raw.train.only, X)
    assert {name: len(examples) for name, examples in raw.splits.items()} == {"train": 6, "validation": 2, "test": 3}
    assert raw.target.names == ("a", "b")


def test_x_and_y_are_enough(tmp_path):
    assert list(load("data.npz", save(tmp_path, x=X, y=Y, ids=Y)).splits) == ["train"]


def test_labels_may_be_absent_and_groups_and_times_there(tmp_path):
    save(tmp_path, x=X, x_val=X[:2], group=np.array(list("aabbcc")), time=np.arange(6))
    raw = load("data.npz", tmp_path)
    assert raw.train.y is None
    assert raw.validation is not None
    assert raw.validation.y is None
    assert raw.train.group.tolist() == list("aabbcc")
    assert raw.train.time.tolist() == list(range(6))


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    save(tmp_path, x=X, y=Y)
    assert len(load(str(tmp_path / "data.npz"), Path("elsewhere")).train) == 6


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"X": X, "labels": Y}, "no 'x'; there is: X, labels"),
        ({"x": X, "Y": Y}, "'Y' would be left out: labels are called 'y'"),
        ({"x": X, "labels": Y}, "'labels' would be left out: labels are called 'y'"),
        ({"x": X, "x_val": X, "y_val": Y}, "'y_val' is there without 'y'"),
        ({"x": X, "y": Y, "group": Y[:3]}, "'group' must have one value for each example of x, (6,)"),
        ({"x": X, "y": Y, "x_val": X}, "'x_val' is there without 'y_val'"),
        ({"x": X, "y": Y, "y_test": Y}, "'y_test' is there without 'x_test'"),
        ({"x": X, "y": Y, "x_valid": X, "y_valid": Y}, "'x_valid' would be left out. Did you mean 'x_val'?"),
        ({"x": X, "y": np.array(["a", None] * 3, dtype=object)}, "'y' holds Python objects"),
        ({"x": X, "y": Y, "class_names": Y}, "'class_names' must be text"),
        ({}, "there is: nothing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, arrays, problem):
    np.savez(tmp_path / "data.npz", allow_pickle=True, **arrays)
    with pytest.raises(DataError) as error:
        load("data.npz", tmp_path)
    assert problem in str(error.value)
    assert "data.npz" in str(error.value)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(DataError) as error:
        load("data.npz", save(tmp_path, X=X, y=Y, x_val=X))
    assert "no 'x'" in str(error.value)
    assert "'x_val' is there without" in str(error.value)


def test_a_missing_file_has_a_neighbour(tmp_path):
    with pytest.raises(DataError, match=r"no file .*daat\.npz\. Did you mean 'data\.npz'\?"):
        load("daat.npz", save(tmp_path, x=X, y=Y))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="no file"):
        load(".", tmp_path)


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "data.npy", X)
    with pytest.raises(DataError, match="single array"):
        load("data.npy", tmp_path)


def test_a_pickle_is_never_opened(tmp_path):
    np.save(tmp_path / "data.npz.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        load("data.npz.npy", tmp_path)


def test_what_is_no_array_is_left_out(tmp_path):
    save(tmp_path, x=X, y=Y)
    with zipfile.ZipFile(tmp_path / "data.npz", "a") as archive:
        archive.writestr("README.txt", "hello")
    assert len(load("data.npz", tmp_path).train) == 6


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz"):
        load("data.npz", path.parent)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_file_is_read_right_or_refused(tmp_path_factory, place, junk, cut):
    folder = save(tmp_path_factory.mktemp("damaged"), x=X, y=Y)
    content = bytearray((folder / "data.npz").read_bytes())
    place %= len(content)
    content[place : len(content) if cut else place + len(junk)] = junk
    (folder / "data.npz").write_bytes(content)
    try:
        raw = load("data.npz", folder)
    except DataError:
        return
    # What was hit is not covered by a check sum: a date, say.
    np.testing.assert_array_equal(raw.train.only, X)
    np.testing.assert_array_equal(raw.train.y, Y)
