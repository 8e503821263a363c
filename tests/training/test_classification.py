"""Labels of any honest kind become integers from 0; what is no class is refused with a remedy. Needs no TensorFlow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.source import Examples, RawData
from nas.data_card import Target
from nas.errors import DataError
from nas.training.tasks.classification import CLASSIFICATION


def data(y: object, class_names: tuple[str, ...] = (), **splits: object) -> RawData:
    def examples(labels: object) -> Examples:
        labels = np.asarray(labels)
        return Examples.of(np.zeros((len(labels), 2)), labels)

    return RawData(
        examples(y), **{name: examples(labels) for name, labels in splits.items()}, target=Target(names=class_names)
    )


def mapped(y: object, class_names: tuple[str, ...] = ()) -> tuple[list[int], tuple[str, ...]]:
    checked = CLASSIFICATION.check(data(y, class_names))
    assert checked.train.y.dtype == np.int32
    return checked.train.y.tolist(), checked.target.names


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([0, 1, 1, 0], ("0", "1")),
        ([7, -3, -3, 7], ("-3", "7")),
        ([1.0, 2.0, 2.0, 1.0], ("1", "2")),
        (["dog", "cat", "cat", "dog"], ("cat", "dog")),
        ([b"dog", b"cat", b"cat", b"dog"], ("cat", "dog")),
        (np.array(["dog", "cat", "cat", "dog"], dtype=object), ("cat", "dog")),
        (np.array([3, 5.0, 5, 3], dtype=object), ("3", "5")),
        ([True, False, False, True], ("False", "True")),
        ([[0], [1], [1], [0]], ("0", "1")),
        ([[1, 0], [0, 1], [0, 1], [1, 0]], ("0", "1")),
        ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], ("0", "2")),
        (np.array([2**63 - 1, 5, 5, 2**63 - 1], np.uint64), ("5", "9223372036854775807")),
        (["ß", "日本", "日本", "ß"], ("ß", "日本")),
    ],
)
def test_labels_of_any_kind_become_integers_in_sorted_order(y, names):
    labels, class_names = mapped(y)
    assert class_names == names
    assert labels in ([0, 1, 1, 0], [1, 0, 0, 1])
    first = names.index(str(np.asarray(y).ravel()[0])) if np.asarray(y).dtype.kind == "U" else labels[0]
    assert labels[0] == first


@given(st.lists(st.text(min_size=1, max_size=3), min_size=2, max_size=6, unique=True), st.integers(2, 4), st.randoms())
def test_text_is_mapped_one_to_one_and_back(words, repeats, random):
    words = [word.rstrip("\0") or "-" for word in words]  # NumPy's text drops trailing zeros
    y = words * repeats
    random.shuffle(y)
    if len(set(words)) < 2:
        return
    labels, names = mapped(y)
    assert list(names) == sorted(set(words))
    assert [names[label] for label in labels] == y


@given(st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=6, unique=True), st.integers(2, 4))
def test_integers_are_mapped_one_to_one_and_back(values, repeats):
    labels, names = mapped(np.array(values * repeats))
    assert [int(names[label]) for label in labels] == values * repeats
    assert set(labels) == set(range(len(values)))


@given(st.integers(2, 6), st.integers(2, 4), st.sampled_from([np.uint8, np.float32, bool]))
def test_one_hot_is_the_same_as_integers(classes, repeats, dtype):
    y = np.tile(np.arange(classes), repeats)
    assert mapped(np.eye(classes, dtype=dtype)[y]) == mapped(y)


def test_all_splits_share_one_mapping():
    checked = CLASSIFICATION.check(data(["b", "c", "a"] * 2, validation=["c"], test=["b", "a"]))
    assert checked.validation.y.tolist() == [2]
    assert checked.test.y.tolist() == [1, 0]


def test_given_class_names_are_looked_up_by_label():
    assert mapped([2, 0, 0, 2], ("cat", "dog", "emu")) == ([1, 0, 0, 1], ("cat", "emu"))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.0, 2.0], "y has 0.5 in row 0 (from 0): this looks like regression"),
        ([1.0, np.inf, 2.0], "y has inf in row 1"),
        ([1.0, np.nan, np.nan], "2 of 3 labels are missing (NaN), first in row 1"),
        ([1e300, 1.0, 1.0], "looks like regression"),
        (np.array(["a", None], dtype=object), "the label in row 1 (from 0) is missing (None)"),
        (np.array(["a", float("nan")], dtype=object), "the label in row 1 (from 0) is missing (nan)"),
        (np.array(["a", 1], dtype=object), "all integers or all text. Received: float, str"),
        (np.array([{}, {}], dtype=object), "Received: dict"),
        ([3, 3, 3], "only one class, 3"),
        (np.arange(30), "30 different labels for 30 examples: they look like identifiers"),
        ([f"id-{i}" for i in range(9)] + ["id-0"], "9 different labels for 10 examples"),
        ([[0.5, 0.5], [1, 0]], "row 0 (from 0) has other numbers than 0 and 1"),
        ([[1, 0], [1, 1]], "row 1 (from 0) of y marks 2 of 2"),
        ([[0, 1], [0, 0]], "row 1 (from 0) of y marks 0 of 2"),
        ([["a", "b"], ["b", "a"]], "Received: shape (2, 2), dtype <U1"),
        (np.zeros((2, 2, 2)), "Received: shape (2, 2, 2)"),
        (np.array(["2026-01-01"] * 3, "M8[D]"), "Received: dtype datetime64[D]"),
        ([1j, 2j], "Received: dtype complex128"),
        (np.array([2**64 - 1, 1, 1, 1], np.uint64), "Received: dtype uint64"),
    ],
)
def test_what_is_no_class_is_refused_with_a_reason(y, message):
    with pytest.raises(DataError) as error:
        CLASSIFICATION.check(data(y))
    assert message in str(error.value)


def test_a_label_train_lacks_is_named_where_it_is():
    with pytest.raises(DataError, match=r"no example of: emu \(2 in validation\), fox \(1 in test\)\."):
        CLASSIFICATION.check(data(["cat", "dog"] * 2, validation=["emu", "cat", "emu"], test=["fox"]))


def test_splits_must_have_one_kind_of_label():
    with pytest.raises(DataError, match="text in train, integers in test"):
        CLASSIFICATION.check(data(["0", "1"] * 2, test=[0, 1]))


@pytest.mark.parametrize("y", [[0, 3, 0, 3], [-1, 1, -1, 1]])
def test_class_names_must_cover_the_labels(y):
    with pytest.raises(DataError, match=r"There are 3 class names, for labels 0 to 2, but y has -?[13]"):
        mapped(y, ("a", "b", "c"))
