"""Axes of whole numbers."""

from __future__ import annotations

import re
from math import nan

import pytest

from nas.ranking.trust import RungAgreement
from nas.report.charts.axes import counting
from nas.report.charts.certainty import rungs
from nas.report.charts.learning import Curve, learning_curves
from nas.report.charts.progress import survival


def texts(picture: object) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", str(picture))


def ticks(picture: object) -> list[str]:
    """What is written along the first axis, which comes before its title."""
    told = texts(picture)
    return told[: told.index("epoch")]


@pytest.mark.parametrize("last", [2, 3, 4, 5, 6, 30])
def test_no_tick_of_whole_numbers_is_written_twice(last):
    curve = Curve(0, "complete", "cnn", tuple((step, step / 100) for step in range(1, last + 1)), 1)
    agreement = [RungAgreement(step, 9, 0.5, 0.4, nan) for step in range(1, last + 1)]
    reached = [(step, last + 1 - step) for step in range(1, last + 1)]
    pictures = (
        learning_curves([curve], "val_accuracy", "maximize"), rungs("r", agreement).picture,
        survival("s", reached).picture,
    )  # fmt: skip
    for found in map(ticks, pictures):
        assert len(found) == len(set(found))
        assert {"1", str(last)} <= set(found) or last == 30
    counted = texts(pictures[-1])
    up = counted[counted.index("epoch") + 1 : counted.index("trainings")]
    assert len(up) == len(set(up))


def test_few_whole_numbers_have_a_tick_each():
    assert counting([2, 4, 3])["values"] == [2, 3, 4]
    assert "values" not in counting([1, 30])
    assert counting([])["values"] == [0]


def test_the_legend_names_only_what_is_drawn():
    assert "the best third" not in texts(rungs("r", [RungAgreement(step, 3, 0.5, nan, nan) for step in (1, 2)]).picture)
    assert "the best third" in texts(rungs("r", [RungAgreement(step, 9, 0.5, 0.2, nan) for step in (1, 2)]).picture)
