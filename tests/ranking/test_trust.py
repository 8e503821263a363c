"""Agreement, hand-off and pruning, against scipy, brute force and closed forms."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, kendalltau

from nas.ranking.trust import handoff_regret, kendall, rung_agreement, wrongly_pruned

few = st.integers(0, 5).map(float)


@given(st.lists(st.tuples(few, few), min_size=2, max_size=20))
def test_kendall_is_scipys(pairs):
    one, two = zip(*pairs, strict=True)
    expected = nan if len(set(one)) == 1 or len(set(two)) == 1 else kendalltau(one, two).statistic
    assert kendall(one, two) == pytest.approx(expected, nan_ok=True)


def test_kendall_of_orders():
    assert kendall([1, 2, 3], [10, 20, 30]) == 1
    assert kendall([1, 2, 3], [3, 2, 1]) == -1
    assert isnan(kendall([1], [1]))
    with pytest.raises(ValueError, match="same things"):
        kendall([1, 2], [1])
    with pytest.raises(ValueError, match="finite"):
        kendall([1, nan], [1, 2])


def test_a_rung_can_agree_overall_and_not_at_the_top():
    last = np.arange(30.0)
    early = last.copy()
    early[20:] = early[20:][::-1]  # the best ten come out the wrong way round
    curves = [{1: a, 9: b} for a, b in zip(early, last, strict=True)] + [{1: 3.0}, {1: nan, 9: 2.0}]
    first, final = rung_agreement(curves, [1, 9], 9)
    assert (first.trials, first.top_third, first.top_ten) == (30, -1, -1)
    assert first.overall == pytest.approx(1 - 2 * 45 / 435)
    assert (final.overall, final.top_third, final.top_ten) == (1, 1, 1)
    assert isnan(rung_agreement([], [1], 9)[0].overall)


def test_what_a_handoff_misses():
    draws = np.array([[1.0, 0.0, 3.0], [1.0, 2.0, 0.0]])
    assert [handoff_regret(draws, count) for count in (1, 2, 3, 4)] == [1.5, 1.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="At least one"):
        handoff_regret(draws, 0)


def test_handing_over_one_of_two_equal_gaussians_misses_a_known_mean():
    draws = np.random.default_rng(0).standard_normal((200_000, 2))
    assert handoff_regret(draws, 1) == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_interval_is_jeffreys(found, others):
    share = wrongly_pruned(found, found + others)
    assert share.low == pytest.approx(beta.ppf(0.025, found + 0.5, others + 0.5) if found else 0, abs=1e-9)
    assert share.high == pytest.approx(beta.ppf(0.975, found + 0.5, others + 0.5) if others else 1, abs=1e-9)
    assert isnan(share.estimate) if not share.of else share.low <= share.estimate <= share.high


def test_more_than_there_are_is_refused():
    for wrong in ((3, 2), (-1, 2), (1, 2, 95)):
        with pytest.raises(ValueError, match="Wanted"):
            wrongly_pruned(*wrong)
