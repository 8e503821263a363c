"""Scores that are shares of examples, so that how sure they are follows from the number of these."""

from __future__ import annotations

from nas.shares import wilson
from nas.training.tasks.ranks import MOST_QUESTIONS

SHARES = {"classification": ("val_accuracy",), "retrieval": ("val_recall_at_10", "val_recall_at_20")}
"""By task, the scores that are shares of examples."""
MOST = {"retrieval": MOST_QUESTIONS}
"""By task, on how many examples at most such a share is counted."""


def interval(task: str, name: str, value: float, examples: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the score `name` of a `task`, where it is a share of so many `examples`.

    For the sample alone; ``None`` for what is no share.
    """
    if name not in SHARES.get(task, ()) or not 0 <= value <= 1:
        return None
    return wilson(value, min(examples, MOST.get(task, examples)))
