"""How did they learn?"""

from __future__ import annotations

from nas.report import words
from nas.report.chart import MOST_POINTS, Curve, learning_curves
from nas.report.data import HIGHLIGHTED_CURVES, curves_to_draw
from nas.report.section import Section, View
from nas.store.records import TrialRecord

TABLE_COLUMNS = 10


def curves(view: View) -> Section:
    """Draw the learning curves, the best ones in front."""
    drawn = _curves(view)
    objective = words.short(view.data.study.objectives[0], 40)
    steps = sorted({step for curve in drawn for step, _ in curve.points})
    trained = sum(trial.epochs > 0 and trial.duplicate_of is None for trial in view.data.trials)
    notes = []
    if len(drawn) < trained:
        notes.append(f"{len(drawn)} of {trained:,} curves are drawn: the best and an even sample of the others.")
    if any(len(curve.points) > MOST_POINTS for curve in drawn):
        notes.append(f"Each curve is thinned to {MOST_POINTS} epochs.")
    return Section(
        "curves",
        "How did they learn?",
        _answer(view, drawn),
        {
            "chart": learning_curves(drawn, objective, view.data.study.directions[0]) if drawn else None,
            "notes": " ".join(notes),
            "objective": objective,
            "steps": words.thinned(steps, TABLE_COLUMNS),
            "rows": [(curve, dict(curve.points)) for curve in drawn],
        },
    )


def _curves(view: View) -> list[Curve]:
    """Return what is drawn, best first, then by trial number."""
    places = {entry.trial.number: entry.place for entry in view.ranked[:HIGHLIGHTED_CURVES]}
    trials = {trial.number: trial for trial in view.data.trials}
    found = []
    for number in curves_to_draw(view.data.trials, view.ranked):
        epochs = view.data.curves.get(number, ())
        if epochs:
            points = tuple((epoch.step, epoch.value) for epoch in epochs)
            found.append(Curve(number, _state(trials[number]), trials[number].family or "", points, places.get(number)))
    return sorted(found, key=lambda curve: (curve.place is None, curve.place or 0, curve.trial))


def _state(trial: TrialRecord) -> str:
    return trial.outcome or "running"


def _answer(view: View, drawn: list[Curve]) -> str:
    if not drawn:
        return "No epoch has been trained yet."
    pruned = [trial.epochs for trial in view.data.trials if trial.outcome == "pruned" and trial.epochs]
    if not pruned:
        return "Every curve runs to the end of its training; none was pruned."
    middle = sorted(pruned)[len(pruned) // 2]
    return f"{words.plural(len(pruned), 'trial was', 'trials were')} pruned, half of them by epoch {middle}."
