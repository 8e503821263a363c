"""Why trials failed, the same causes as one: for the page and for the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from nas.store.records import TrialRecord

_NUMBER = r"[0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-][0-9]+)?"
EXCESS = re.compile(rf"(?<![0-9.,]){_NUMBER}(?= [a-z ]+, {_NUMBER} allowed \(limits\.)")
"""What a candidate has, in the message about the limit that it is over (see `nas.search.limits`): a count with its
thousands apart, or milliseconds. What follows may be several words, "bytes of memory"."""


def causes(trials: Sequence[TrialRecord]) -> list[tuple[str, str, int]]:
    """Return ``(kind, message, how many)`` of the failed of `trials`, the most frequent first; duplicates are left out.

    Candidates over the same limit are one cause, by however much they are over it.
    """
    return [(kind, merged([trial.message or "" for trial in same]), len(same)) for (kind, _), same in _groups(trials)]


def typical(trials: Sequence[TrialRecord]) -> int | None:
    """Return the number of the first trial that failed as most did, or ``None`` where none has failed."""
    return next((same[0].number for _, same in _groups(trials)), None)


def merged(messages: Sequence[str], between: Callable[[str, str], str] = "{} to {}".format) -> str:
    """Return messages that differ in their excess only as one, "271,762 to 305,100 weights, 200,000 allowed …".

    Args:
        messages: One or more.
        between: Says "from this number to that one".
    """
    columns = zip(*(EXCESS.findall(message) for message in messages), strict=True)
    ranges = iter([sorted(column, key=lambda number: float(number.replace(",", ""))) for column in columns])

    def ends(found: re.Match[str]) -> str:
        numbers = next(ranges)
        return numbers[0] if numbers[0] == numbers[-1] else between(numbers[0], numbers[-1])

    return EXCESS.sub(ends, messages[0])


def but_for_excess(message: str) -> tuple[str, ...]:
    """Return what messages about the same limits have in common."""
    return tuple(EXCESS.split(message))


def _groups(trials: Sequence[TrialRecord]) -> list[tuple[tuple[str, tuple[str, ...]], list[TrialRecord]]]:
    """Return the failed trials by their cause, the most frequent first, each in their own order."""
    found: dict[tuple[str, tuple[str, ...]], list[TrialRecord]] = {}
    for trial in trials:
        if trial.outcome == "failed" and trial.duplicate_of is None:
            found.setdefault((trial.kind or "error", but_for_excess(trial.message or "")), []).append(trial)
    return sorted(found.items(), key=lambda item: -len(item[1]))
