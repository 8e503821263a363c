"""Mean and standard deviation, whatever the size and the offset."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.source import chunks
from nas.data.statistics import mean_and_std


@pytest.mark.parametrize("shape", [(50, 3), (20, 5, 4, 2)])
def test_they_are_numpys(shape):
    x = np.random.default_rng(0).normal(5, 2, shape).astype(np.float32)
    axes = tuple(range(len(shape) - 1))
    mean, std = mean_and_std(x)
    assert mean == pytest.approx(x.mean(axis=axes, dtype=np.float64), rel=1e-12)
    assert std == pytest.approx(x.std(axis=axes, dtype=np.float64), rel=1e-9)


def test_bytes_do_not_overflow():
    mean, std = mean_and_std(
        np.full((1000, 8, 8, 1), 255, np.uint8) - np.arange(1000, dtype=np.uint8).reshape(-1, 1, 1, 1) % 2
    )
    assert mean == pytest.approx([254.5])
    assert std == pytest.approx([0.5])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -3e29, 1e-38])
def test_a_constant_feature_is_not_divided_by_nothing(value):
    x = np.column_stack([np.full(1001, value), np.arange(1001)]).astype(np.float32)
    mean, std = mean_and_std(x)
    assert std[0] == 1.0
    assert np.isfinite((x - np.float32(mean)) / np.float32(std)).all()


def test_a_large_offset_costs_no_precision():
    x = (1e6 + np.random.default_rng(0).integers(0, 2, (10_000, 1))).astype(np.float32)
    assert mean_and_std(x)[1] == pytest.approx([0.5], rel=1e-3)


@given(st.integers(0, 40), st.integers(1, 7), st.integers(1, 50))
def test_chunks_are_the_array(rows, columns, size):
    array = np.arange(rows * columns).reshape(rows, columns)
    parts = list(chunks(array, size))
    assert [start for start, _ in parts] == np.cumsum([0, *(len(part) for _, part in parts)])[:-1].tolist()
    np.testing.assert_array_equal(np.concatenate([array[:0], *(part for _, part in parts)]), array)
    assert all(part.size <= max(size, columns) for _, part in parts)
