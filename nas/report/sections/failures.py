"""What failed, and why?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nas.report import words
from nas.report.section import Section, View
from nas.store.records import TrialRecord

MOST_MESSAGES = 6
"""Distinct messages shown of one kind."""

MEANING = {
    "nan": "The loss or a metric stopped being a number",
    "oom": "Out of memory",
    "timeout": "Over its time limit, or silent for too long",
    "crash": "The worker's process broke down",
    "killed": "The worker was killed from outside",
    "error": "An error was raised",
    "rejected": "Over a limit of the study file; no epoch was spent",
}


def failures(view: View) -> Section:
    """Group the failed trials by kind and by message."""
    failed = [trial for trial in view.data.trials if trial.outcome == "failed"]
    kinds: Counter[str] = Counter(trial.kind or "error" for trial in failed)
    groups = [
        {
            "kind": kind,
            "meaning": MEANING.get(kind, "Failed"),
            "count": count,
            "messages": _messages([trial for trial in failed if (trial.kind or "error") == kind]),
        }
        for kind, count in kinds.most_common()
    ]
    return Section("failures", "What failed, and why?", _answer(view, kinds), {"groups": groups, "name": view.name})


def _messages(trials: Sequence[TrialRecord]) -> dict[str, object]:
    """Return the most frequent messages of one kind, each with its trials and a traceback."""
    by_message: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        by_message.setdefault(words.short(trial.message or "No message.", 400), []).append(trial)
    frequent = sorted(by_message.items(), key=lambda item: (-len(item[1]), item[1][0].number))
    shown = [
        {
            "text": text,
            "trials": [trial.number for trial in same],
            "traceback": words.cut(next((trial.traceback for trial in same if trial.traceback), "")),
        }
        for text, same in frequent[:MOST_MESSAGES]
    ]
    return {"shown": shown, "left_out": len(frequent) - len(shown)}


def _answer(view: View, kinds: Counter[str]) -> str:
    if not kinds:
        return "Nothing failed." if view.decided else "Nothing has failed so far."
    share = kinds.total() / max(1, view.decided)
    kind, count = kinds.most_common(1)[0]
    meaning = MEANING.get(kind, kind)
    most = "all of them" if len(kinds) == 1 else f"most often, {count:,} times"
    of = words.plural(view.decided, "trial")
    return f"{kinds.total():,} of {of} ({share:.0%}); {most}: {meaning[0].lower()}{meaning[1:]}."
