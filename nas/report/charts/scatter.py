"""Scores against what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from nas.language import _, ngettext
from nas.ranking import Ranked
from nas.report import words
from nas.report.charts.axes import ends, held, magnitude, tip
from nas.report.charts.density import counted
from nas.report.embedded import embedded
from nas.report.figure import BEHIND, BLUE, ORANGE, WIDTH, Figure, Table, named, of_numbers, rendered, together

MOST_POINTS = 300
"""Of more architectures only the frontier and the best are drawn one by one, the others are counted by area."""
BEST = 50
MARGIN = 0.04
"""Of an axis that is left free at both its ends."""
WORTH = 2.0
"""The factor over which costs must range for a logarithm to show anything else."""

Kind = Literal["log", "linear"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing to be good at: its name, the better direction, and its value by trial number."""

    name: str
    direction: Literal["minimize", "maximize"]
    values: dict[int, float]
    estimated: bool = False
    """Whether the values are what a race has come to."""

    @property
    def told(self) -> str:
        """The name as a sentence has it."""
        if self.estimated:
            return _("estimated {objective}", objective=words.short(self.name, 40))
        return {"macs": "MACs", "weights": _("weights"), "latency (ms)": _("latency (ms)")}.get(
            self.name, words.short(self.name, 40)
        )

    def loss(self, number: int) -> float:
        """Return the value turned so that less is better."""
        return -self.values[number] if self.direction == "maximize" else self.values[number]


@dataclass(frozen=True, slots=True)
class Scatter:
    """A figure that a range can be chosen in: its axes, the scales it is drawn on, the first one shown, and values."""

    figure: Figure
    cost: str
    score: str
    scales: tuple[Kind, ...]
    data: Markup


def scatter(name: str, entries: Sequence[Ranked], cost: Axis, score: Axis, shown: Sequence[Ranked] = ()) -> Scatter:
    """Draw `score` over `cost`, with the frontier of these two joined by a line.

    Args:
        name: Of the figure.
        entries: Architectures that both axes know, best first.
        cost: Across.
        score: Up.
        shown: Those that a page tells everything of: a range chosen in the picture is looked up among them.
    """
    front = frontier(entries, cost, score)
    on_it = {entry.trial.number for entry in front}
    others = [entry for entry in entries if entry.trial.number not in on_it]
    drawn = others if len(entries) <= MOST_POINTS else others[:BEST]
    far = others[len(drawn) :]
    limits = ends([score.values[entry.trial.number] for entry in entries], score.direction)
    costs = [cost.values[entry.trial.number] for entry in entries]
    first: Kind = "log" if magnitude(costs) == "log" else "linear"
    scales: tuple[Kind, ...] = (first,)
    if min(costs) > 0 and max(costs) > WORTH * min(costs):
        scales = (first, "linear" if first == "log" else "log")
    up = _room(*limits, "linear")
    across = {kind: _room(min(costs), max(costs), kind) for kind in scales}

    def points(some: Sequence[Ranked]) -> list[dict[str, Any]]:
        return [
            {
                "cost": cost.values[entry.trial.number],
                "score": held(score.values[entry.trial.number], limits),
                "tip": tip(entry.trial, _("place {place}", place=entry.place), *_told(entry.trial.number, score, cost)),
            }
            for entry in some
        ]

    title = _("{score} against {cost}", score=score.told, cost=cost.told)
    description = _description(title, entries, front, score, cost)
    data = {"others": points(drawn), "front": points(front)}
    pictures, most = [], 0
    for kind in scales:
        places = [(cost.values[entry.trial.number], held(score.values[entry.trial.number], limits)) for entry in far]
        data["areas"], most = counted(places, across[kind], up, logarithmic=kind == "log")
        chart = _chart(cost.told, score.told, kind, across[kind], up, has_areas=bool(far))
        told = words.sentences(
            description,
            _("The scale of {cost} is logarithmic.", cost=cost.told)
            if kind == "log"
            else _("The scale of {cost} is linear.", cost=cost.told),
        )
        picture = rendered(chart, name if kind == first else f"{name}-{kind}", told, **data)
        hidden = Markup("") if kind == first else Markup(" hidden")
        pictures.append(picture.within('<div class="scale" data-scale="{}"{}>{}</div>', kind, hidden))
    caption = words.sentences(
        _("Diamonds joined by a dashed line: nothing is better in one and no worse in the other."),
        _(
            "The frontier and the best {drawn} others are drawn one by one; the other {far} are counted by area, the "
            "darker the more, at most {most} in one.",
            drawn=words.exact(len(drawn)),
            far=words.exact(len(far)),
            most=words.exact(most),
        )
        if far
        else "",
    )
    table = _table(title, sorted([*front, *drawn], key=lambda entry: entry.place), on_it, score, cost)
    values = {
        entry.trial.number: [_digits(axis.values[entry.trial.number]) for axis in (cost, score)]
        for entry in shown
        if entry.trial.number in cost.values and entry.trial.number in score.values
    }
    told_to_script = embedded(
        {"cost": cost.name, "score": score.name, "across": across, "up": up, "values": values}
        | {"ends": [[min(costs), max(costs)], [limits[0], limits[1]]]}
    )
    figure = Figure(name, title, together(pictures), caption, table)
    return Scatter(figure, cost.told, score.told, scales, told_to_script)


def _chart(
    cost: str, score: str, kind: Kind, across: tuple[float, float], up: tuple[float, float], *, has_areas: bool
) -> Any:
    import altair as alt

    x = alt.X(
        "cost:Q",
        title=cost,
        scale=alt.Scale(type=kind, nice=False, domain=list(across)),
        axis=alt.Axis(format="~s", labelOverlap=True, grid=False, tickCount=5),
    )
    y = alt.Y("score:Q", title=score, scale=alt.Scale(domain=list(up), nice=False))
    behind = alt.Chart(named("others")).mark_point(size=24, filled=True, color=BEHIND, opacity=0.9)
    line = alt.Chart(named("front")).mark_line(
        interpolate="step-after", color=ORANGE, strokeWidth=1.5, strokeDash=[5, 3]
    )
    marks = alt.Chart(named("front")).mark_point(size=60, filled=True, shape="diamond", color=BLUE, opacity=1)
    layers = [
        behind.encode(x=x, y=y, description=alt.Description("tip:N")),
        line.encode(x=x, y=y, order=alt.Order("cost:Q")),
        marks.encode(x=x, y=y, description=alt.Description("tip:N")),
    ]
    if has_areas:
        areas = alt.Chart(named("areas")).mark_rect(color=BEHIND)
        shade = alt.Opacity("shade:Q", scale=None, legend=None)
        layers.insert(0, areas.encode(x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("top:Q"), opacity=shade))
    return alt.layer(*layers).properties(width=WIDTH, height=210)


def _room(low: float, high: float, kind: Kind) -> tuple[float, float]:
    """Return the ends of an axis from `low` to `high` with a margin."""
    if kind == "log":
        factor = (high / low) ** MARGIN
        return low / factor, high * factor
    free = MARGIN * (high - low)
    return low - free, high + free


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def _description(title: str, entries: Sequence[Ranked], front: Sequence[Ranked], score: Axis, cost: Axis) -> str:
    best, lean = front[0], front[-1]
    return words.sentences(
        ngettext(
            "Scatter plot: {title} of {number} architecture.",
            "Scatter plot: {title} of {number} architectures.",
            len(entries),
            title=title,
        ),
        _(
            "{count} on the frontier, from trial {best} ({best_told}) to trial {lean} ({lean_told}).",
            count=len(front),
            best=best.trial.number,
            best_told=words.series(_told(best.trial.number, score, cost)),
            lean=lean.trial.number,
            lean_told=words.series(_told(lean.trial.number, score, cost)),
        ),
    )


def _table(title: str, shown: Sequence[Ranked], on_it: set[int], score: Axis, cost: Axis) -> Table:
    return Table(
        _("The points of the picture, {title}.", title=title),
        (_("Trial"), _("Family"), of_numbers(score.told), of_numbers(cost.told), _("On the frontier")),
        tuple(
            (
                entry.trial.number,
                words.family(entry.trial.family) or words.UNKNOWN,
                words.score(score.values[entry.trial.number], score.name),
                words.score(cost.values[entry.trial.number], cost.name),
                _("yes") if entry.trial.number in on_it else "",
            )
            for entry in shown
        ),
    )


def frontier(entries: Sequence[Ranked], cost: Axis, score: Axis) -> list[Ranked]:
    """Return who is beaten by nobody in these two, the best score first."""
    found: list[Ranked] = []
    lowest = float("inf")
    for entry in sorted(entries, key=lambda one: (score.loss(one.trial.number), cost.loss(one.trial.number))):
        if cost.loss(entry.trial.number) < lowest:
            found.append(entry)
            lowest = cost.loss(entry.trial.number)
    return found


def _told(number: int, score: Axis, cost: Axis) -> list[str]:
    return [f"{axis.told} {words.score(axis.values[number], axis.name)}" for axis in (score, cost)]
