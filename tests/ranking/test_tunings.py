"""Which training of fine-tuning is the best one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nas.ranking import best_first, places_of
from tests.report import samples


def tuned(number: int, trial: int, score: float | None):
    return samples.fresh(number, trial, score, (), purpose="finetune")


RANKING = [replace(samples.ranked(samples.trial(13)), trials=(13, 16)), samples.ranked(samples.trial(3), 2)]


def test_the_better_score_comes_first_then_who_ranks_better_then_the_earlier_training():
    records = [tuned(3, 3, 0.9), tuned(4, 3, 0.8), tuned(10, 13, 0.9), tuned(11, 16, 0.9), tuned(12, 7, 0.9)]
    others = [samples.fresh(1, 13, 1.0, (13,)), tuned(2, 13, None)]  # of a race, and one that failed
    places = places_of(RANKING)
    assert places == {13: 1, 16: 1, 3: 2}
    assert [one.number for one in best_first([*others, *records], places, "maximize")] == [10, 11, 3, 12, 4]
    assert [one.number for one in best_first(records, places, "minimize")] == [4, 10, 11, 3, 12]


@pytest.mark.parametrize("order", [(3, 13), (13, 3)])
def test_a_page_has_whoever_is_the_best_of_the_fine_tuned_first(order):
    data = samples.report_data(
        [samples.trial(3, values=(0.8,)), samples.trial(13, values=(0.9,))],
        evaluations=tuple(tuned(number, trial, 0.9) for number, trial in enumerate(order)),
    )
    from nas.report.section import View

    assert list(View(data, samples.NOW).finetuned) == [13, 3]
