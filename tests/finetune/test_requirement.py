"""What has to be reached: read as people write it, refused with what to write instead."""

import math

import pytest

from nas.errors import BadInput
from nas.finetune.requirement import Requirement, parse_requirement

UP, DOWN = ("val_accuracy", "maximize"), ("val_loss", "minimize")
METRICS = ("val_accuracy", "val_macro_f1", "val_loss")


@pytest.mark.parametrize(
    ("text", "objective", "expected"),
    [
        ("val_accuracy>=0.93", UP, Requirement("val_accuracy", ">=", 0.93)),
        ("  val_accuracy  >= .93 ", UP, Requirement("val_accuracy", ">=", 0.93)),
        ("val_loss<=1e-2", DOWN, Requirement("val_loss", "<=", 0.01)),
        ("val_accuracy>=1", UP, Requirement("val_accuracy", ">=", 1.0)),
        ("val_r2>=-2", ("val_r2", "maximize"), Requirement("val_r2", ">=", -2.0)),
    ],
)
def test_a_requirement_is_a_metric_a_sign_and_a_number(text, objective, expected):
    found = parse_requirement(text, objective, METRICS)
    assert found == expected
    assert parse_requirement(str(found), objective, METRICS) == found


@pytest.mark.parametrize(
    ("text", "objective", "why"),
    [
        ("0.93", UP, "a metric, >= or <=, and a number"),
        ("val_accuracy=0.93", UP, "Write e.g. --until 'val_accuracy>=0.9'."),
        ("val_accuracy>=", UP, "a number"),
        ("val_accuracy>=0.9.3", UP, "a number"),
        ("val_accuracy>=93e999", UP, "a number"),
        ("test_accuracy>=0.9", UP, "the test split is for one look at the end"),
        ("val_acuracy>=0.9", UP, "Did you mean 'val_accuracy'?"),
        ("accuracy>=0.9", UP, "its first objective is 'val_accuracy'"),
        ("val_macro_f1>=0.9", UP, "not what the study is for"),
        ("val_accuracy<=0.9", UP, "the sign is >="),
        ("val_accuracy>=99", UP, "val_accuracy is from 0 to 1. 99 % are 0.99. Write e.g."),
        ("val_accuracy>=-0.1", UP, "val_accuracy is from 0 to 1. Write e.g."),
        ("val_loss<=-2", DOWN, "val_loss is 0 or more."),
        ("val_loss>=0.1", DOWN, "val_loss is to be minimized, so the sign is <=. Write e.g. --until 'val_loss<=0.1'."),
    ],
)
def test_what_cannot_be_understood_is_refused_with_an_example(text, objective, why):
    with pytest.raises(BadInput) as refused:
        parse_requirement(text, objective, METRICS)
    assert why in str(refused.value)
    assert "Write e.g. --until" in str(refused.value)


def test_a_loss_of_somebody_s_own_may_be_negative():
    found = parse_requirement("val_loss<=-2", DOWN, METRICS, (0.3, math.nan, -1.5))
    assert found == Requirement("val_loss", "<=", -2.0)
    with pytest.raises(BadInput, match="val_loss is 0 or more"):
        parse_requirement("val_loss<=-2", DOWN, METRICS, (0.3, math.nan))


def test_exactly_is_enough_and_what_is_no_number_is_not():
    up, down = Requirement("val_accuracy", ">=", 0.93), Requirement("val_loss", "<=", 0.1)
    assert up.is_met(0.93)
    assert not up.is_met(0.9299)
    assert down.is_met(0.1)
    assert not down.is_met(0.11)
    assert not up.is_met(math.nan)
    assert not down.is_met(math.nan)
