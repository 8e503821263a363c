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
    failed = [trial for trial in trials if trial.outcome == "failed" and trial.duplicate_of is None]
    found = Counter((trial.kind or "error", EXCESS.sub("more", trial.message or "")) for trial in failed)
    return [(kind, message, number) for (kind, message), number in found.most_common()]
