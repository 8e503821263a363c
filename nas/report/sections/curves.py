"""How did they learn?"""

from __future__ import annotations

from collections import Counter

from nas.report import words
from nas.report.chart import MOST_POINTS, Curve, axis_cut, learning_curves
from nas.report.data import HIGHLIGHTED_CURVES, curves_to_draw
from nas.report.section import Section, View

TABLE_COLUMNS = 10


def curves(view: View) -> Section:
    """Draw the learning curves, the best ones in front."""
    drawn = _curves(view)
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    steps = sorted({step for curve in drawn for step, _ in curve.points})
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
        {
            "chart": learning_curves(drawn, objective, direction) if drawn else None,
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
