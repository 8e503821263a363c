"""How did they learn?"""

from __future__ import annotations

from collections import Counter
from math import isfinite, nan

from nas.language import _, ngettext
from nas.report import words
from nas.report.charts.fit import Fit, fits
from nas.report.charts.learning import MOST_POINTS, Curve, axis_cut, learning_curves
from nas.report.data import HIGHLIGHTED_CURVES, curves_to_draw
from nas.report.figure import Figure, Table, of_numbers
from nas.report.section import Section, View
from nas.report.vocabulary import said

TABLE_COLUMNS = 10
FITS = 3


def curves(view: View) -> Section:
    """Draw the learning curves, the best ones in front."""
    drawn = _curves(view)
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    trained = sum(trial.epochs > 0 and trial.duplicate_of is None for trial in view.data.trials)
    notes = []
    if len(drawn) < trained:
        notes.append(
            _(
                "{drawn} of {all} curves are drawn: the best and an even sample of the others.",
                drawn=len(drawn),
                all=words.exact(trained),
            )
        )
    if any(len(curve.points) > MOST_POINTS for curve in drawn):
        notes.append(_("Each curve is thinned to {count} epochs.", count=MOST_POINTS))
    if cut := axis_cut(drawn, direction):
        limit, beyond = cut
        at = words.score(limit, objective)
        notes.append(
            ngettext(
                "{number} value is lower than {limit}, far off the others, and drawn at {limit}.",
                "{number} values are lower than {limit}, far off the others, and drawn at {limit}.",
                beyond,
                limit=at,
            )
            if direction == "maximize"
            else ngettext(
                "{number} value is higher than {limit}, far off the others, and drawn at {limit}.",
                "{number} values are higher than {limit}, far off the others, and drawn at {limit}.",
                beyond,
                limit=at,
            )
        )
    return Section(
        "curves",
        _("How did they learn?"),
        _answer(view, drawn),
        {"figures": [*_learning(view, drawn, notes), *_fits(view)]},
    )


def _learning(view: View, drawn: list[Curve], notes: list[str]) -> list[Figure]:
    if not drawn:
        return []
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    steps = words.thinned(sorted({step for curve in drawn for step, _ in curve.points}), TABLE_COLUMNS)
    rows = []
    for curve in drawn:
        values = dict(curve.points)
        told = (words.score(values[step], objective) if step in values else "" for step in steps)
        rows.append((curve.trial, curve.family, said(curve.state), *told))
    name = words.short(objective, 40)
    table = Table(
        _("{objective} by epoch of the curves drawn, at {count} epochs.", objective=name, count=len(steps))
        if len(steps) > 1
        else _("{objective} by epoch of the curves drawn.", objective=name),
        (
            _("Trial"),
            _("Family"),
            _("Outcome"),
            *(of_numbers(str(step) if at else _("Epoch {epoch}", epoch=step)) for at, step in enumerate(steps)),
        ),
        tuple(rows),
    )
    behind = {curve.state for curve in drawn if curve.place is None}
    caption = words.sentences(
        _("{objective} after each epoch.", objective=name),
        _("The best are coloured, each with its own mark and dash.") if len(drawn) > 1 else "",
        _("Other complete trials are thin lines that end in a dot.") if "complete" in behind else "",
        _("Thin dashes that end in a cross are trials that did not complete.") if behind - {"complete"} else "",
        *notes,
    )
    return [Figure("learning", _("Learning curves"), learning_curves(drawn, objective, direction), caption, table)]


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
            family = words.family(entry.trial.family, 16)
            title = _("{place}. trial {trial} {family}", place=entry.place, trial=entry.trial.number, family=family)
            found.append(Fit(entry.trial.number, title, points))
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
            found.append(Curve(number, view.outcome(trial), words.family(trial.family), points, places.get(number)))
    return sorted(found, key=lambda curve: (curve.place is None, curve.place or 0, curve.trial))


def _answer(view: View, drawn: list[Curve]) -> str:
    if not drawn:
        return _("No epoch has been trained yet.")
    trained = [trial for trial in view.data.trials if trial.epochs and trial.duplicate_of is None]
    pruned = sorted(trial.epochs for trial in trained if trial.outcome == "pruned")
    if len(pruned) == 1:
        return _("1 trial was pruned, after epoch {epoch}.", epoch=pruned[0])
    if pruned:
        return _(
            "{count} trials were pruned, half of them by epoch {epoch}.",
            count=words.exact(len(pruned)),
            epoch=pruned[len(pruned) // 2],
        )
    short = Counter(view.outcome(trial) for trial in trained if trial.outcome != "complete")
    if not short:
        return _("Every training ran to its end; none was pruned.")
    return ngettext(
        "None was pruned; {short} of {number} training did not complete ({outcomes}).",
        "None was pruned; {short} of {number} trainings did not complete ({outcomes}).",
        len(trained),
        short=words.exact(short.total()),
        outcomes=words.outcomes(short),
    )
