"""What mattered?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nas.language import _, ngettext
from nas.ranking.importance import is_number
from nas.report import words
from nas.report.charts.choices import MOST_AXES, MOST_PANELS, bars, marginals, parallel, spoken
from nas.report.figure import Figure, Table, of_numbers
from nas.report.section import Section, View
from nas.report.sections.progress import scored
from nas.store.records import TrialRecord

FEWEST = 5
"""Complete trials before their choices are compared."""
CERTAIN = 60
"""Trials before importances are more than a hint."""
EDGE = 0.02
"""So near an end of the values tried, a number is at its edge."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How often a kind of layer is in the best architectures and in all that were counted."""

    layer: str
    among_best: float
    among_all: float


def choices(view: View) -> Section:
    """Tell which choices the best have in common, and what their architectures are made of."""
    trials = scored(view)
    found = view.importances[0]
    names = [one.choice for one in found if _varies(one.choice, trials)][:MOST_PANELS]
    figures: list[Figure] = []
    study = view.data.study
    for index, importances in enumerate(view.importances):
        if importances:
            figures.append(bars(f"importance-{index}", importances, study.objectives[index]))
    if names and len(trials) >= FEWEST:
        figures.append(marginals("marginals", names, trials, study.objectives[0], study.directions[0]))
        if axes := _axes(view, trials):
            best = {entry.trial.number for entry in view.ranked[: max(3, min(10, len(trials) // 10))]}
            figures.append(parallel("parallel", axes, trials, best, study.objectives[0]))
    return Section(
        "choices",
        _("What mattered?"),
        _answer(view),
        {"figures": figures, "edges": edges(view), "operators": _operators(view)},
    )


def _axes(view: View, trials: Sequence[TrialRecord]) -> list[str]:
    """Return the most important choices that most trials made, as many as there is room for."""
    counts = Counter(name for trial in trials for name in trial.params)
    common = [
        one.choice
        for one in view.importances[0]
        if counts[one.choice] > 0.8 * len(trials) and _varies(one.choice, trials)
    ]
    common = common[: MOST_AXES - 1]
    # Trials that lack one of them are not drawn: what only these chose otherwise is no axis.
    having = [trial for trial in trials if all(choice in trial.params for choice in common)]
    common = [choice for choice in common if _varies(choice, having)]
    return common if len(common) > 1 else []


def _varies(choice: str, trials: Sequence[TrialRecord]) -> bool:
    return len({repr(trial.params[choice]) for trial in trials if choice in trial.params}) > 1


def edges(view: View) -> list[str]:
    """Return where the best lies at the end of the values that were tried: the space may be too narrow there."""
    trials = scored(view)
    if not view.ranked or len(trials) < 2 * FEWEST:
        return []
    best, told = view.ranked[0].trial, []
    for name, value in best.params.items():
        tried = sorted(float(v or 0) for t in trials if is_number(v := t.params.get(name)))
        if not is_number(value) or len(set(tried)) < 4:
            continue
        low, high = tried[0], tried[-1]
        at = (float(value or 0) - low) / (high - low)
        if at <= EDGE or at >= 1 - EDGE:
            end = (
                _("{choice}: the best has {value}, the largest that was tried.")
                if at > 0.5
                else _("{choice}: the best has {value}, the smallest that was tried.")
            )
            told.append(end.format(choice=spoken(name, 60), value=words.setting(value)))
    return told[:6]


def _operators(view: View) -> Table | None:
    """Compare the layers of the ten best with those of all whose graphs were read."""
    graphs = view.data.graphs
    best = [graphs[entry.trial.number] for entry in view.ranked[:10] if graphs.get(entry.trial.number)]
    every = [graph for graph in graphs.values() if graph]
    if len(every) <= len(best) or not best:
        return None
    having = [Counter(layer for graph in some for layer in {node.layer for node in graph}) for some in (best, every)]
    rows = [
        Operator(layer, having[0][layer] / len(best), count / len(every))
        for layer, count in having[1].items()
        if count < len(every) or having[0][layer] < len(best)
    ]
    rows.sort(key=lambda row: (-abs(row.among_best - row.among_all), row.layer))
    if not rows:
        return None
    return Table(
        _(
            "Layers of the best {best} against {all} of the ranking: the share of architectures that have it.",
            best=len(best),
            all=len(every),
        ),
        (_("Layer"), of_numbers(_("Among the best")), of_numbers(_("Among all")), of_numbers(_("Difference"))),
        tuple(
            (
                words.short(r.layer, 40),
                words.percent(r.among_best),
                words.percent(r.among_all),
                words.percent(r.among_best - r.among_all, signed=True),
            )
            for r in rows[:15]
        ),
    )


def _answer(view: View) -> str:
    found = view.importances[0]
    if not found:
        return _("Too few trials to say.")
    first = words.listed(
        [_("{what} ({how})", what=spoken(one.choice, 60), how=words.percent(one.share)) for one in found[:3]]
    )
    few = max(one.trials for one in found)
    return words.sentences(
        _("Above all {choices}, by how the best tenth of the trials is distributed.", choices=first),
        ngettext("With {number} trial that is a hint at most.", "With {number} trials that is a hint at most.", few)
        if few < CERTAIN
        else "",
    )
