"""One question to one worker: who holds a study goes on saying so while it waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nas.conversation import Examine, Examined, Failed
from nas.search import asking
from nas.search.asking import CannotBeDone, ask
from nas.search.pool.pool import TRIES

ORDER = Examine((), "val_accuracy", "maximize")
ANSWER = Examined((), {}, {}, 1)


class Slow:
    """A pool of one worker that says nothing for some rounds, and then in turn what it is told to."""

    idle = ("worker",)

    def __init__(self, rounds: int, *says: Any) -> None:
        self.rounds, self.says, self.given = rounds, list(says), 0

    def give(self, worker: Any, order: Any) -> None:
        self.given += 1

    def messages(self, timeout: float) -> Iterator[Any]:
        self.rounds -= 1
        if self.rounds < 0:
            yield "worker", self.says.pop(0)


def test_the_lease_is_renewed_for_as_long_as_the_answer_takes(monkeypatch):
    monkeypatch.setattr(asking, "RENEW_SECONDS", 0.0)
    renewed = []
    pool = Slow(5, ANSWER)
    assert ask(pool, ORDER, renew=lambda: renewed.append(pool.rounds)) == ANSWER
    assert renewed == [5, 4, 3, 2, 1, 0]
    assert pool.given == 1


def test_a_worker_that_was_killed_is_asked_again_so_often_and_no_more():
    killed, error = Failed("killed", "SIGKILL"), Failed("error", "It cannot.")
    assert ask(Slow(0, *[killed] * (TRIES - 1), ANSWER), ORDER) == ANSWER
    with pytest.raises(CannotBeDone, match="SIGKILL"):
        ask(Slow(0, *[killed] * TRIES), ORDER)
    pool = Slow(0, error, ANSWER)
    with pytest.raises(CannotBeDone, match="It cannot"):
        ask(pool, ORDER)
    assert pool.given == 1
