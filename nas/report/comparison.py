"""How do several studies compare? One page, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from nas.report.sections.progress import by_clock, by_trial, unit_of_time
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
    """The first objective of its best architecture."""
    interval: str
    """The interval of that, where there was a race."""


def lines(views: Sequence[View]) -> list[Line]:
    """Return a line for each study, in their own order."""
    found = []
    for view in views:
        best = view.ranked[0] if view.ranked else None
        objective, trust = view.data.study.objectives[0], best.trust if best else None
        told = words.UNKNOWN if best is None else words.score(best.told[0], objective)
        known = trust is not None and isfinite(trust.estimate)
        interval = words.interval(trust.low, trust.high, objective) if trust is not None and known else ""
        found.append(Line(view, said(state(view.data.study)), best, told, interval))
    return found


def question(views: Sequence[View]) -> str:
    """Return what the page asks: who did best, but of studies that cannot be compared whether they can."""
    return _("Can these studies be compared?") if differences(views) else _("Which study did best?")


def differences(views: Sequence[View]) -> list[str]:
    """Return why scores of these studies say nothing about each other; nothing where they do.

    They are comparable if they are after the same thing, measured on the same examples.
    """
    found = []
    if len(set(map(_goal, views))) > 1:
        found.append(_("Their objectives differ: {told}.", told=_each(views, _told_goal)))
    measured = [view for view in views if view.ranked]
    if len({_fingerprint(view) for view in measured}) > 1:
        found.append(_("Their data differ: {told}.", told=_each(measured, _told_data)))
    return found


def _each(views: Sequence[View], told: Callable[[View], str]) -> str:
    """Return "this: one and another; that: a third"."""
    having: dict[str, list[str]] = {}
    for view in views:
        having.setdefault(told(view), []).append(_name(view))
    # Translators: between the parts of a list that have commas of their own.
    return _("; ").join(_("{what}: {how}", what=what, how=words.listed(names)) for what, names in having.items())


def _name(view: View) -> str:
    return words.short(view.data.study.name, 40)


def _goal(view: View) -> tuple[str, str]:
    return view.data.study.directions[0], view.data.study.objectives[0]


def _told_goal(view: View) -> str:
    return f"{said(view.data.study.directions[0])} {view.objective}"


def _fingerprint(view: View) -> str:
    return str((view.data.study.data or {}).get("fingerprint") or words.UNKNOWN)


def _told_data(view: View) -> str:
    source = words.short(str((view.data.study.data or {}).get("source") or words.UNKNOWN), 60)
    return _("{what} ({how})", what=source, how=_fingerprint(view)[:8])


def answer(views: Sequence[View]) -> str:
    """Return who is ahead, as far as that can be told, or why nobody is."""
    if reasons := differences(views):
        return words.sentences(_("No: a score of one says nothing about the others."), *reasons)
    ahead = [view for view in views if view.ranked]
    if len(ahead) < 2:
        return _("There are not yet two with a score.")
    first, direction = ahead[0], ahead[0].data.study.directions[0]
    for view in ahead[1:]:
        if is_better(view.ranked[0].told[0], first.ranked[0].told[0], direction):
            first = view
    best = first.ranked[0]
    values = {"objective": first.objective, "score": told_of(best, first.data.study.objectives[0])}
    level = [view for view in ahead if view.ranked[0].told[0] == best.told[0]]
    if len(level) > 1:
        return _("{studies} are level: {objective} {score}.", studies=words.listed(list(map(_name, level))), **values)
    told = _("{study} is ahead: {objective} {score}.", study=_name(first), **values)
    if any(view.ranked[0].trust is None for view in ahead):
        return words.sentences(
            told,
            _("Scores are of one training each: close ones tell nothing apart; {command} does.", command="`nas race`"),
        )
    near = [view for view in ahead if view is not first and _overlap(view.ranked[0], best)]
    if near:
        names = words.listed(list(map(_name, near)))
        return words.sentences(told, _("Its interval overlaps with that of {others}.", others=names))
    return words.sentences(told, _("The intervals do not overlap."))


def _overlap(one: Ranked, other: Ranked) -> bool:
    if one.trust is None or other.trust is None:
        return True
    # Of an end that nobody knows, both of these are false.
    return not (one.trust.low > other.trust.high or other.trust.low > one.trust.high)


def figures(views: Sequence[View]) -> list[Figure]:
    """Return how the studies progressed, by trials and by the clock, where they can be compared."""
    if differences(views):
        return []
    found = []
    unit, clock = unit_of_time(views)
    for name, across, steps in (
        ("by-trials", _("complete trials"), [by_trial(view) for view in views]),
        ("by-clock", clock, [by_clock(view, unit) for view in views]),
    ):
        told = [(view.data.study.name, some) for view, some in zip(views, steps, strict=True) if some][:MOST]
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
