"""Hypervolume by counting cells, and knees one can see."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.ranking.frontiers import hypervolume, knee

cells = st.integers(0, 6)


def counted(points, reference):
    """Unit cells below the reference that some point dominates."""
    grid = product(*(range(end) for end in reference))
    return sum(any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in points) for cell in grid)


@given(st.lists(st.tuples(cells, cells), max_size=8))
def test_an_area_is_the_cells_it_covers(points):
    assert hypervolume(points, (5, 5)) == counted(points, (5, 5))


@given(st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_a_volume_is_the_cells_it_covers(points):
    assert hypervolume(points, (5, 4, 5)) == counted(points, (5, 4, 5))


@pytest.mark.parametrize(
    ("points", "reference", "words"),
    [([], (1, 1, 1, 1), "two or three"), ([(1,)], (1, 1), "finite"), ([(1, float("nan"))], (1, 1), "finite")],
)
def test_what_has_no_volume_is_refused(points, reference, words):
    with pytest.raises(ValueError, match=words):
        hypervolume(points, reference)


def test_the_knee_is_where_it_bends_in_any_unit():
    points = [(0.0, 10.0), (1.0, 3.0), (2.0, 2.5), (10.0, 0.0), (5.0, 5.0)]
    assert knee(points) == 1
    assert knee([(1000 * a + 7, b / 3) for a, b in points]) == 1
    assert knee(points[::-1]) == 3


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)], [(0.0, 1.0), (1.0, 0.0)], [(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]])
def test_a_straight_frontier_has_no_knee(points):
    assert knee(points) is None


def test_a_knee_is_of_two_losses():
    with pytest.raises(ValueError, match="two finite"):
        knee([(1.0, float("inf"))])
