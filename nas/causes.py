"""Why trials failed, the same causes as one: for the page and for the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from nas.store.records import TrialRecord

_NUMBER = r"[0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-][0-9]+)?"
EXCESS = re.compile(rf"(?<![0-9.,]){_NUMBER}(?= [a-z ]+, {_NUMBER} allowed \(limits\.)")
"""What a candidate has, in the message about the limit that it is over (see `nas.search.limits`): a count with its
thousands apart, or milliseconds. What follows may be several words, "bytes of memory"."""


def causes(trials: Sequence[TrialRecord]) -> list[tuple[str, str, int]]:
    """Return ``(kind, message, how many)`` of the failed of `trials`, the most frequent first; duplicates are left out.

    Candidates over the same limit are one cause, by however much they are over it.
    """
    found = Counter(cause for trial in trials if (cause := _cause(trial)) is not None)
    return [(kind, message, number) for (kind, message), number in found.most_common()]


def typical(trials: Sequence[TrialRecord]) -> int | None:
    """Return the number of the first trial that failed as most did, or ``None`` where none has failed."""
    found = {trial.number: cause for trial in trials if (cause := _cause(trial)) is not None}
    most = causes(trials)
    return next((number for number, cause in found.items() if cause == most[0][:2]), None)


def _cause(trial: TrialRecord) -> tuple[str, str] | None:
    if trial.outcome != "failed" or trial.duplicate_of is not None:
        return None
    return trial.kind or "error", EXCESS.sub("more", trial.message or "")
