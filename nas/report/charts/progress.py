"""How the best score came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.language import _, ngettext
from nas.report import words
from nas.report.charts.axes import counting, ends, held, tip
from nas.report.figure import BEHIND, BLUE, ORANGE, WIDTH, Figure, Table, named, of_numbers, rendered
from nas.store.records import TrialRecord

MOST_POINTS = 200
TABLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A complete trial in the order of their ends: where it lies across, its score, and the best score so far."""

    trial: TrialRecord
    at: float
    value: float
    best: float
    is_better: bool


def progress(name: str, steps: Sequence[Step], objective: str, direction: str, across: str) -> Figure:
    """Draw the best score so far as a line of steps, each trial a dot. `steps` has one or more, `at` ascending."""
    import altair as alt

    better = [step for step in steps if step.is_better]
    drawn = words.thinned(steps, MOST_POINTS)
    limits = ends([step.value for step in steps], direction)
    dots = [
        {"at": step.at, "value": held(step.value, limits), "tip": tip(step.trial, words.score(step.value, objective))}
        for step in drawn
        if not step.is_better
    ]
    marks = [
        {
            "at": step.at,
            "value": held(step.value, limits),
            "tip": tip(step.trial, _("{score}, the best so far", score=words.score(step.value, objective))),
        }
        for step in better
    ]
    line = [{"at": step["at"], "value": step["value"]} for step in marks]
    line.append({"at": steps[-1].at, "value": line[-1]["value"]})
    counted = all(step.at == round(step.at) for step in steps)
    axis = counting([step.at for step in steps]) if counted else {"format": "~r"}
    x = alt.X("at:Q", title=across, axis=alt.Axis(grid=False, **axis), scale=alt.Scale(zero=False))
    y = alt.Y("value:Q", title=words.short(objective, 40), scale=alt.Scale(zero=False, domain=list(limits), nice=True))
    behind = alt.Chart(named("dots")).mark_point(size=26, filled=True, color=BEHIND, opacity=0.9)
    steady = alt.Chart(named("line")).mark_line(interpolate="step-after", color=BLUE, strokeWidth=2)
    risen = alt.Chart(named("marks")).mark_point(size=70, filled=True, shape="triangle-up", color=ORANGE, opacity=1)
    layers = [
        behind.encode(x=x, y=y, description=alt.Description("tip:N")),
        steady.encode(x=x, y=y, order=alt.Order("at:Q")),
        risen.encode(x=x, y=y, description=alt.Description("tip:N")),
    ]
    title = _("The best {objective} so far by {across}", objective=words.short(objective, 40), across=across)
    last = better[-1]
    description = ngettext(
        "Step chart: {title}, {number} improvement, the last at trial {trial} with {score}.",
        "Step chart: {title}, {number} improvements, the last at trial {trial} with {score}.",
        len(better),
        title=title,
        trial=last.trial.number,
        score=words.score(last.value, objective),
    )
    left_out = len([step for step in steps if not step.is_better]) - len(dots)
    caption = words.sentences(
        _("Each dot is a complete trial; the line is the best so far, a triangle where it fell.")
        if direction == "minimize"
        else _("Each dot is a complete trial; the line is the best so far, a triangle where it rose."),
        ngettext(
            "{number} of the dots, evenly chosen, is left out.",
            "{number} of the dots, evenly chosen, are left out.",
            left_out,
        )
        if left_out
        else "",
    )
    table = Table(
        _("Each improvement."),
        (_("Trial"), of_numbers(across), of_numbers(objective)),
        tuple(
            (step.trial.number, words.digits(step.at), words.score(step.value, objective))
            for step in better[-TABLE_ROWS:]
        ),
    )
    chart = alt.layer(*layers).properties(width=WIDTH, height=190)
    return Figure(name, title, rendered(chart, name, description, dots=dots, line=line, marks=marks), caption, table)


def survival(name: str, reached: Sequence[tuple[int, int]]) -> Figure:
    """Draw how many trainings reached each epoch: where pruning bit.

    Args:
        name: Of the figure.
        reached: ``(epoch, trainings)``, by epoch, two or more.
    """
    import altair as alt

    rows = [{"epoch": epoch, "trials": count} for epoch, count in reached]
    epochs = counting([epoch for epoch, _count in reached])
    x = alt.X("epoch:Q", title=_("epoch"), axis=alt.Axis(grid=False, **epochs), scale=alt.Scale(zero=False))
    counts = counting([0, *(count for _epoch, count in reached)])
    y = alt.Y("trials:Q", title=_("trainings"), axis=alt.Axis(**counts))
    area = alt.Chart(named("rows")).mark_area(interpolate="step", color=BEHIND, opacity=0.5, line={"color": BLUE})
    chart = area.encode(x=x, y=y).properties(width=WIDTH, height=190)
    title = _("Trainings that reached each epoch")
    description = ngettext(
        "Step chart: of {number} training {reached} reached epoch {epoch}.",
        "Step chart: of {number} trainings {reached} reached epoch {epoch}.",
        reached[0][1],
        reached=words.exact(reached[-1][1]),
        epoch=reached[-1][0],
    )
    table = Table(
        _("{title}.", title=title),
        (of_numbers(_("Epoch")), of_numbers(_("Trainings"))),
        tuple((epoch, words.exact(count)) for epoch, count in reached),
    )
    caption = _("Steps down are trainings that were pruned, or failed.")
    return Figure(name, title, rendered(chart, name, description, rows=rows), caption, table)


def volumes(name: str, rows: Sequence[tuple[int, float]]) -> Figure:
    """Draw how the volume that the frontier dominates grew. `rows` is ``(complete trials, volume)``, two or more."""
    import altair as alt

    data = [{"trials": count, "volume": volume} for count, volume in rows]
    counts = counting([count for count, _volume in rows])
    x = alt.X("trials:Q", title=_("complete trials"), axis=alt.Axis(grid=False, **counts))
    y = alt.Y("volume:Q", title=_("dominated volume"), axis=alt.Axis(format="~s"))
    line = alt.Chart(named("rows")).mark_line(interpolate="step-after", color=BLUE, strokeWidth=2)
    chart = line.encode(x=x, y=y).properties(width=WIDTH, height=190)
    title = _("The volume that the frontier dominates")
    description = ngettext(
        "Step chart: {title} after {number} complete trial is {volume}.",
        "Step chart: {title} after {number} complete trials is {volume}.",
        rows[-1][0],
        title=title,
        volume=words.digits(rows[-1][1]),
    )
    table = Table(
        _("{title}.", title=title),
        (of_numbers(_("Complete trials")), of_numbers(_("Volume"))),
        tuple((count, words.digits(volume)) for count, volume in rows),
    )
    caption = _("Up to the worst value of each objective; the more, the better the frontier as a whole.")
    return Figure(name, title, rendered(chart, name, description, rows=data), caption, table)
