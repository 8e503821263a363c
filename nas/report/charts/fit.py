"""Training against validation, a small chart for each of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.language import N_, _, ngettext
from nas.report import words
from nas.report.charts.learning import MOST_POINTS
from nas.report.figure import BLUE, ORANGE, Figure, Table, named, of_numbers, rendered

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
    import altair as alt

    panels, data = [], {}
    for index, fit in enumerate(found):
        data[f"rows{index}"] = [
            {"epoch": point[0], "value": point[1 + at], "kind": _(kind)}
            for at, kind in enumerate(KINDS)
            for point in words.thinned(fit.points, MOST_POINTS)
        ]
        panels.append(_panel(index, fit, metric))
    title = _("{metric}: training and validation", metric=words.short(metric, 40))
    last = found[0].points[-1]
    description = ngettext(
        "Line charts: {title} by epoch of {number} trial; trial {trial} ends at {training} and {validation}.",
        "Line charts: {title} by epoch of {number} trials; trial {trial} ends at {training} and {validation}.",
        len(found),
        title=title,
        trial=found[0].trial,
        training=words.score(last[1], metric),
        validation=words.score(last[2], metric),
    )
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
    chart = alt.concat(*panels, columns=3, spacing=24).resolve_scale(y="shared", x="independent")
    return Figure(name, title, rendered(chart, name, description, **data), caption, table)


def _panel(index: int, fit: Fit, metric: str) -> object:
    import altair as alt

    legend = alt.Legend(title=None, orient="bottom") if index == 0 else None
    kinds = [_(kind) for kind in KINDS]
    colour = alt.Color("kind:N").scale(domain=kinds, range=[ORANGE, BLUE]).legend(legend)
    dash = alt.StrokeDash("kind:N").scale(domain=kinds, range=[[4, 3], [1, 0]]).legend(legend)
    x = alt.X("epoch:Q").title(_("epoch")).axis(tickMinStep=1, format="d", grid=False, tickCount=4)
    y = alt.Y("value:Q").title(words.short(metric, 24) if index % 3 == 0 else None).scale(zero=False)
    line = alt.Chart(named(f"rows{index}")).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    return line.properties(width=165, height=130, title=fit.title)
