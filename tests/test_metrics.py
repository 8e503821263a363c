"""What values metrics can have."""

from math import inf, isnan, nan

import pytest

from nas import catalogue
from nas.metrics import ANY, Bounds, bounds, is_perfect
from nas.study_file import COSTS


def test_every_metric_that_can_be_an_objective_has_bounds():
    for name in catalogue.tasks:
        for metric in catalogue.tasks[name].metrics:
            assert bounds(metric) != ANY, metric
    assert {bounds(cost) for cost in COSTS} == {Bounds(0.0, inf)}


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("val_accuracy", 0, 1), ("val_recall_at_10", 0, 1), ("val_mean_average_precision", 0, 1), ("val_eer", 0, 1),
        ("val_beam_cer", 0, inf), ("val_loss", 0, inf), ("val_rmse", 0, inf), ("val_r2", -inf, 1),
        ("val_cosine_similarity", -inf, inf),
    ],
)  # fmt: skip
def test_the_words_of_a_name_say_what_values_there_are(metric, low, high):
    assert bounds(metric) == Bounds(low, high)


def test_clipping_keeps_what_is_inside_and_what_was_measured():
    share = Bounds(0.0, 1.0)
    assert [share.clip(value) for value in (-0.1, 0.3, 1.02)] == [0.0, 0.3, 1.0]
    assert isnan(share.clip(nan))
    assert share.holding([0.2, nan, 1.5]).clip(1.7) == 1.5


def test_only_the_best_value_there_can_be_is_perfect():
    assert is_perfect(1.0, "val_accuracy", "maximize")
    assert not is_perfect(0.9999, "val_accuracy", "maximize")
    assert is_perfect(0.0, "val_eer", "minimize")
    assert not is_perfect(1e9, "val_of_ours", "maximize")
