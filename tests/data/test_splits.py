"""What is cut off: all of it, once, every class, the same every time."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nas.data.options import SplitSection
from nas.data.source import Examples, RawData
from nas.data.splits import hold_out, split
from nas.data_card import Target
from nas.errors import DataError

SPLITS = ("train", "validation", "test")
counts = st.lists(st.integers(3, 60), min_size=1, max_size=6)
percents = st.integers(1, 60)


def examples(class_counts: list[int], first: int = 0, seed: int = 0) -> Examples:
    """Examples whose input is a number of their own, in no order of classes."""
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(class_counts)), class_counts)).astype(np.int32)
    return Examples.of(np.arange(first, first + len(y), dtype=np.float32)[:, None], y)


def names(class_counts: list[int]) -> Target:
    return Target(names=tuple(f"class {label}" for label in range(len(class_counts))))


@given(counts, st.booleans(), st.booleans(), st.integers(0, 9))
def test_splits_are_disjoint_complete_and_deterministic(class_counts, validation, test, seed):
    raw = RawData(
        examples(class_counts, seed=seed),
        examples(class_counts, first=10_000) if validation else None,
        examples(class_counts, first=20_000) if test else None,
        target=names(class_counts),
    )
    splits, notes = split(raw)
    assert tuple(splits) == SPLITS
    together = np.concatenate([part.only for part in splits.values()])
    before = np.concatenate([part.only for part in raw.splits.values()])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(before, axis=0))
    label_of = {float(x[0]): y for part in raw.splits.values() for x, y in zip(part.only, part.y, strict=True)}
    for name, part in splits.items():
        assert [label_of[float(x[0])] for x in part.only] == part.y.tolist()
        assert set(part.y) == set(range(len(class_counts))), name
        if name in raw.splits and name != "train":
            np.testing.assert_array_equal(part.only, raw.splits[name].only)
    again, _ = split(raw)
    assert all(np.array_equal(splits[name].only, again[name].only) for name in SPLITS)
    assert notes == ()


@given(counts, percents)
def test_each_class_is_held_out_in_proportion(class_counts, percent):
    y = examples(class_counts).y
    held_out = hold_out(y, percent)
    for label, count in enumerate(class_counts):
        held = int(held_out[y == label].sum())
        assert 1 <= held < count
        assert abs(held - count * percent / 100) <= 1


@given(st.lists(st.integers(20, 60), min_size=1, max_size=6), st.integers(5, 60))
def test_the_held_out_sum_up_to_the_percentage(class_counts, percent):
    held_out = hold_out(examples(class_counts).y, percent)
    assert int(held_out.sum()) == round(sum(class_counts) * percent / 100)


def test_the_test_split_does_not_hang_on_whether_validation_is_given():
    train, validation = examples([30, 30]), examples([5, 5], first=1000)
    without, _ = split(RawData(train, target=names([1, 1])))
    given_, _ = split(RawData(train, validation, target=names([1, 1])))
    np.testing.assert_array_equal(without["test"].only, given_["test"].only)


def test_a_fifth_and_a_fifth_of_the_rest():
    splits, _ = split(RawData(examples([500, 500]), target=names([1, 1])))
    assert {name: len(part) for name, part in splits.items()} == {"train": 640, "validation": 160, "test": 200}


@pytest.mark.parametrize(("train", "validation"), [(19_998, 4000), (20_000, 2000)])
def test_of_many_examples_with_a_test_split_a_tenth_is_enough(train, validation):
    raw = RawData(examples([train // 2] * 2), test=examples([9, 9], first=90_000), target=names([1, 1]))
    assert len(split(raw)[0]["validation"]) == validation


@pytest.mark.parametrize(
    ("class_counts", "given_", "message"),
    [
        ([9, 2], (), "'class 1' has 2. Each needs at least 3 in train, because test and validation must be cut off"),
        ([1, 9], ("test",), "'class 0' has 1. Each needs at least 2 in train, because validation must be cut off"),
        ([1] * 9, (), "'class 4' has 1 and 4 more. Each"),
        ([3, 0], ("validation", "test"), "'class 1' has 0. Each needs at least 1 in train."),
    ],
)
def test_too_few_of_a_class_are_named_with_how_many_are_needed(class_counts, given_, message):
    raw = RawData(examples(class_counts), target=names(class_counts))
    raw = raw.with_splits({"train": raw.train} | dict.fromkeys(given_, raw.train))
    with pytest.raises(DataError) as error:
        split(raw)
    assert message in str(error.value)


def test_a_class_absent_from_test_is_noted_and_from_validation_refused():
    target = Target(names=("cat", "dog"))
    raw = RawData(examples([5, 5]), examples([5, 5], first=100), examples([0, 5], first=200), target=target)
    (note,) = split(raw)[1]
    assert "test split has no example of 'cat'" in note
    with pytest.raises(DataError, match=r"The validation split has no example of 'dog'.*Add examples"):
        split(RawData(examples([5, 5]), examples([5], first=100), target=target))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 5))
def test_duplicates_between_splits_are_counted(in_validation, in_test, own):
    train = examples([6, 6])

    def copies(count: int, first: int) -> Examples:
        fresh = examples([own, own], first=first)
        return Examples.of(np.concatenate([train.only[:count], fresh.only]), np.concatenate([train.y[:count], fresh.y]))

    assume(in_test + 2 * own > 0)
    notes = split(RawData(train, copies(in_validation, 100), copies(in_test, 200)), cut="random")[1]
    found = [note for note in notes if "as well" in note]
    assert f"{in_validation} of the {in_validation + 2 * own} examples of the validation split are in" in found[0]
    assert f"{in_test} of the {in_test + 2 * own} examples of the test split are in the train" in found[1]
    assert f"{min(in_validation, in_test)} of the" in found[2]
    assert "in the validation split" in found[2]


def people(identities: list[int], first: int = 0, group: list[str] | None = None) -> Examples:
    x = np.arange(first, first + len(identities), dtype=np.float32)[:, None]
    return Examples.of(x, np.array(identities, np.int32), group=None if group is None else np.array(group))


def test_identities_of_train_in_a_validation_split_of_ones_own_are_told():
    target = Target(names=("ann", "bob", "dan", "eve"))
    given_ = RawData(people([0, 0, 1, 1]), people([0, 2, 1, 2], 10), people([3, 3], 20), target=target)
    (note,) = split(given_, cut="identity")[1]
    assert "validation split that train has as well: 2 of 3 (ann, bob)" in note
    assert "let nas cut whole identities" in note
    apart = RawData(people([0, 0, 1, 1]), people([2, 2], 10), people([3, 3], 20), target=target)
    assert split(apart, cut="identity")[1] == ()
    assert split(given_, cut="random")[1] == (), "no other task minds"


def test_identities_on_two_sides_of_a_cut_by_group_are_told_with_what_keeps_them_apart():
    identities = [0, 1] * 10
    groups = [str(row // 4) for row in range(20)]
    raw = RawData(people(identities, group=groups), target=Target(names=("ann", "bob")))
    notes = split(raw, SplitSection(by="group"), cut="identity")[1]
    assert len(notes) == 2
    assert "validation split that train has as well: 2 of 2 (ann, bob)" in notes[0]
    assert "test split that train has as well" in notes[1]
    assert all('data.split.by = "ratio"' in note for note in notes)
    raw = RawData(people([row // 2 for row in range(20)]), target=Target(names=tuple("abcdefghij")))
    assert split(raw, cut="identity")[1] == ()
