"""What failed, and why?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nas.causes import but_for_excess, merged
from nas.language import N_, _, ngettext
from nas.report import words
from nas.report.section import Section, View
from nas.store.records import TrialRecord, state

MOST_MESSAGES = 6
"""Distinct messages shown of one kind."""

MEANING = {
    "nan": N_("The loss or a metric stopped being a number"),
    "oom": N_("Out of memory"),
    "timeout": N_("Over its time limit, or silent for too long"),
    "crash": N_("The worker's process broke down"),
    "killed": N_("The worker was killed from outside"),
    "error": N_("An error was raised"),
    "rejected": N_("Over a limit of the study file; no epoch was spent"),
}
CLAUSES = {
    "nan": N_("the loss or a metric stopped being a number"),
    "oom": N_("out of memory"),
    "timeout": N_("over its time limit, or silent for too long"),
    "crash": N_("the worker's process broke down"),
    "killed": N_("the worker was killed from outside"),
    "error": N_("an error was raised"),
}
"""The same within a sentence."""


def failures(view: View) -> Section:
    """Group the failed trials by kind and by message."""
    failed = [trial for trial in view.data.trials if trial.outcome == "failed" and trial.duplicate_of is None]
    kinds: Counter[str] = Counter(trial.kind or "error" for trial in failed)
    groups = [
        {
            "kind": kind,
            "meaning": _(MEANING.get(kind, N_("Failed"))),
            "count": count,
            "messages": _messages([trial for trial in failed if (trial.kind or "error") == kind]),
        }
        for kind, count in sorted(kinds.most_common(), key=lambda item: item[0] == "rejected")
    ]
    evidence = {"groups": groups, "command": view.command}
    return Section("failures", _("What failed, and why?"), _answer(view, kinds), evidence)


def _messages(trials: Sequence[TrialRecord]) -> dict[str, object]:
    """Return the most frequent messages of one kind, each with its trials and a traceback.

    Messages about one limit are one, whatever the excess.
    """
    by_message: dict[tuple[str, ...], list[TrialRecord]] = {}
    for trial in trials:
        by_message.setdefault(but_for_excess(_message(trial)), []).append(trial)
    frequent = sorted(by_message.values(), key=lambda same: (-len(same), same[0].number))
    shown = [
        {
            "text": _told([_message(trial) for trial in same]),
            "trials": [trial.number for trial in same],
            "traceback": words.cut(next((trial.traceback for trial in same if trial.traceback), "")),
        }
        for same in frequent[:MOST_MESSAGES]
    ]
    return {"shown": shown, "left_out": len(frequent) - len(shown)}


def _message(trial: TrialRecord) -> str:
    return words.short(trial.message or _("No message."), 400)


def _told(messages: Sequence[str]) -> str:
    return merged(messages, lambda low, high: _("{low} to {high}", low=low, high=high))


def _answer(view: View, kinds: Counter[str]) -> str:
    free = kinds.get("rejected", 0)
    over = ""
    if free:
        over = ngettext(
            "{number} candidate was over a limit and cost no epoch.",
            "{number} candidates were over a limit and cost no epoch.",
            free,
        )
    paid = Counter({kind: count for kind, count in kinds.items() if kind != "rejected"})
    if not paid:
        nothing = _("Nothing failed.") if state(view.data.study) == "finished" else _("Nothing has failed so far.")
        return words.sentences(nothing, over)
    kind, count = paid.most_common(1)[0]
    values = {
        "failed": words.exact(paid.total()),
        "share": words.percent(paid.total() / max(1, view.ended)),
        "meaning": _(CLAUSES[kind]) if kind in CLAUSES else kind,
    }
    if paid.total() == 1:
        told = ngettext(
            "{failed} of {number} trial ({share}): {meaning}.",
            "{failed} of {number} trials ({share}): {meaning}.",
            view.ended,
            **values,
        )
    elif len(paid) == 1:
        told = ngettext(
            "{failed} of {number} trial ({share}); all of them: {meaning}.",
            "{failed} of {number} trials ({share}); all of them: {meaning}.",
            view.ended,
            **values,
        )
    else:
        told = ngettext(
            "{failed} of {number} trial ({share}); most often, {times} times: {meaning}.",
            "{failed} of {number} trials ({share}); most often, {times} times: {meaning}.",
            view.ended,
            times=words.exact(count),
            **values,
        )
    return words.sentences(told, over)
