from __future__ import annotations

from dataclasses import replace

import pytest

from nas.architecture import Cost
from nas.ranking import Ranked, Trust, rank
from nas.ranking.tradeoff import tradeoff
from nas.store.records import TrialRecord


def trial(number: int, accuracy: float, weights: float) -> TrialRecord:
    return TrialRecord(
        number=number, outcome="complete", kind=None, message=None, traceback=None, values=(accuracy, weights),
        params={}, family="cnn", training={}, fingerprint=f"{number:064x}", cost=Cost(int(weights)),
        duplicate_of=None, started=None, ended=None, epochs=1, seconds=1.0, metrics={}, attempts=1,
    )  # fmt: skip


BOTH = ("maximize", "minimize")


def trusted(entry: Ranked, margin: float) -> Ranked:
    accuracy = entry.values[0]
    return replace(entry, trust=Trust(accuracy, accuracy - margin, accuracy + margin, 2, None, None))


def test_one_objective_has_no_frontier() -> None:
    assert tradeoff([], ("maximize",)) is None


def test_volume_and_knee_of_three_points() -> None:
    ranked = rank([trial(0, 0.5, 1.0), trial(1, 0.9, 2.0), trial(2, 1.0, 10.0), trial(3, 0.4, 10.0)], BOTH)
    found = tradeoff(ranked, BOTH)
    assert found is not None
    assert set(found.trials) == {0, 1, 2}
    assert found.knee == 1
    assert found.reference == (0.4, 10.0)
    # Above 0.4 and below 10 weights: 0.1 × 9 up to 0.5, 0.4 × 8 up to 0.9; the last one has no less than 10.
    assert found.hypervolume == pytest.approx(0.1 * 9 + 0.4 * 8)
    assert found.chances == {}


def test_chances_follow_the_intervals() -> None:
    ranked = rank([trial(0, 0.90, 1.0), trial(1, 0.91, 2.0), trial(2, 0.50, 3.0)], BOTH)
    sure = tradeoff([trusted(entry, 1e-6) for entry in ranked], BOTH)
    unsure = tradeoff([trusted(entry, 0.05) for entry in ranked], BOTH)
    assert sure is not None
    assert unsure is not None
    assert sure.chances == {0: 1.0, 1: 1.0, 2: 0.0}
    assert unsure.chances[0] == 1.0  # nothing has as few weights
    assert 0.5 < unsure.chances[1] < 0.8
    assert unsure.chances[2] == 0.0


def test_more_than_three_objectives_have_no_volume() -> None:
    four = ("maximize", "minimize", "minimize", "minimize")
    trials = [replace(trial(0, 0.5, 1.0), values=(0.5, 1.0, 1.0, 1.0))]
    found = tradeoff(rank(trials, four), four)
    assert found is not None
    assert found.hypervolume is None
    assert found.knee is None
