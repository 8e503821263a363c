"""How did they learn?"""

from __future__ import annotations

from collections import Counter
from math import isfinite, nan

from nas.report import words
from nas.report.charts.fit import Fit, fits
from nas.report.charts.learning import MOST_POINTS, Curve, axis_cut, learning_curves
from nas.report.data import HIGHLIGHTED_CURVES, curves_to_draw
from nas.report.figure import Figure, Table
from nas.report.section import Section, View

TABLE_COLUMNS = 10
FITS = 3


def curves(view: View) -> Section:
    """Draw the learning curves, the best ones in front."""
    drawn = _curves(view)
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    trained = sum(trial.epochs > 0 and trial.duplicate_of is None for trial in view.data.trials)
    notes = []
    if len(drawn) < trained:
        notes.append(f"{len(drawn)} of {trained:,} curves are drawn: the best and an even sample of the others.")
    if any(len(curve.points) > MOST_POINTS for curve in drawn):
        notes.append(f"Each curve is thinned to {MOST_POINTS} epochs.")
    if cut := axis_cut(drawn, direction):
        limit, beyond = cut
        are = "value is" if beyond == 1 else "values are"
        side = "lower than" if direction == "maximize" else "higher than"
        at = words.score(limit, objective)
        notes.append(f"{beyond:,} {are} {side} {at}, far off the others, and drawn at {at}.")
    return Section(
        "curves",
        "How did they learn?",
        _answer(view, drawn),
        {"figures": [*_learning(view, drawn, " ".join(notes)), *_fits(view)]},
    )


def _learning(view: View, drawn: list[Curve], notes: str) -> list[Figure]:
    if not drawn:
        return []
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    steps = words.thinned(sorted({step for curve in drawn for step, _ in curve.points}), TABLE_COLUMNS)
    rows = []
    for curve in drawn:
        values = dict(curve.points)
        told = (words.score(values[step], objective) if step in values else "" for step in steps)
        rows.append((curve.trial, words.short(curve.family, 40), curve.state, *told))
    name = words.short(objective, 40)
    table = Table(
        f"{name} by epoch of the curves drawn{f', at {len(steps)} epochs' if len(steps) > 1 else ''}.",
        ("Trial", "Family", "Outcome", *(f">{'Epoch ' if at == 0 else ''}{step}" for at, step in enumerate(steps))),
        tuple(rows),
    )
    caption = (
        f"{name} after each epoch. The best are coloured, each with its own mark and dash; other complete trials are "
        f"thin lines ending in a dot, all the others thin dashes ending in a cross. {notes}"
    )
    return [Figure("learning", "Learning curves", learning_curves(drawn, objective, direction), caption, table)]


def _fits(view: View) -> list[Figure]:
    """Return the best trainings on what they were trained on and on what was held out, where both were measured."""
    objective = view.data.study.objectives[0]
    metric = objective.removeprefix("val_")
    if metric == objective:
        return []
    found = []
    for entry in view.ranked[:FITS]:
        points = tuple(
            (epoch.step, epoch.metrics[metric], epoch.metrics[objective])
            for epoch in view.data.curves.get(entry.trial.number, ())
            if isfinite(epoch.metrics.get(metric, nan)) and isfinite(epoch.metrics.get(objective, nan))
        )
        if len(points) > 1:
            family = words.short((entry.trial.family or "").rpartition(":")[2], 16)
            found.append(Fit(entry.trial.number, f"{entry.place}. trial {entry.trial.number} {family}", points))
    return [fits("fits", found, metric)] if found else []


def _curves(view: View) -> list[Curve]:
    """Return what is drawn, best first, then by trial number."""
    places = {entry.trial.number: entry.place for entry in view.ranked[:HIGHLIGHTED_CURVES]}
    trials = {trial.number: trial for trial in view.data.trials}
    found = []
    for number in curves_to_draw(view.data.trials, view.ranked):
        epochs = view.data.curves.get(number, ())
        if epochs:
            points = tuple((epoch.step, epoch.value) for epoch in epochs)
            trial = trials[number]
            found.append(Curve(number, view.outcome(trial), trial.family or "", points, places.get(number)))
    return sorted(found, key=lambda curve: (curve.place is None, curve.place or 0, curve.trial))


def _answer(view: View, drawn: list[Curve]) -> str:
    if not drawn:
        return "No epoch has been trained yet."
    trained = [trial for trial in view.data.trials if trial.epochs and trial.duplicate_of is None]
    pruned = sorted(trial.epochs for trial in trained if trial.outcome == "pruned")
    if len(pruned) == 1:
        return f"1 trial was pruned, after epoch {pruned[0]}."
    if pruned:
        return f"{len(pruned):,} trials were pruned, half of them by epoch {pruned[len(pruned) // 2]}."
    short = Counter(view.outcome(trial) for trial in trained if trial.outcome != "complete")
    if not short:
        return "Every training ran to its end; none was pruned."
    named = ", ".join(f"{count:,} {outcome}" for outcome, count in short.items())
    return f"None was pruned; {short.total():,} of {words.plural(len(trained), 'training')} did not complete ({named})."
