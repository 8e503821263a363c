"""What follows from a study's record alone."""

from __future__ import annotations

from typing import Any

import pytest

from nas.store.records import StudyRecord, is_exhausted, state, unfinished, used_up
from tests.report import samples

STOPPED = samples.session(ending="Stopped by Ctrl-C; 1 trial was interrupted and saved.")


def counts(**given: int) -> dict[str, int]:
    return {"complete": 0, "pruned": 0, "failed": 0, "running": 0, "duplicate": 0, "rejected": 0} | given


def study(**changes: Any) -> StudyRecord:
    return samples.study(**{"trials_budget": 10, "hours_budget": None, "counts": counts()} | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"running": samples.HOLDER, "counts": counts(complete=10)}, "running"),
        ({"counts": counts(complete=6, pruned=3, failed=1)}, "finished"),
        ({"counts": counts(complete=9, duplicate=1, rejected=2)}, "stopped"),  # what is free is not counted
        ({"counts": counts(complete=9, failed=1, rejected=2)}, "finished"),
        ({"counts": counts(complete=9, running=1)}, "stopped"),  # the tenth was interrupted
        ({"trials_budget": None, "hours_budget": 240 / 3600}, "finished"),  # the session took four minutes
        ({"trials_budget": None, "hours_budget": 241 / 3600, "sessions": (STOPPED,)}, "stopped"),
        ({"trials_budget": None, "hours_budget": 241 / 3600}, "finished"),  # a second is no time for another training
        ({"sessions": (samples.session(ending="The space is exhausted: …"),)}, "finished"),
        ({"sessions": ()}, "stopped"),
    ],
)
def test_state(changes: dict[str, Any], expected: str) -> None:
    assert state(study(**changes)) == expected


def test_a_budget_that_is_used_up_is_named() -> None:
    full = counts(complete=10)
    assert used_up(study()) == ()
    assert used_up(study(counts=full)) == ("trials",)
    assert used_up(study(hours_budget=0.01)) == ("hours",)
    assert used_up(study(counts=full, hours_budget=0.01)) == ("trials", "hours")
    assert used_up(study(trials_budget=None)) == ()


def test_only_the_last_session_tells_of_an_exhausted_space() -> None:
    empty, stopped = samples.session(ending="The space is exhausted: …"), samples.session(ending="Stopped by Ctrl-C.")
    assert is_exhausted(study(sessions=(stopped, empty)))
    assert not is_exhausted(study(sessions=(empty, stopped)))
    assert not is_exhausted(study(sessions=()))


def test_a_trial_without_an_outcome_runs_only_while_somebody_runs_its_study() -> None:
    assert unfinished(study(running=samples.HOLDER)) == "running"
    assert unfinished(study()) == "interrupted"


def test_hours_of_a_search_are_not_those_of_what_comes_after_it() -> None:
    later = [samples.session(number, command=f"nas {verb} digits") for number, verb in ((3, "race"), (4, "finetune"))]
    record = study(sessions=(samples.session(1), samples.session(2), *later))
    assert [session.searches for session in record.sessions] == [True, True, False, False]
    assert record.seconds == 2 * 240
