"""What the page says of embeddings that were measured."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nas.report.charts.embeddings import NAMED
from nas.report.embeddings import MOST, measured, to_measure
from nas.report.section import View
from tests.report.samples import NOW, embedding, report_data, study, trial

CARD = {"target": {"names": ["a", "b"], "shape": []}, "class_counts": {"train": [3, 3], "validation": [1, 1]}}


def view(*records, trials=4, data=None):
    made = [trial(number, values=(0.9 - number / 100,)) for number in range(trials)]
    return View(report_data(made, study=study(made, data=data or CARD), embeddings=records), NOW)


def test_the_best_come_first_and_of_one_the_latest():
    earlier = NOW - timedelta(hours=1)
    found = measured(view(embedding(2), embedding(0, at=earlier), embedding(0, layer="dense"), embedding(9)))
    titles = [one.figure.title for one in found]
    assert titles == [f"What {layer} of trial 0 makes of validation" for layer in ("layer dense", "the encoder")]
    assert len(found) == MOST
    assert len({one.figure.name for one in found}) == MOST


def test_what_they_are_worth_stands_beside_the_picture():
    (one,) = measured(view(embedding(0, evaluation=7, converged=False, normalised=True)))
    told = dict(one.facts)
    assert told["5 nearest neighbours"] == "accuracy 0.9722 (0.9499 to 0.9848, 95%)"
    assert told["Linear probe"].endswith("did not come to an end, and may do better")
    assert told["Weights of"] == "fine-tuning, training 7"
    assert told["Width"] == "64 numbers, each vector of length 1"
    assert "500 of the 2,000" not in one.figure.caption
    (drawn,) = measured(view(embedding(0, examples=2000, projection=embedding(0).projection)))
    assert "500 of the 2,000 of validation" in drawn.figure.caption


@pytest.mark.parametrize("classes", [1, 2, 10, 77])
def test_any_number_of_classes_can_be_told_apart(classes):
    (one,) = measured(view(embedding(0, classes=classes)))
    names = embedding(0, classes=classes).projection.names
    drawn = len(set(embedding(0, classes=classes).projection.labels))
    assert len(one.figure.table.rows) == drawn
    assert {row[0] for row in one.figure.table.rows} <= set(names)
    others = f"{drawn - NAMED} other classes"
    assert (others in str(one.figure.picture)) == (drawn > NAMED)
    marks = str(one.figure.picture).count('fill="#')
    assert marks >= len(embedding(0, classes=classes).projection.x)


def test_names_that_are_cut_alike_are_numbered():
    vectors = embedding(0, classes=2)
    alike = replace(vectors.projection, names=tuple("the same beginning of a name, " + end for end in "ab"))
    (one,) = measured(view(replace(vectors, projection=alike)))
    assert "(1)" in str(one.figure.picture)
    assert "(2)" in str(one.figure.picture)


def test_the_command_is_named_where_there_is_something_to_measure():
    assert to_measure(view()) == "nas encode digits --measure"
    held_out = CARD | {"class_counts": {"train": [3, 0], "validation": [0, 1]}}
    for nothing in (
        view(embedding(0)),
        view(trials=0),
        view(data={"target": {"names": ["price"], "shape": [1]}}),
        view(data={"target": {"names": [], "shape": []}}),
        view(data=held_out),
    ):
        assert to_measure(nothing) is None
