from dataclasses import replace
from typing import get_args

import pytest

from nas.conversation import FailureKind
from nas.report.section import View
from nas.report.sections.failures import CLAUSES
from nas.report.warnings import REMEDIES, warnings
from nas.store.evaluation_records import Interval, LookRecord
from tests.report.samples import NOW, report_data, session, study, trial
from tests.report.states import STATES, failed


def told(data):
    return [(one.what, one.command) for one in warnings(View(data, NOW))]


def test_nothing_is_said_of_a_study_that_has_only_begun():
    assert told(STATES["empty"]) == told(STATES["running"]) == []


@pytest.mark.parametrize(
    ("state", "what", "command"),
    [
        ("below the baseline", "No architecture beats what can be had without any encoder (majority class).", ""),
        ("all failed", "5 of 5 trials failed. 5 times the cause was: out of memory.", "nas show digits TRIAL"),
        ("finished", "There was no race: each architecture was trained once.", "nas race digits"),
    ],
)
def test_what_is_the_matter_is_said_with_what_to_do(state, what, command):
    assert (what, command) in told(STATES[state])
    assert all(one.remedy for one in warnings(View(STATES[state], NOW)))


def test_a_perfect_score_is_said_to_tell_nothing_apart():
    trials = [trial(number, values=(score,)) for number, score in enumerate((1.0, 1.0, 0.98))]
    (found,) = [one for one in warnings(View(report_data(trials), NOW)) if "there can be" in one.what]
    assert found.what.startswith("2 architectures reached the best val_accuracy there can be")
    assert "examples are in two splits" in found.remedy
    assert found.command == "nas data check STUDY.toml"
    near = [trial(number, values=(0.9999,)) for number in range(3)]
    assert not [what for what, _ in told(report_data(near)) if "there can be" in what]


def test_what_changed_between_sessions_is_said_but_not_a_commit():
    data = STATES["one trial"]
    one, newer = session(), session(2, versions={"keras": "4.0.0"}, commit="0" * 40)
    other_commit = session(2, commit="0" * 40)
    for second, expected in ((newer, ["Between sessions there was a change of library versions."]), (other_commit, [])):
        changed = replace(data, study=replace(data.study, sessions=(one, second)))
        assert [what for what, _ in told(changed) if "change" in what] == expected


def test_the_edge_of_the_space_is_pointed_at():
    trials = [trial(n, values=(0.5 + n / 100,), params={"cnn/width": 8 * (n + 1)}) for n in range(12)]
    assert ("The best lies at the edge of the space in 1 choice.", "") in told(report_data(trials))
    inside = [replace(one, values=(0.9 if one.number == 6 else 0.5,)) for one in trials]
    assert not [what for what, _ in told(report_data(inside)) if "edge" in what]


def test_a_second_look_at_the_test_split_is_named_and_a_first_one_is_not():
    look = LookRecord(0, 0, 0, NOW, 360, {"val_accuracy": Interval(0.9, 0.8, 0.95)})
    data = replace(STATES["finished"], looks=(look, replace(look, number=1, trial=1), replace(look, number=2)))
    assert ("The test split was looked at more than once: trial 0 2 times.", "") in told(data)
    assert not [what for what, _ in told(replace(data, looks=data.looks[:2])) if "test split" in what]


def test_candidates_that_cost_nothing_are_named_where_they_are_many():
    ended = [
        trial(0),
        *(trial(n, duplicate_of=0) for n in range(1, 11)),
        *(failed(n, "rejected") for n in range(11, 21)),
    ]
    data = report_data(ended, study=study(ended, trials_budget=1))
    assert [what for what, _ in told(data)][1:] == [
        "Many candidates had been trained before (48% of all).",
        "Many candidates were over a limit (48% of all).",
    ]
    few = report_data(ended[:5], study=study(ended[:5], trials_budget=1))
    assert len(told(few)) == 1


def test_a_study_that_was_stopped_can_go_on():
    ended = [trial(0), trial(1)]
    stopped = session(ending="Stopped by Ctrl-C; 0 trials were interrupted and saved.")
    record = study(ended, trials_budget=3, sessions=(stopped,))
    assert told(report_data(ended, study=record)) == [
        ("The study stopped before its budget was used up.", "nas resume digits")
    ]


def test_failures_of_one_kind_are_named_with_what_to_do_about_that_kind_and_mixed_ones_are_not():
    kinds = ["nan"] * 4 + ["oom", "crash"]
    ended = [trial(0), *(failed(n, kind) for n, kind in enumerate(kinds, 1))]
    data = report_data(ended, study=study(ended, trials_budget=7))
    found = next(one for one in warnings(View(data, NOW)) if "failed" in one.what)
    assert found.what == "6 of 7 trials failed. 4 times the cause was: the loss or a metric stopped being a number."
    assert "a high learning rate" in found.remedy
    assert "limits.memory" not in found.remedy
    mixed = [trial(0), *(failed(n, kind) for n, kind in enumerate(["nan", "nan", "oom", "oom", "crash"], 1))]
    data = report_data(mixed, study=study(mixed, trials_budget=6))
    found = next(one for one in warnings(View(data, NOW)) if "failed" in one.what)
    assert found.what == "5 of 6 trials failed."


def test_each_kind_of_failure_has_a_clause_and_a_remedy():
    assert set(REMEDIES) == set(CLAUSES) == set(get_args(FailureKind)) - {"rejected", "disk"}
