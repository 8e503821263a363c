"""A race: what it asks, what it makes of the answers, and that it is worth its trainings."""

import subprocess
import sys
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.ranking import Race, race

NAMES = "abcdefgh"
PRIOR = {name: 0.9 - 0.01 * at for at, name in enumerate(NAMES)}


def scores(seed):
    """A noisy training of each candidate with each seed, always the same."""
    table = np.random.default_rng(seed).normal(0.85, 0.02, (len(NAMES), 60))
    return lambda name, training: float(table[NAMES.index(name), training])


def told(race):
    """All that a ranking says."""
    ranking = race.ranking() if isinstance(race, Race) else race
    return [(c, ranking.estimate(c), ranking.interval(c), ranking.p_best(c)) for c in ranking.order], ranking.tie_group


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 30), st.integers(1, 8), st.sampled_from(("none", "all", "some")), st.integers(0, 9))
def test_no_more_than_the_budget_and_everybody_in_order(budget, count, known, seed):
    prior = {name: score for name, score in PRIOR.items() if known == "all" or (known == "some" and name in "acx")}
    ranking = race(NAMES[:count], scores(seed), budget, prior)
    assert len(ranking.evaluations) == budget
    assert sorted(ranking.order) == sorted(NAMES[:count])
    assert ranking.best == ranking.order[0] == ranking.tie_group[0]
    assert sum(ranking.p_best(name) for name in ranking.order) == pytest.approx(1)
    if not budget and not any(name in prior for name in NAMES[:count]):
        return  # nothing is estimated
    estimates = [ranking.estimate(name) for name in ranking.order]
    assert estimates == sorted(estimates, reverse=True)
    for name in ranking.order:
        low, high = ranking.interval(name)
        assert low < ranking.estimate(name) < high
        inner = ranking.interval(name, 0.5)
        assert low < inner[0] < inner[1] < high


def test_the_jth_training_of_each_has_seed_j():
    ranking = race(NAMES, scores(0), 30, PRIOR)
    for name in NAMES:
        seeds = [one.seed for one in ranking.evaluations if one.candidate == name]
        assert seeds == list(range(len(seeds)))
        assert seeds  # everybody once


@settings(deadline=None, max_examples=20)
@given(st.permutations(NAMES), st.integers(0, 9), st.booleans())
def test_the_order_of_candidates_and_of_answers_does_not_matter(order, seed, known):
    answers = race(NAMES, scores(seed), 14, PRIOR if known else None).evaluations
    straight = Race(NAMES, 14, PRIOR if known else None)
    mixed = Race(order, 14, PRIOR if known else None)
    for answer in answers:
        straight.tell(*answer)
    for answer in sorted(answers, key=lambda answer: order.index(answer.candidate)):
        mixed.tell(*answer)
    for one, two in zip(told(straight)[0], told(mixed)[0], strict=True):
        assert one[0] == two[0]
        assert one[1] == pytest.approx(two[1], rel=1e-9)
        assert one[2] == pytest.approx(two[2], rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.floats(-50, 50), st.floats(0.01, 100), st.integers(0, 9), st.booleans())
def test_scores_in_another_unit_are_estimates_in_another_unit(shift, scale, seed, known):
    prior = PRIOR if known else {}
    one = Race(NAMES, 12, prior)
    other = Race(NAMES, 12, {name: shift + scale * score for name, score in prior.items()})
    for candidate, training, score in race(NAMES, scores(seed), 12, prior).evaluations:
        one.tell(candidate, training, score)
        other.tell(candidate, training, shift + scale * score)
    one, other = one.ranking(), other.ranking()
    assert one.order == other.order
    assert other.seed_sigma == pytest.approx(scale * one.seed_sigma, rel=1e-4)
    for name in NAMES:
        assert other.estimate(name) == pytest.approx(shift + scale * one.estimate(name), abs=1e-4 * scale)
        assert other.interval(name) == pytest.approx(
            [shift + scale * end for end in one.interval(name)], abs=1e-4 * scale
        )


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 9), st.integers(0, 9))
def test_several_at_once_are_different_trainings_within_the_budget(workers, seed):
    running, handed = Race(NAMES, 20, PRIOR), []
    while asked := [one for one in (running.ask() for _ in range(workers)) if one]:
        handed += asked
        for one in reversed(asked):
            running.tell(*one, scores(seed)(*one))
    assert len(handed) == len(set(handed)) == 20


def test_what_is_under_way_counts_until_it_is_told():
    running = Race("ab", 3)
    assert len({running.ask() for _ in range(3)}) == 3
    assert running.ask() is None
    running.tell("a", 0, 1.0)
    assert running.ask() is None


def test_a_race_that_is_told_what_is_stored_goes_on_as_the_first_would_have():
    whole = race(NAMES, scores(3), 20, PRIOR)
    resumed = Race(NAMES, 20, PRIOR)
    for answer in whole.evaluations[:13]:
        resumed.tell(*answer)
    while (asked := resumed.ask()) is not None:
        resumed.tell(*asked, scores(3)(*asked))
    assert resumed.ranking().evaluations == whole.evaluations
    assert told(resumed) == told(whole)


@pytest.mark.parametrize("failure", [nan, inf, -inf])
def test_a_failed_training_costs_and_puts_its_candidate_last(failure):
    ranking = race(NAMES, lambda c, s: failure if c == "a" else scores(1)(c, s), 20, PRIOR)
    assert len(ranking.evaluations) == 20
    assert ranking.order[-1] == "a"
    assert [one.candidate for one in ranking.evaluations].count("a") == 1
    assert isnan(ranking.estimate("a"))
    assert all(map(isnan, ranking.interval("a")))


def test_a_failure_tells_nothing_of_the_others():
    ranking = race("abc", lambda c, s: nan, 1)
    assert ranking.order[-1] == ranking.evaluations[0].candidate
    assert set(ranking.tie_group) == set(ranking.order[:-1])
    assert all(isnan(ranking.estimate(c)) and all(map(isnan, ranking.interval(c))) for c in "abc")
    assert ranking.p_best("a") == 0


def test_where_everybody_fails_there_is_an_order_all_the_same():
    ranking = race("ab", lambda c, s: nan, 9)
    assert (ranking.order, ranking.best, ranking.tie_group, len(ranking.evaluations)) == (("a", "b"), "a", ("a",), 2)
    assert isnan(ranking.seed_sigma)


def test_who_fails_is_last_by_its_other_scores():
    ranking = race("abc", lambda c, s: nan if s else {"a": 0.1, "b": 0.3, "c": 0.2}[c], 9)
    assert ranking.order == ("b", "c", "a")


def test_where_nothing_is_known_nothing_is_estimated():
    ranking = race("abc", None, 0)
    assert set(ranking.tie_group) == set(ranking.order) == set("abc")
    assert isnan(ranking.estimate("a"))
    assert all(map(isnan, ranking.interval("a")))


def test_without_trainings_the_search_decides():
    ranking = race(NAMES, None, 0, PRIOR | {"other": 3.0})
    assert ranking.order == tuple(NAMES)
    assert ranking.estimate("a") < PRIOR["a"]  # it was lucky as well
    assert ranking.evaluations == ()
    assert race("ab", None, 0).order == ("a", "b")


def test_search_scores_may_be_several_and_what_is_not_finite_is_none():
    ranking = race("abc", None, 0, {"a": [0.7, 0.8, nan], "b": nan, "c": 0.9})
    assert set(ranking.order) == set("abc")


@pytest.mark.parametrize("value", [0.0, 0.5, 1e6, -1e-6])
def test_equal_scores_break_nothing(value):
    ranking = race(NAMES, lambda c, s: value, 20, dict.fromkeys(NAMES, value))
    assert ranking.estimate("c") == pytest.approx(value, abs=1e-6 * max(1, abs(value)))
    assert ranking.tie_group


def test_one_far_below_does_not_bend_the_line():
    ranking = race(
        [*NAMES, "default"], lambda c, s: 0.2 if c == "default" else scores(2)(c, s), 24, PRIOR | {"default": 0.2}
    )
    without = race(NAMES, scores(2), 23, PRIOR)
    assert ranking.order[-1] == "default"
    assert ranking.seed_sigma == pytest.approx(without.seed_sigma, rel=0.3)
    assert ranking.interval("default")[0] == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize(
    ("candidates", "budget", "words"), [("", 3, "at least one"), ("aba", 3, "'a'"), ("ab", -1, "at least 0")]
)
def test_what_is_no_race_is_refused(candidates, budget, words):
    with pytest.raises(ValueError, match=words):
        Race(candidates, budget)


def test_strangers_and_repetitions_are_refused():
    running = Race("ab", 3)
    running.tell("a", 0, 1.0)
    with pytest.raises(ValueError, match="told once"):
        running.tell("a", 0, 1.0)
    with pytest.raises(ValueError, match="candidates of the race"):
        running.tell("x", 0, 1.0)
    with pytest.raises(ValueError, match="of its race"):
        running.ranking().estimate("x")
    with pytest.raises(ValueError, match="level"):
        running.ranking().interval("a", 95)


def test_chances_are_drawn_with_the_rng_that_is_given():
    answers = [race(NAMES, scores(1), 10, PRIOR, rng) for rng in (None, None, 7, np.random.default_rng(7), 8)]
    chances = [[ranking.p_best(name) for name in NAMES] for ranking in answers]
    assert chances[0] == chances[1]
    assert chances[2] == chances[3]
    assert chances[2] != chances[4]


def test_a_race_chooses_better_than_the_search_and_knows_how_well():
    rng, regret, bias, covered = np.random.default_rng(5), [], [], []
    for _ in range(60):
        truth = rng.normal(0, 1, 200)
        seen = truth + rng.normal(0, 1, 200)
        top = [int(at) for at in np.argsort(-seen)[:10]]
        ranking = race(top, lambda at, _: truth[at] + rng.normal(), 20, {at: seen[at] for at in top})  # noqa: B023
        best = max(truth[at] for at in top)
        regret.append((best - truth[top[0]], best - truth[ranking.best]))
        bias.append((seen[top[0]] - truth[top[0]], ranking.estimate(ranking.best) - truth[ranking.best]))
        covered += [ranking.interval(at)[0] < truth[at] < ranking.interval(at)[1] for at in top]
    alone, raced = np.mean(regret, axis=0)
    assert raced < 0.5 * alone
    assert np.mean(bias, axis=0)[0] > 1  # the search's winner was lucky
    assert abs(np.mean(bias, axis=0)[1]) < 0.25
    assert 0.9 < np.mean(covered) < 0.985


def test_the_order_of_trials_needs_no_numpy():
    code = "import sys, nas.ranking as r; r.rank, r.frontier; print(bool({'numpy', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
