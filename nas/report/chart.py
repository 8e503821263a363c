"""Learning curves as an SVG element, drawn here and now so that the page needs no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from markupsafe import Markup

from nas.report import words

MOST_POINTS = 60
"""Epochs drawn of one curve."""
MOST_MARKS = 8
"""Epochs of one curve that carry its mark."""

# What the page's style sheet recolours in the dark, by these very values.
INK, QUIET, GRID = "#1c2330", "#5b6472", "#e3e6eb"
COMPLETE, PRUNED = "#9db4cf", "#b9bec7"
# Okabe & Ito 2008: told apart by readers with any common colour vision, here with a mark and a dash of their own too.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]
MARKS = ["circle", "square", "triangle-up", "diamond", "triangle-down"]
# Vega measures text without knowing the reader's fonts: the room on the right is for wider ones.
PADDING = {"left": 5, "top": 5, "bottom": 5, "right": 50}
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
        return words.short(f"{self.place}. trial {self.trial} {self.family}", 32)


def learning_curves(curves: Sequence[Curve], objective: str, direction: str) -> Markup:
    """Return the curves as an SVG element: those with a place coloured and marked, the others behind them in grey.

    Values that are not finite are left out. Where a few values lie far off on the bad side, the axis ends
    before them and they are drawn at its edge.
    """
    import altair as alt
    import vl_convert

    title = alt.TitleParams(words.short(objective, 40), anchor="start", fontSize=12, fontWeight="normal", color=INK)
    low, high = _range(_values(curves), direction)
    front = [curve for curve in curves if curve.place is not None]
    x = alt.X("epoch:Q").title("epoch").axis(tickMinStep=1, format="d", grid=False)
    y = alt.Y("value:Q").title(None).scale(zero=False, domain=[low, high], nice=True)
    layers = []
    for is_complete, colour, dash in ((True, COMPLETE, [1, 0]), (False, PRUNED, [3, 3])):
        behind = [curve for curve in curves if curve.place is None and (curve.state == "complete") == is_complete]
        data = alt.Data(values=_rows(behind, low, high))
        base = alt.Chart(data).encode(x=x, y=y, detail="trial:N")
        layers.append(base.mark_line(color=colour, strokeWidth=1, strokeDash=dash))
        ends = base.mark_point(color=colour, size=24, shape="circle" if is_complete else "cross", filled=True)
        layers.append(ends.transform_filter("datum.last"))
    labels = [curve.label for curve in front]
    legend = alt.Legend(title="best", orient="right", symbolSize=90, symbolStrokeWidth=2)
    base = alt.Chart(alt.Data(values=_rows(front, low, high))).encode(
        x=x, y=y, color=alt.Color("label:N").scale(domain=labels, range=COLOURS[: len(labels)]).legend(legend)
    )
    shapes = alt.Shape("label:N").scale(domain=labels, range=MARKS[: len(labels)]).legend(legend)
    marks = base.mark_point(size=40, strokeWidth=1.5, opacity=1).transform_filter("datum.marked")
    # One layer a dash: were the dash an encoding, the legend would break the outlines of its marks by it.
    for curve, dash in zip(front, DASHES, strict=False):
        layers.append(base.mark_line(strokeWidth=2, strokeDash=dash).transform_filter(f"datum.trial == {curve.trial}"))
    layers.append(marks.encode(shape=shapes))
    chart = alt.layer(*layers).properties(title=title, width=680, height=320, background="transparent", padding=PADDING)
    return _embeddable(vl_convert.vegalite_to_svg(_styled(chart).to_dict()), _description(curves, front, objective))


def axis_cut(curves: Sequence[Curve], direction: str) -> tuple[float, int] | None:
    """Return where the axis ends before outliers on the bad side, and how many values lie beyond; ``None`` for none."""
    values = _values(curves)
    low, high = _range(values, direction)
    beyond = sum(not low <= value <= high for value in values)
    return (low if direction == "maximize" else high, beyond) if beyond else None


def _values(curves: Sequence[Curve]) -> list[float]:
    return [value for curve in curves for _, value in curve.points if isfinite(value)]


def _range(values: list[float], direction: str) -> tuple[float, float]:
    """Return the ends of the axis: all values, but for outliers on the bad side."""
    if not values:
        return 0.0, 1.0
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    inner = ordered[len(ordered) // 20 : len(ordered) - len(ordered) // 20]
    spread = inner[-1] - inner[0]
    if spread > 0 and direction == "maximize":
        low = max(low, inner[0] - 0.5 * spread)
    elif spread > 0:
        high = min(high, inner[-1] + 0.5 * spread)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _rows(curves: Sequence[Curve], low: float, high: float) -> list[dict[str, Any]]:
    rows = []
    for curve in curves:
        points = words.thinned([(step, value) for step, value in curve.points if isfinite(value)], MOST_POINTS)
        marked = set(words.thinned(range(len(points)), MOST_MARKS))
        rows += [
            {
                "trial": curve.trial,
                "epoch": step,
                "value": float(f"{min(max(value, low), high):.6g}"),
                "label": curve.label,
                "last": index == len(points) - 1,
                "marked": index in marked,
            }
            for index, (step, value) in enumerate(points)
        ]
    return rows


def _styled(chart: Any) -> Any:
    font = "system-ui, sans-serif"
    axis = {"labelColor": QUIET, "titleColor": INK, "gridColor": GRID, "domainColor": QUIET, "tickColor": QUIET}
    return (
        chart.configure(font=font)
        .configure_axis(**axis, labelFontSize=12, titleFontSize=12, titleFontWeight="normal", tickCount=8)
        .configure_legend(labelColor=INK, titleColor=QUIET, labelFontSize=12, titleFontWeight="normal", labelLimit=220)
        .configure_view(stroke=None)
    )


def _description(curves: Sequence[Curve], front: Sequence[Curve], objective: str) -> str:
    told = f"Line chart: {words.short(objective, 40)} by epoch for {words.plural(len(curves), 'trial')}"
    ends = [
        f"trial {curve.trial} ends at {words.score(curve.points[-1][1], objective)}" for curve in front if curve.points
    ]
    return f"{told}; of the best, {', '.join(ends)}." if ends else f"{told}."


def _embeddable(svg: str, description: str) -> Markup:
    """Return Vega's `svg` as one picture with one description; what it says of each mark would drown a listener."""
    svg = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg[svg.index("<svg") :])
    head = Markup('<svg role="img" aria-label="{}"').format(words.clean(description))
    return Markup(svg.replace("<svg", head, 1).replace('class="marks"', 'class="chart"', 1))
