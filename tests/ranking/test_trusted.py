"""The order after a race: estimates in place of scores, who failed last, and what is thought of who was not raced."""

from __future__ import annotations

from math import isfinite, isnan, nan
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.metrics import Bounds
from nas.ranking import Raced, Trust, raced, rank
from nas.ranking.trusted import shrunk
from tests.report.samples import fresh, race, trial

ONE = ("maximize",)
SEARCHED = [trial(number, values=(score,)) for number, score in enumerate((0.99, 0.98, 0.97, 0.90, 0.80))]


def order(trials, races, directions=ONE):
    return [entry.trial.number for entry in rank(trials, directions, races)]


def test_before_a_race_there_is_nothing_to_trust():
    assert raced(SEARCHED, [], "maximize") is None
    unfinished = [fresh(0, 0, 0.9, [0, 1], outcome=None)]
    other = [fresh(0, 0, 0.9, [0, 1], purpose="finetune")]
    for evaluations in ([], unfinished, other):
        entries = rank(SEARCHED, ONE, evaluations)
        assert [entry.trust for entry in entries] == [None] * 5
        assert [entry.told for entry in entries] == [entry.values for entry in entries]


def test_estimates_take_the_place_of_scores():
    races = race({0: [0.91, 0.92, 0.91], 1: [0.97, 0.98, 0.97], 2: [0.94, 0.95, 0.94]})
    entries = rank(SEARCHED, ONE, races)
    assert [entry.trial.number for entry in entries][:3] == [1, 2, 0]
    first = entries[0]
    assert first.values == (0.98,)
    assert first.told == (first.trust.estimate,)
    assert first.trust.low < first.trust.estimate < first.trust.high
    assert (first.trust.seeds, first.trust.failed) == (3, 0)
    assert sum(entry.trust.p_best or 0.0 for entry in entries) == pytest.approx(1.0)
    assert first.trust.tied
    assert not next(entry for entry in entries if entry.trial.number == 0).trust.tied


def test_whoever_failed_in_the_race_is_last_behind_who_was_not_raced():
    races = race({0: [0.98, None], 1: [0.97], 2: [0.96]})
    entries = rank(SEARCHED, ONE, races)
    assert [entry.trial.number for entry in entries] == [1, 2, 3, 4, 0]
    last = entries[-1].trust
    assert isnan(last.estimate)
    assert (last.seeds, last.failed, last.p_best, last.tied) == (1, 1, 0.0, False)
    assert entries[-1].told == (0.99,)  # what the search said is all there is


def test_where_all_failed_the_rest_is_as_it_was():
    races = race({0: [None], 1: [None]})
    entries = rank(SEARCHED, ONE, races)
    assert [entry.trial.number for entry in entries] == [2, 3, 4, 0, 1]
    assert entries[0].trust is None


def test_with_one_that_is_less_is_better():
    trials = [trial(number, values=(score,)) for number, score in enumerate((0.01, 0.02, 0.03, 0.2))]
    races = race({0: [0.09, 0.09], 1: [0.02, 0.03], 2: [0.05, 0.05]})
    entries = rank(trials, ("minimize",), races)
    assert entries[0].trial.number == 1
    assert [entry.told[0] for entry in entries] == sorted(entry.told[0] for entry in entries)
    assert entries[0].trust.low < entries[0].trust.estimate < entries[0].trust.high
    assert 0.0 < entries[0].trust.estimate < 0.05


def test_with_several_objectives_estimates_decide_who_is_on_the_frontier():
    values = [(0.99, 10.0), (0.97, 20.0), (0.5, 5.0)]
    trials = [trial(number, values=value) for number, value in enumerate(values)]
    directions = ("maximize", "minimize")
    assert [(entry.trial.number, entry.front) for entry in rank(trials, directions)] == [(0, 1), (2, 1), (1, 2)]
    races = race({0: [0.90, 0.90, 0.91], 1: [0.97, 0.97, 0.98]})
    entries = rank(trials, directions, races)
    assert [(entry.trial.number, entry.front) for entry in entries] == [(1, 1), (0, 1), (2, 1)]
    assert entries[0].told == (entries[0].trust.estimate, 20.0)
    failed = rank(trials, directions, race({0: [None], 1: [0.97]}))
    assert [(entry.trial.number, entry.front) for entry in failed] == [(1, 1), (2, 1), (0, 2)]


def test_of_an_architecture_that_stands_who_was_raced_and_did_better():
    """Two trainings of one architecture, with other training choices, may both have been raced."""
    trials = [
        trial(0, values=(0.95,), fingerprint="a" * 64),
        trial(1, values=(0.99,), fingerprint="a" * 64),
        trial(2, values=(0.97,), fingerprint="b" * 64),
        trial(3, values=(0.98,), fingerprint="b" * 64),
    ]
    entries = rank(trials, ONE, race({0: [0.96, 0.96], 1: [0.90, 0.90], 2: [0.93, 0.93]}))
    assert [(entry.trial.number, entry.trials) for entry in entries] == [(0, (0, 1)), (2, (2, 3))]
    assert order(trials, race({0: [None], 1: [0.90, 0.91], 2: [0.93, 0.93]})) == [2, 1]


def test_who_was_in_the_race_but_never_trained_is_estimated_by_it():
    races = race({0: [0.95, 0.95], 1: [0.97, 0.97]}, between=[0, 1, 2])
    third = next(entry for entry in rank(SEARCHED, ONE, races) if entry.trial.number == 2)
    assert (third.trust.seeds, third.trust.p_best is None) == (0, False)
    assert isfinite(third.trust.estimate)


def test_who_was_not_raced_is_drawn_towards_the_mean_of_all():
    races = race({0: [0.93, 0.97], 1: [0.94, 0.96]})
    found = raced(SEARCHED, races, "maximize")
    trust = {entry.trial.number: entry.trust for entry in rank(SEARCHED, ONE, races)}
    mean = fmean(score for (score,) in (one.values for one in SEARCHED))
    for number, score in ((2, 0.97), (3, 0.90), (4, 0.80)):
        assert min(score, mean) < trust[number].estimate < max(score, mean)
        assert (trust[number].seeds, trust[number].p_best, trust[number].tied) == (0, None, None)
        assert trust[number].low < trust[number].estimate < trust[number].high
    assert found.seed_sigma > 0


def test_little_noise_draws_little_and_much_draws_as_far_as_five_scores_allow():
    def at(sigma: float) -> float:
        scores = dict(enumerate((0.99, 0.98, 0.97, 0.90, 0.80)))
        return shrunk(scores, Raced({0: Trust(0.9, 0.8, 1.0, 1, 1.0, True)}, sigma, (0,), {}))[4].estimate

    assert at(1e-9) == pytest.approx(0.80)
    assert 0.80 < at(0.03) < 0.864
    assert at(1.0) == pytest.approx(0.864)  # half of the way to their mean, 0.928
    assert shrunk({0: 0.9, 1: 0.8}, Raced({}, nan, (), {})) == {}
    assert shrunk({1: 0.8}, Raced({}, 0.1, (), {})) == {}


def test_nobody_comes_first_for_not_having_been_raced():
    """The ten best of forty that are all the same, and one more right behind them: luck is taken off it as well."""
    random = Random(0)
    searched = sorted((0.9 + random.gauss(0, 0.02) for _ in range(40)), reverse=True)
    trials = [trial(number, values=(score,)) for number, score in enumerate(searched)]
    races = race({number: [0.9 + random.gauss(0, 0.02) for _ in range(3)] for number in range(10)})
    entries = rank(trials, ONE, races)
    best = max(entry.told[0] for entry in entries if entry.trust.seeds)
    unraced = [entry for entry in entries if not entry.trust.seeds]
    assert entries[0].trust.seeds == 3
    assert searched[10] > 0.91  # where it would stand by its score
    assert max(entry.told[0] for entry in unraced) < best
    assert all(entry.trust.low < 0.9 < entry.trust.high for entry in unraced)
    assert [entry.trial.number for entry in unraced] == sorted(entry.trial.number for entry in unraced)


def test_scores_that_are_all_equal_are_no_trouble():
    trials = [trial(number, values=(1.0,)) for number in range(4)]
    entries = rank(trials, ONE, race({0: [1.0], 1: [1.0], 2: [1.0]}))
    assert [entry.told for entry in entries] == [(pytest.approx(1.0),)] * 4


@pytest.mark.parametrize("score", [1.0, 0.5, 0.0])
def test_trainings_that_came_to_one_score_give_no_interval_instead_of_one_without_width(score):
    """Nothing was seen of how far they scatter; that is not to know that they do not."""
    trials = [trial(number, values=(score,)) for number in range(4)]
    for entry in rank(trials, ONE, race({0: [score, score], 1: [score], 2: [score]}), Bounds(0.0, 1.0)):
        assert entry.trust.estimate == pytest.approx(score)
        assert isnan(entry.trust.low)
        assert isnan(entry.trust.high)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_estimates_and_intervals_stay_within_what_the_metric_can_be_and_the_order_is_as_without(direction):
    good = (0.999, 0.998, 0.9985, 0.99, 0.985, 0.95, 0.9, 0.7)
    turned = (lambda value: value) if direction == "maximize" else (lambda value: round(1 - value, 6))
    trials = [trial(number, values=(turned(score),)) for number, score in enumerate(good)]
    told = {0: [1.0, 0.985], 1: [1.0, 0.999], 2: [0.999], 3: [0.98]}
    races = race({number: [turned(score) for score in scores] for number, scores in told.items()})
    free, within = rank(trials, (direction,), races), rank(trials, (direction,), races, Bounds(0.0, 1.0))
    assert any(not 0 <= entry.trust.low <= entry.trust.high <= 1 for entry in free)
    for entry, one in zip(within, free, strict=True):
        assert 0 <= entry.trust.low <= entry.trust.estimate <= entry.trust.high <= 1
        assert (entry.trial.number, entry.trust.p_best, entry.trust.tied) == (
            one.trial.number, one.trust.p_best, one.trust.tied,
        )  # fmt: skip
        assert entry.unbounded == one.trust


def test_bounds_never_hide_what_was_measured():
    """The name of a metric may say too little: a loss of somebody's own may be less than 0."""
    trials = [trial(number, values=(score,)) for number, score in enumerate((-0.9, -0.8, -0.7))]
    races = race({0: [-0.92, -0.9], 1: [-0.82, -0.8], 2: [-0.71, -0.7]})
    for entry in rank(trials, ("minimize",), races, Bounds(low=0.0)):
        assert -0.92 <= entry.trust.estimate <= -0.69


scores = st.floats(0, 1).map(lambda value: round(value, 3))


@given(
    st.lists(scores, min_size=2, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.one_of(scores, st.none())), max_size=12),
    st.sampled_from(["maximize", "minimize"]),
)
def test_whatever_the_race_everybody_has_one_place_and_the_failed_are_last(searched, told, direction):
    trials = [trial(number, values=(score,)) for number, score in enumerate(searched)]
    by_trial: dict[int, list[float | None]] = {}
    for number, score in told:
        if number < len(trials):
            by_trial.setdefault(number, []).append(score)
    entries = rank(trials, (direction,), race(by_trial))
    assert sorted(entry.trial.number for entry in entries) == list(range(len(trials)))
    assert [entry.place for entry in entries] == list(range(1, len(trials) + 1))
    failed = [entry.trust is not None and entry.trust.failed > 0 for entry in entries]
    assert failed == sorted(failed)
    sound = [entry.told[0] for entry, one in zip(entries, failed, strict=True) if not one]
    assert sound == sorted(sound, reverse=direction == "maximize")
