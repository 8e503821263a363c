"""How do several studies compare? One page, a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from math import isfinite

from nas.language import _
from nas.ranking import Ranked, is_better
from nas.report import words
from nas.report.charts.certainty import told_of
from nas.report.charts.overlay import MOST, overlay
from nas.report.figure import Figure
from nas.report.section import View
from nas.report.sections.progress import by_clock, by_trial
from nas.report.vocabulary import said
from nas.store.records import state

MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One study among others."""

    view: View
    state: str
    best: Ranked | None
    told: str
    """The first objective of its best architecture, with its interval where there was a race."""


def lines(views: Sequence[View]) -> list[Line]:
    """Return a line for each study, in their own order."""
    found = []
    for view in views:
        best = view.ranked[0] if view.ranked else None
        told = words.UNKNOWN if best is None else told_of(best, view.data.study.objectives[0])
        found.append(Line(view, said(state(view.data.study)), best, told))
    return found


def answer(views: Sequence[View]) -> str:
    """Return who is ahead, as far as that can be told; of scores that cannot be compared nobody's is."""
    if _goals(views) > 1:
        return _("They are after different things: their scores say nothing about each other.")
    ahead = [view for view in views if view.ranked]
    if len(ahead) < 2:
        return _("There are not yet two with a score.")
    if _data(ahead) > 1:
        return _("None is ahead: their data differ, and scores of different data are not comparable.")
    direction = ahead[0].data.study.directions[0]
    first = ahead[0]
    for view in ahead[1:]:
        if is_better(view.ranked[0].told[0], first.ranked[0].told[0], direction):
            first = view
    objective = first.data.study.objectives[0]
    values = {
        "study": words.short(first.data.study.name, 60),
        "objective": first.objective,
        "score": told_of(first.ranked[0], objective),
    }
    if any(view.ranked[0].trust is None for view in ahead):
        return words.sentences(
            _("{study} is ahead: {objective} {score}.", **values),
            _("Scores are of one training each: close ones tell nothing apart; {command} does.", command="nas race"),
        )
    near = [view for view in ahead if view is not first and _overlap(view.ranked[0], first.ranked[0])]
    if near:
        names = words.listed([words.short(view.data.study.name, 40) for view in near])
        return _(
            "{study} is ahead: {objective} {score}, but its interval overlaps with that of {others}.",
            others=names,
            **values,
        )
    return _("{study} is ahead: {objective} {score}; the intervals do not overlap.", **values)


def _goals(views: Sequence[View]) -> int:
    """Return how many different things the studies are after."""
    return len({(view.data.study.objectives[0], view.data.study.directions[0]) for view in views})


def _data(views: Sequence[View]) -> int:
    """Return how many different data, or splits of them, the studies were made on."""
    return len({repr((view.data.study.data or {}).get("fingerprint")) for view in views})


def _overlap(one: Ranked, other: Ranked) -> bool:
    if one.trust is None or other.trust is None or not (isfinite(one.trust.low) and isfinite(other.trust.low)):
        return True
    return one.trust.low <= other.trust.high and other.trust.low <= one.trust.high


def figures(views: Sequence[View]) -> list[Figure]:
    """Return how the studies progressed, by trials and by the clock, where their scores can be compared."""
    if _goals(views) > 1 or _data([view for view in views if view.ranked]) > 1:
        return []
    found = []
    for name, across, steps_of in (("by-trials", _("complete trials"), by_trial), ("by-clock", _("minutes"), by_clock)):
        told = [(view.data.study.name, steps) for view in views if (steps := steps_of(view))][:MOST]
        if len(told) > 1:
            found.append(overlay(name, told, views[0].data.study.objectives[0], across))
    return found


def difference(views: Sequence[View]) -> str:
    """Return in which lines the study files of two studies differ; empty where they do not, or there are not two."""
    files = [view.data.study.file or "" for view in views]
    if len(files) != 2 or files[0] == files[1]:
        return ""
    names = [words.short(view.data.study.name, 60) for view in views]
    told = list(unified_diff(files[0].splitlines(), files[1].splitlines(), names[0], names[1], lineterm="", n=1))
    return "\n".join(told[:MOST_LINES])
