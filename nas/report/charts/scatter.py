"""Scores against what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nas.language import _, ngettext
from nas.ranking import Ranked
from nas.report import words
from nas.report.charts.axes import ends, held, magnitude, tip
from nas.report.figure import BEHIND, BLUE, ORANGE, Figure, Table, named, of_numbers, rendered

MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing to be good at: its name, the better direction, and its value by trial number."""

    name: str
    direction: Literal["minimize", "maximize"]
    values: dict[int, float]

    @property
    def told(self) -> str:
        """The name as a sentence has it."""
        return {"macs": "MACs", "weights": _("weights"), "latency (ms)": _("latency (ms)")}.get(
            self.name, words.short(self.name, 40)
        )

    def loss(self, number: int) -> float:
        """Return the value turned so that less is better."""
        return -self.values[number] if self.direction == "maximize" else self.values[number]


def scatter(name: str, entries: Sequence[Ranked], cost: Axis, score: Axis) -> Figure:
    """Draw `score` over `cost`, with the frontier of these two joined by a line.

    Args:
        name: Of the figure.
        entries: Architectures that both axes know, best first.
        cost: Across.
        score: Up.
    """
    import altair as alt

    front = frontier(entries, cost, score)
    on_it = {entry.trial.number for entry in front}
    others = [entry for entry in entries if entry.trial.number not in on_it]
    drawn = words.thinned(others, max(2, MOST_POINTS - len(front)))
    limits = ends([score.values[entry.trial.number] for entry in (*drawn, *front)], score.direction)
    kind = magnitude([cost.values[entry.trial.number] for entry in (*drawn, *front)])

    def rows(some: Sequence[Ranked]) -> list[dict[str, Any]]:
        return [
            {
                "cost": cost.values[entry.trial.number],
                "score": held(score.values[entry.trial.number], limits),
                "tip": tip(entry.trial, _("place {place}", place=entry.place), *_told(entry.trial.number, score, cost)),
            }
            for entry in some
        ]

    x = alt.X("cost:Q").title(cost.told).scale(type=kind, nice=True, zero=False)
    x = x.axis(format="~s", labelOverlap=True, grid=False)
    y = alt.Y("score:Q").title(score.told).scale(zero=False, domain=list(limits), nice=True)
    behind = alt.Chart(named("others")).mark_point(size=34, filled=True, color=BEHIND, opacity=0.9)
    line = alt.Chart(named("front")).mark_line(
        interpolate="step-after", color=ORANGE, strokeWidth=1.5, strokeDash=[5, 3]
    )
    marks = alt.Chart(named("front")).mark_point(size=90, filled=True, shape="diamond", color=BLUE, opacity=1)
    layers = [
        behind.encode(x=x, y=y, description=alt.Description("tip:N")),
        line.encode(x=x, y=y, order=alt.Order("cost:Q")),
        marks.encode(x=x, y=y, description=alt.Description("tip:N")),
    ]
    title = _("{score} against {cost}", score=score.told, cost=cost.told)
    best, lean = front[0], front[-1]
    description = words.sentences(
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
    left_out = len(others) - len(drawn)
    caption = words.sentences(
        _("Diamonds joined by a dashed line: nothing drawn here is better in one and no worse in the other."),
        ngettext(
            "{number} of the others, evenly chosen, is not drawn.",
            "{number} of the others, evenly chosen, are not drawn.",
            left_out,
        )
        if left_out
        else "",
    )
    shown = sorted([*front, *drawn], key=lambda entry: entry.place)
    table = Table(
        _("The points of the picture, {title}.", title=title),
        (_("Trial"), _("Family"), of_numbers(score.told), of_numbers(cost.told), _("On the frontier")),
        tuple(
            (
                entry.trial.number,
                words.short(entry.trial.family or words.UNKNOWN, 40),
                words.score(score.values[entry.trial.number], score.name),
                words.score(cost.values[entry.trial.number], cost.name),
                _("yes") if entry.trial.number in on_it else "",
            )
            for entry in shown
        ),
    )
    chart = alt.layer(*layers).properties(width=560, height=300)
    picture = rendered(chart, name, description, others=rows(drawn), front=rows(front))
    return Figure(name, title, picture, caption, table)


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
