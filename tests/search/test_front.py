"""The frontier, trial by trial."""

from hypothesis import given
from hypothesis import strategies as st

from nas.ranking import frontier
from nas.search.front import Front
from tests.report.samples import trial

VALUES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=20)


@given(VALUES)
def test_it_is_that_of_all_trials_together(values):
    directions = ("maximize", "minimize", "maximize")
    front, trials = Front(directions), []
    for number, each in enumerate(values):
        front.add(number, each)
        trials.append(trial(number, values=tuple(map(float, each))))
        assert front.members == {one.number for one in frontier(trials, directions)}


def test_what_is_not_finite_is_not_on_it():
    front = Front(("maximize", "minimize"))
    front.add(0, (0.5, float("nan")))
    front.add(1, (float("inf"), 1.0))
    assert front.members == set()
    front.add(2, (0.5, 1.0))
    assert front.members == {2}
