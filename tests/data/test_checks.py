"""Nothing that cannot be searched on gets past, and all that is wrong is said at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nas.data.checks import LARGEST, check
from nas.data.source import Examples, RawData, RawInput
from nas.errors import DataError


def raw(x: object, y: object = None, **splits: Examples) -> RawData:
    x = np.asarray(x)
    return RawData(Examples.of(x, np.zeros(len(x)) if y is None else np.asarray(y)), **splits)


@pytest.mark.parametrize(
    ("x", "problem"),
    [
        (np.zeros((0, 3)), "train: there are no examples"),
        (np.zeros((3, 0)), "train: the examples are empty"),
        (np.zeros(3), "too few axes, (3,)"),
        (np.zeros((3, 2, 2, 2, 2)), "too many axes, (3, 2, 2, 2, 2)"),
        ([["a", "b"]], "Received: text (dtype <U1)"),
        (np.array([[{}]]), "Received: Python objects (dtype object)"),
        ([[1j]], "complex numbers"),
        (np.array([["2026-01-01"]], dtype="M8[D]"), "dates"),
        ([[1.0, np.nan], [2.0, 3.0]], "1 of the numbers in x are NaN, infinite or beyond ±1e+30, in 1 of 2 rows, fi"),
        ([[1.0, 2.0], [np.inf, -np.inf]], "2 of the numbers in x are NaN, infinite or beyond ±1e+30, in 1 of 2 rows"),
        ([[1.0], [1.0], [1e300]], "first in row 2 (from 0)"),
        (np.array([[1.0], [np.nan]], np.float16), "first in row 1"),
    ],
)
def test_what_is_wrong_with_x_is_named(x, problem):
    with pytest.raises(DataError) as error:
        check(raw(x))
    assert problem in str(error.value)


def test_the_columns_that_are_no_numbers_are_named():
    x = np.ones((9, 9))
    x[[2, 5], 0], x[7:, 3], x[1, 4:] = np.nan, np.inf, np.nan
    columns = ("age", "size", "year", "income", *(f"more{n}" for n in range(5)))
    with pytest.raises(DataError) as error:
        check(RawData(Examples.of(x), inputs={"x": RawInput("vector", columns=columns)}))
    assert (
        "9 of the numbers in x are NaN, infinite or beyond ±1e+30, in 5 of 9 rows, first in row 1 (from 0): "
        "age (2, first in row 2), income (2, first in row 7), more0 (1, first in row 1), more1 (1, first in row 1), "
        "more2 (1, first in row 1) and 2 more columns. Fill them in"
    ) in str(error.value)


def test_columns_without_names_are_counted():
    with pytest.raises(DataError, match=r"\(from 0\): column 1 \(1, first in row 0\)\. Fill"):
        check(raw([[1.0, np.nan, 1.0], [2.0, 3.0, 1.0]]))
    with pytest.raises(DataError, match=r"first in row 0 \(from 0\)\. Fill"):
        check(raw(np.full((2, 4, 4), np.nan)))


def test_all_problems_are_told_at_once():
    data = raw(
        np.zeros((4, 2)),
        np.zeros(3),
        validation=Examples.of(np.full((2, 2), np.nan), np.zeros(2)),
        test=Examples.of(np.zeros((0, 2)), np.zeros(0)),
    )
    with pytest.raises(DataError) as error:
        check(data)
    assert "train: x has 4 examples, y has 3 labels" in str(error.value)
    assert "validation: 4 of the numbers" in str(error.value)
    assert "test: there are no examples" in str(error.value)


def test_a_single_label_for_all_is_refused():
    with pytest.raises(DataError, match="single value: 3"):
        check(RawData(Examples.of(np.zeros((2, 2)), np.array(3))))


def test_splits_must_agree_in_shape():
    with pytest.raises(DataError, match=r"test: an example has shape \(3,\), one of train \(2,\)"):
        check(raw(np.zeros((4, 2)), test=Examples.of(np.zeros((2, 3)), np.zeros(2))))


def test_an_only_input_is_called_x():
    known = {"photo": RawInput("image")}
    photos = Examples({"photo": np.zeros((2, 4, 4))}, np.zeros(2))
    data = check(RawData(photos, test=photos, inputs=known))
    assert set(data.train.x) == set(data.test.x) == set(data.inputs) == {"x"}
    assert data.inputs["x"].kind == "image"


def test_a_channel_axis_is_added_where_it_is_missing():
    data = check(raw(np.zeros((4, 5, 6)), test=Examples.of(np.zeros((2, 5, 6, 1)), np.zeros(2))))
    assert data.train.only.shape == (4, 5, 6, 1)


@pytest.mark.parametrize(
    ("given_x", "stored"),
    [
        (np.array([[0, 255]], np.int64), np.uint8),
        (np.array([[-1, 100]], np.int64), np.int8),
        (np.array([[-1, 255]], np.int64), np.int16),
        (np.array([[0, 65535]], np.uint16), np.int32),
        (np.array([[0, 2**40]], np.int64), np.float32),
        (np.array([[0, 2**64 - 1]], np.uint64), np.float32),
        (np.array([[True, False]]), np.uint8),
        (np.array([[0.5, 1.0]], np.float64), np.float32),
        (np.array([[0.5, 1.0]], np.float16), np.float16),
        (np.array([[0.5, 1.0]], ">f8"), np.float32),
        (np.array([[0.5, 1.0]], np.longdouble), np.float32),
    ],
)
def test_the_stored_dtype_is_compact(given_x, stored):
    x = check(raw(given_x)).train.only
    assert x.dtype == stored
    assert x.dtype.isnative
    np.testing.assert_allclose(x.astype(np.float64), given_x.astype(np.float64), rtol=1e-6)


@pytest.mark.parametrize("given_as", [np.int16, np.int64])
def test_soft_sounds_stay_soft(given_as):
    soft = np.array([[0, 1, 100], [-3, 2, 0]], given_as)  # would fit into 8 bits, and be 256 times as loud
    assert check(raw(soft), "audio").train.only.dtype == np.int16


def test_all_splits_are_stored_in_one_dtype():
    data = check(raw([[1], [2]], test=Examples.of(np.array([[0.5]]), np.zeros(1))))
    assert data.train.only.dtype == data.test.only.dtype == np.float32


NUMBERS = st.one_of(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(), hnp.boolean_dtypes())


@given(hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4)))
def test_numbers_of_any_shape_pass_as_finite_float32_or_are_refused(x):
    try:
        checked = check(raw(x)).train.only
    except DataError:
        assert x.ndim not in (2, 3, 4) or not x.size or not (np.abs(x.astype(np.float64)) <= LARGEST).all()
    else:
        assert checked.ndim in (2, 4)
        assert np.isfinite(checked.astype(np.float32)).all()
        np.testing.assert_allclose(checked.ravel(), x.astype(np.float64).ravel(), rtol=1e-6, atol=1e-37)
