"""Of several studies one is ahead only where their scores can be compared."""

from dataclasses import replace

from nas.report.comparison import answer, figures
from nas.report.section import View
from tests.report.samples import NOW, digits


def changed(of, **changes):
    return replace(of, study=replace(of.study, **changes))


def test_of_the_same_data_and_goal_one_is_ahead():
    views = [View(digits(), NOW), View(digits(40), NOW)]
    assert " is ahead: val_accuracy " in answer(views)
    assert figures(views)


def test_of_different_data_none_is_ahead_and_no_picture_has_both():
    views = [View(digits(), NOW), View(changed(digits(40), data={"fingerprint": "other"}), NOW)]
    assert answer(views) == "None is ahead: their data differ, and scores of different data are not comparable."
    assert figures(views) == []


def test_of_different_goals_none_is_ahead():
    views = [View(digits(), NOW), View(changed(digits(40), objectives=("val_loss",), directions=("minimize",)), NOW)]
    assert answer(views) == "They are after different things: their scores say nothing about each other."
    assert figures(views) == []
