"""Learning curves as an SVG element, drawn here and now so that the page needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from nas.language import _, ngettext
from nas.report import words
from nas.report.charts.axes import counting, ends, held
from nas.report.figure import BEHIND, COLOURS, WIDTH, Picture, named, rendered
from nas.report.vocabulary import said

MOST_POINTS = 60
"""Epochs drawn of one curve."""
MOST_MARKS = 8
"""Epochs of one curve that carry its mark."""

COMPLETE, PRUNED = BEHIND, "#b9bec7"
MARKS = ["circle", "square", "triangle-up", "diamond", "triangle-down"]
DASHES = [[1, 0], [8, 3], [3, 2], [10, 3, 2, 3], [5, 5]]


@dataclass(frozen=True, slots=True)
class Curve:
    """One trial's learning curve: ``(epoch, value)`` in ascending order, and its place if it is drawn in front."""

    trial: int
    state: str
    family: str
    points: tuple[tuple[int, float], ...]
    place: int | None = None

    @property
    def label(self) -> str:
        """What the legend calls it."""
        return words.short(
            _("{place}. trial {trial} {family}", place=self.place, trial=self.trial, family=self.family), 32
        )


def learning_curves(curves: Sequence[Curve], objective: str, direction: str) -> Picture:
    """Return the curves as an SVG element: those with a place coloured and marked, the others behind them in grey.

    Values that are not finite are left out. Where a few values lie far off on the bad side, the axis ends
    before them and they are drawn at its edge.
    """
    import altair as alt

    low, high = limits = ends(_values(curves), direction)
    front = [curve for curve in curves if curve.place is not None]
    epochs = [step for curve in curves for step, value in curve.points if isfinite(value)]
    x = alt.X("epoch:Q", title=_("epoch"), axis=alt.Axis(grid=False, **counting(epochs)))
    y = alt.Y("value:Q", title=words.short(objective, 40), scale=alt.Scale(zero=False, domain=[low, high], nice=True))
    layers, data = [], {"front": _rows(front, limits)}
    for key, is_complete, colour, dash in (("complete", True, COMPLETE, [1, 0]), ("cut", False, PRUNED, [3, 3])):
        behind = [curve for curve in curves if curve.place is None and (curve.state == "complete") == is_complete]
        data[key] = _rows(behind, limits)
        base = alt.Chart(named(key)).encode(x=x, y=y, detail=alt.Detail("trial:N"))
        layers.append(
            base.mark_line(color=colour, strokeWidth=1, strokeDash=dash).encode(description=alt.Description("tip:N"))
        )
        points = base.mark_point(color=colour, size=24, shape="circle" if is_complete else "cross", filled=True)
        layers.append(points.transform_filter("datum.last"))
    labels = [curve.label for curve in front]
    legend = alt.Legend(title=None, orient="bottom", direction="vertical", symbolSize=90, symbolStrokeWidth=2)
    base = alt.Chart(named("front")).encode(
        x=x,
        y=y,
        color=alt.Color("label:N", scale=alt.Scale(domain=labels, range=COLOURS[: len(labels)]), legend=legend),
    )
    shapes = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=MARKS[: len(labels)]), legend=legend)
    marks = base.mark_point(size=40, strokeWidth=1.5, opacity=1).transform_filter("datum.marked")
    # One layer a dash: were the dash an encoding, the legend would break the outlines of its marks by it.
    for curve, dash in zip(front, DASHES, strict=False):
        line = base.mark_line(strokeWidth=2, strokeDash=dash).transform_filter(f"datum.trial == {curve.trial}")
        layers.append(line.encode(description=alt.Description("tip:N")))
    layers.append(marks.encode(shape=shapes))
    chart = alt.layer(*layers).properties(width=WIDTH, height=220)
    return rendered(chart, "learning", _description(curves, front, objective), **data)


def axis_cut(curves: Sequence[Curve], direction: str) -> tuple[float, int] | None:
    """Return where the axis ends before outliers on the bad side, and how many values lie beyond; ``None`` for none."""
    values = _values(curves)
    low, high = ends(values, direction)
    beyond = sum(not low <= value <= high for value in values)
    return (low if direction == "maximize" else high, beyond) if beyond else None


def _values(curves: Sequence[Curve]) -> list[float]:
    return [value for curve in curves for _, value in curve.points if isfinite(value)]


def _rows(curves: Sequence[Curve], limits: tuple[float, float]) -> list[dict[str, Any]]:
    rows = []
    for curve in curves:
        points = words.thinned([(step, value) for step, value in curve.points if isfinite(value)], MOST_POINTS)
        told = _(
            "trial {trial}, {family}: {told}",
            trial=curve.trial,
            family=words.short(curve.family, 32),
            told=said(curve.state),
        )
        marked = set(words.thinned(range(len(points)), MOST_MARKS))
        rows += [
            {
                "trial": curve.trial,
                "epoch": step,
                "value": held(value, limits),
                "label": curve.label,
                "tip": f"{curve.trial}|{told}",
                "last": index == len(points) - 1,
                "marked": index in marked,
            }
            for index, (step, value) in enumerate(points)
        ]
    return rows


def _description(curves: Sequence[Curve], front: Sequence[Curve], objective: str) -> str:
    ends = words.series(
        _("trial {trial} ends at {score}", trial=curve.trial, score=words.score(curve.points[-1][1], objective))
        for curve in front
        if curve.points
    )
    name = words.short(objective, 40)
    if not ends:
        return ngettext(
            "Line chart: {objective} by epoch for {number} trial.",
            "Line chart: {objective} by epoch for {number} trials.",
            len(curves),
            objective=name,
        )
    return ngettext(
        "Line chart: {objective} by epoch for {number} trial; of the best, {ends}.",
        "Line chart: {objective} by epoch for {number} trials; of the best, {ends}.",
        len(curves),
        objective=name,
        ends=ends,
    )
