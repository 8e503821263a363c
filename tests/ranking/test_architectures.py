from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import Cost
from nas.ranking import Bar, bar, frontier, rank
from tests.report.samples import study, trial

ONE = ("maximize",)
TWO = ("maximize", "minimize")

few = st.integers(0, 4).map(float)
points = st.lists(st.tuples(few, few, few), min_size=1, max_size=30)


def beats(a, b):
    """Maximise the first value, minimise the others."""
    better = (a[0] >= b[0], *(x <= y for x, y in zip(a[1:], b[1:], strict=True)))
    return all(better) and a != b


def test_best_first_and_only_what_is_complete():
    trials = [
        trial(0, values=(0.8,)),
        trial(1, values=(0.9,)),
        trial(2, outcome="pruned", values=(0.99,)),
        trial(3, outcome="failed", kind="oom", values=None),
        trial(4, outcome=None, values=None),
    ]
    assert [(r.place, r.trial.number) for r in rank(trials, ONE)] == [(1, 1), (2, 0)]
    assert [r.trial.number for r in rank(trials, ("minimize",))] == [0, 1]


@pytest.mark.parametrize("value", [nan, inf, -inf, None])
def test_a_score_that_is_no_number_is_not_ranked(value):
    trials = [trial(0, values=(value,)), trial(1, values=(0.5,)), trial(2, values=None)]
    assert [r.trial.number for r in rank(trials, ONE)] == [1]


def test_trainings_of_one_architecture_are_one_entry():
    trials = [
        trial(0, values=(0.7,), fingerprint="a" * 64),
        trial(1, values=(0.9,), fingerprint="a" * 64),
        trial(2, values=(0.9,), fingerprint="a" * 64, duplicate_of=1),
        trial(3, values=(0.8,), fingerprint="b" * 64),
        trial(4, values=(0.1,), fingerprint=None),
        trial(5, values=(0.2,), fingerprint=None),
    ]
    assert [(r.trial.number, r.trials) for r in rank(trials, ONE)] == [
        (1, (0, 1, 2)),
        (3, (3,)),
        (5, (5,)),
        (4, (4,)),
    ]


def test_equal_scores_go_to_the_cheaper_one_and_unknown_cost_is_last():
    costs = [Cost(), Cost(weights=10, macs=9), Cost(weights=10, macs=5), Cost(weights=3)]
    trials = [trial(n, values=(0.5,), cost=cost) for n, cost in enumerate(costs)]
    assert [r.trial.number for r in rank(trials, ONE)] == [3, 2, 1, 0]


def test_two_objectives_go_by_front_then_by_the_first():
    values = [(0.9, 5.0), (0.8, 1.0), (0.85, 9.0), (0.7, 2.0)]
    trials = [trial(n, values=value) for n, value in enumerate(values)]
    assert [(r.front, r.trial.number) for r in rank(trials, TWO)] == [(1, 0), (1, 1), (2, 2), (2, 3)]
    assert [t.number for t in frontier(trials, TWO)] == [0, 1]


def test_a_wrong_number_of_values_is_refused():
    with pytest.raises(ValueError, match=r"one value per objective \(2\).*trial 7"):
        rank([trial(7, values=(0.5,))], TWO)


def test_nothing_gives_nothing():
    assert rank([], ONE) == []
    assert frontier([], TWO) == []


@given(points)
def test_the_frontier_is_never_empty_and_never_beaten(values):
    trials = [trial(n, values=value) for n, value in enumerate(values)]
    front = frontier(trials, ("maximize", "minimize", "minimize"))
    assert front
    on = {t.number for t in front}
    for one in trials:
        beaten = any(beats(other.values, one.values) for other in trials)
        assert (one.number in on) == (not beaten)


@given(points, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_trials(values, random):
    trials = [trial(n, values=value, fingerprint=f"{n % 5:064x}") for n, value in enumerate(values)]
    shuffled = trials.copy()
    random.shuffle(shuffled)
    directions = ("minimize", "maximize", "minimize")
    assert rank(trials, directions) == rank(shuffled, directions)
    assert [r.place for r in rank(trials, directions)] == list(range(1, len({t.fingerprint for t in trials}) + 1))


def test_the_baseline_is_beaten_in_the_first_objective_or_not():
    data = {"baseline": {"name": "mean of train", "metrics": {"val_rmse": 2.0, "val_mae": 1.0}}}
    record = study(data=data, objectives=("val_rmse", "weights"), directions=("minimize", "minimize"))
    known = bar(record)
    assert known == Bar("mean of train", "val_rmse", 2.0, "minimize")
    assert known.is_beaten_by(1.9)
    for score in (2.0, 2.0 - 1e-7, 2.1, nan, None):  # a float32 of the same is no better
        assert not known.is_beaten_by(score)
    for nothing in (None, {}, {"baseline": None}, {"baseline": {"name": "mean", "metrics": {"val_mae": 1.0}}}):
        assert bar(study(data=nothing, objectives=("val_rmse",), directions=("minimize",))) is None
