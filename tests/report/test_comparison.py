"""Several studies on one page: who is ahead, and why nobody is where they cannot be compared."""

import re
from dataclasses import replace

import pytest

from nas.ranking import rank
from nas.report import comparison
from nas.report.page import render_comparison
from nas.report.section import View
from tests.report.samples import NOW, digits, race, report_data, trial
from tests.report.test_page import Page

OTHER_DATA = {"source": "npz:letters.npz", "fingerprint": "cd" * 32}


def named(record, name, **changes):
    return replace(record, study=replace(record.study, name=name, **changes))


def raced(name, scores):
    """A study whose best architectures were trained anew, each with these scores."""
    data = report_data([trial(n, values=(scores[n][0],)) for n in range(len(scores))])
    return named(replace(data, evaluations=tuple(race(dict(enumerate(scores))))), name)


ONE = digits(40)
LOSS = named(digits(30), "loss", objectives=("val_loss",), directions=("minimize",))
LETTERS = named(ONE, "letters", data={**ONE.study.data, **OTHER_DATA})


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (LOSS, "Their objectives differ: maximize val_accuracy: digits; minimize val_loss: loss."),
        (LETTERS, "Their data differ: sklearn:digits (abababab): digits; npz:letters.npz (cdcdcdcd): letters."),
    ],
)
def test_studies_that_cannot_be_compared_are_not_ranked_and_it_is_said_why(other, reason):
    html = render_comparison([ONE, other], now=NOW)
    made = Page(html).words
    assert "Can these studies be compared? No: a score of one says nothing about the others. " + reason in made
    assert not re.search("ahead|level|did best|How did they get there", made)
    assert "<figure" not in html


def test_those_of_one_kind_are_told_together():
    assert comparison.answer([View(one, NOW) for one in (ONE, LOSS, LETTERS)]).endswith(
        "Their objectives differ: maximize val_accuracy: digits and letters; minimize val_loss: loss. "
        "Their data differ: sklearn:digits (abababab): digits and loss; npz:letters.npz (cdcdcdcd): letters."
    )


def test_a_study_without_a_score_does_not_stand_in_the_way_of_the_others():
    empty = named(report_data(), "empty", data=OTHER_DATA)
    made = Page(render_comparison([ONE, named(digits(), "more"), empty], now=NOW)).words
    assert "Which study did best? digits and more are level: val_accuracy 0.9911." in made


def test_who_is_ahead_is_told_with_how_sure_that_is():
    worse = named(report_data([trial(0, values=(0.5,))]), "worse")
    made = comparison.answer([View(one, NOW) for one in (worse, ONE)])
    assert made == (
        "digits is ahead: val_accuracy 0.9911. Scores are of one training each: close ones tell nothing apart; "
        "`nas race` does."
    )
    good, bad, close = (
        raced("good", [(0.90, 0.91, 0.905), (0.7, 0.71, 0.72)]),
        raced("bad", [(0.50, 0.51, 0.505), (0.3, 0.31, 0.32)]),
        raced("close", [(0.901, 0.912, 0.909), (0.7, 0.71, 0.72)]),
    )
    best = rank(good.trials, good.study.directions, good.evaluations)[0]
    assert best.trust
    assert comparison.answer([View(one, NOW) for one in (good, bad)]).endswith("The intervals do not overlap.")
    assert comparison.answer([View(one, NOW) for one in (good, close)]).endswith("overlaps with that of good.")
