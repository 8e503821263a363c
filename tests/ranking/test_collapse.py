from __future__ import annotations

import numpy as np
import pytest

from nas.ranking import Race
from nas.ranking.collapse import collapsed

SEARCH = [[0.88], [0.881], [0.876], [0.873]]
FRESH = [[0.878, 0.874, 0.872], [0.886, 0.874, 0.879], [0.881, 0.875, 0.868], [0.876, 0.875, 0.874]]


def test_ordinary_scatter_is_no_collapse() -> None:
    assert collapsed(SEARCH, FRESH) == [[], [], [], []]


def test_a_half_of_what_the_others_reach_is_one() -> None:
    fresh = [*FRESH[:3], [0.876, 0.367, 0.874]]
    assert collapsed(SEARCH, fresh) == [[], [], [], [1]]


def test_two_that_collapsed_are_both_found() -> None:
    fresh = [[0.1, 0.874, 0.872], *FRESH[1:3], [0.876, 0.367, 0.874]]
    assert collapsed(SEARCH, fresh) == [[0], [], [], [1]]


def test_two_of_one_candidate_that_ended_at_the_very_same_score_are_both_found() -> None:
    """As those do that say the same class of everything."""
    fresh = [*FRESH[:3], [0.1, 0.876, 0.1, 0.874, 0.875]]
    assert collapsed(SEARCH, fresh) == [[], [], [], [0, 2]]


def test_few_trainings_are_enough_where_it_is_plain() -> None:
    assert collapsed([[0.9], [0.91], [0.89], [0.9]], [[0.2], [0.9], [], []]) == [[0], [], [], []]


def test_a_candidate_that_is_bad_throughout_has_not_collapsed() -> None:
    search = [*SEARCH, [0.3]]
    fresh = [*FRESH, [0.31, 0.29]]
    assert collapsed(search, fresh) == [[], [], [], [], []]


@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_normal_noise_hardly_ever_looks_like_a_collapse(spread: float) -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(500):
        truth = rng.normal(size=10) * spread
        search = [[value + rng.normal()] for value in truth]
        fresh = [list(value + rng.normal(size=2)) for value in truth]
        found += sum(map(len, collapsed(search, fresh)))
    assert found == 0


@pytest.mark.parametrize("raced", range(1, 11))
def test_nor_does_it_while_a_race_has_but_begun(raced: int) -> None:
    """With two scores each, of a few: when most depends on who is trained next."""
    rng = np.random.default_rng(raced)
    found = 0
    for _ in range(500):
        search = [[rng.normal()] for _ in range(10)]
        fresh = [list(rng.normal(size=1 if place < raced else 0)) for place in range(10)]
        found += sum(map(len, collapsed(search, fresh)))
    assert found == 0


def test_one_collapse_leaves_the_estimates_as_they_were() -> None:
    def told(extra: bool) -> Race[int]:
        race = Race(range(4), 13, dict(enumerate(SEARCH)))
        for candidate, scores in enumerate(FRESH):
            for seed, score in enumerate(scores):
                race.tell(candidate, seed, score)
        if extra:
            race.tell(1, 3, 0.3668)
        return race

    without, with_it = told(extra=False), told(extra=True)
    assert [evaluation.candidate for evaluation in with_it.collapsed()] == [1]
    assert without.collapsed() == []
    assert with_it.ranking().estimate(1) == without.ranking().estimate(1)
    assert with_it.ranking().seed_sigma < 0.02
