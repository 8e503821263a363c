"""Training against validation, a small chart for each of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.language import N_, _
from nas.report import words
from nas.report.charts.axes import counting
from nas.report.charts.learning import MOST_POINTS
from nas.report.figure import BLUE, ORANGE, PANEL, Figure, Table, named, of_numbers, panels, rendered

KINDS = (N_("training"), N_("validation"))
TABLE_ROWS = 60


@dataclass(frozen=True, slots=True)
class Fit:
    """One trial's curves: ``(epoch, training, validation)``."""

    trial: int
    title: str
    points: tuple[tuple[int, float, float], ...]


def fits(name: str, found: Sequence[Fit], metric: str) -> Figure:
    """Draw `metric` on the examples trained on and on those held out, by epoch. `found` has one or more."""
    pictures = []
    values = [value for fit in found for _epoch, *both in fit.points for value in both]
    limits = (min(values), max(values))
    for index, fit in enumerate(found):
        rows = [
            {"epoch": point[0], "value": point[1 + at], "kind": _(kind)}
            for at, kind in enumerate(KINDS)
            for point in words.thinned(fit.points, MOST_POINTS)
        ]
        last = fit.points[-1]
        description = _(
            "Line chart: {metric} by epoch of trial {trial}, which ends at {training} and {validation}.",
            metric=words.short(metric, 40),
            trial=fit.trial,
            training=words.score(last[1], metric),
            validation=words.score(last[2], metric),
        )
        pictures.append(rendered(_panel(fit, limits), f"{name}-{index}", description, rows=rows))
    title = _("{metric}: training and validation", metric=words.short(metric, 40))
    table = Table(
        _("{title}.", title=title),
        (_("Trial"), *map(of_numbers, (_("Epoch"), _("Training"), _("Validation")))),
        tuple(
            (fit.trial, epoch, words.score(one, metric), words.score(two, metric))
            for fit in found
            for epoch, one, two in words.thinned(fit.points, TABLE_ROWS)
        ),
    )
    caption = _(
        "Validation far worse than training, and growing worse, is overfitting; both still improving: too short."
    )
    return Figure(name, title, panels(pictures), caption, table)


def _panel(fit: Fit, limits: tuple[float, float]) -> object:
    import altair as alt

    legend = alt.Legend(title=None, orient="bottom", direction="vertical")
    kinds = [_(kind) for kind in KINDS]
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[ORANGE, BLUE]), legend=legend)
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=kinds, range=[[4, 3], [1, 0]]), legend=legend)
    epochs = counting([epoch for epoch, *_both in fit.points])
    x = alt.X("epoch:Q", title=_("epoch"), axis=alt.Axis(grid=False, tickCount=4, **epochs))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, domain=list(limits), nice=True))
    line = alt.Chart(named("rows")).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    return line.properties(width=PANEL, height=120, title=fit.title)
