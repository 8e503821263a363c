"""The progress of several studies in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from nas.language import _
from nas.report import words
from nas.report.charts.progress import Step
from nas.report.figure import COLOURS, WIDTH, Figure, Table, named, of_numbers, rendered

DASHES = ([1, 0], [8, 3], [3, 2], [10, 3, 2, 3], [5, 5])
MOST = len(COLOURS)


def overlay(name: str, studies: Sequence[tuple[str, Sequence[Step]]], objective: str, across: str) -> Figure:
    """Draw the best so far of up to `MOST` studies, each ``(name, steps)``; every study has one step or more."""
    import altair as alt

    labels = [f"{index}. {words.short(study, 28)}" for index, (study, _) in enumerate(studies, start=1)]
    x = alt.X("at:Q", title=across, axis=alt.Axis(grid=False, format="~r"), scale=alt.Scale(zero=False))
    y = alt.Y("best:Q", title=words.short(objective, 40), scale=alt.Scale(zero=False, nice=True))
    legend = alt.Legend(title=None, orient="bottom", direction="vertical", symbolSize=300, symbolStrokeWidth=2)
    colour = alt.Color("study:N", scale=alt.Scale(domain=labels, range=list(COLOURS[: len(labels)])), legend=legend)
    dash = alt.StrokeDash("study:N", scale=alt.Scale(domain=labels, range=list(DASHES[: len(labels)])), legend=legend)
    base = alt.Chart(named("rows")).mark_line(interpolate="step-after", strokeWidth=2)
    rows = [
        {"at": step.at, "best": step.best, "study": label}
        for label, (_, steps) in zip(labels, studies, strict=True)
        for step in _corners(steps)
    ]
    chart = base.encode(x=x, y=y, color=colour, strokeDash=dash, order=alt.Order("at:Q")).properties(
        width=WIDTH, height=210
    )
    title = _("The best {objective} so far by {across}", objective=words.short(objective, 40), across=across)
    ends = [
        f"{label} {words.score(steps[-1].best, objective)}" for label, (_, steps) in zip(labels, studies, strict=True)
    ]
    table = Table(
        _("{title}: each improvement.", title=title),
        (_("Study"), *map(of_numbers, (_("Trial"), across, words.short(objective, 40)))),
        tuple(
            (words.short(study, 60), step.trial.number, words.digits(step.at), words.score(step.best, objective))
            for study, steps in studies
            for step in steps
            if step.is_better
        ),
    )
    description = _("Step chart: {title}: {told}.", title=title, told=words.series(ends))
    picture = rendered(chart, name, description, rows=rows)
    return Figure(name, title, picture, _("Each study has its own dash."), table)


def _corners(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.is_better] + ([] if steps[-1].is_better else [steps[-1]])
