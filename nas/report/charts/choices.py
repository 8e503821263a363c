"""What the choices of trials have to do with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from nas.conversation import Scalar
from nas.language import _, ngettext
from nas.ranking.importance import Importance, is_logarithmic, is_number, places
from nas.report import words
from nas.report.charts.axes import ends, held, tip
from nas.report.figure import BEHIND, BLUE, ORANGE, PANEL, WIDTH, Figure, Table, named, of_numbers, panels, rendered
from nas.store.records import TrialRecord

MOST_BARS, MOST_PANELS, MOST_AXES, MOST_LINES, MOST_DOTS = 10, 6, 8, 80, 60
MOST_VALUES = 8
ROOM = 48
"""Characters beside one axis, all its labels together."""
BINS = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Trials that chose alike: what they chose, as numbers from `low` to `high` or one value, and their scores."""

    told: str
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the scores."""
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores; ``None`` of a single one."""
        return stdev(self.scores) if len(self.scores) > 1 else None


def spoken(choice: str, length: int = 22) -> str:
    """Return the name of a choice, by default as an axis has room for it."""
    return words.middle(choice.removeprefix("training/").replace("_", " "), length)


def bars(name: str, found: Sequence[Importance], objective: str) -> Figure:
    """Draw how much each choice matters, the most important first."""
    import altair as alt

    shown = found[:MOST_BARS]
    rows = [{"choice": spoken(one.choice), "share": one.share} for one in shown]
    order = [str(row["choice"]) for row in rows]
    y = alt.Y(
        "choice:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, labelPadding=8, domain=False, ticks=False)
    )
    x = alt.X("share:Q", title=_("share of importance"), axis=alt.Axis(format="%", grid=True))
    chart = alt.Chart(named("rows")).mark_bar(color=BLUE, height=14).encode(x=x, y=y)
    title = _("What {objective} depends on", objective=words.short(objective, 40))
    first = words.series(f"{spoken(one.choice)} {words.percent(one.share)}" for one in shown[:3])
    table = Table(
        _("{title}, by PED-ANOVA.", title=title),
        (_("Choice"), of_numbers(_("Share")), of_numbers(_("Trials with it"))),
        tuple((one.choice, words.percent(one.share, 1), words.exact(one.trials)) for one in found),
    )
    caption = _(
        "How differently the best tenth is distributed over a choice from all trials (PED-ANOVA); a choice of one "
        "family is compared within that family, and counts by its share of the trials."
    )
    description = _("Bar chart: {title}: {told}.", title=title, told=first)
    picture = rendered(chart.properties(width=220, height=24 * len(rows)), name, description, rows=rows)
    return Figure(name, title, picture, caption, table)


def marginals(
    name: str, chosen: Sequence[str], trials: Sequence[TrialRecord], objective: str, direction: str
) -> Figure:
    """Draw for each of the `chosen` choices the scores of the `trials` that made it, and their mean by value.

    The trials are complete and have a score.
    """
    limits = ends([trial.values[0] for trial in trials if trial.values], direction)
    pictures, table_rows = [], []
    for index, choice in enumerate(chosen[:MOST_PANELS]):
        having = [trial for trial in trials if choice in trial.params and trial.values]
        groups = grouped([(trial.params[choice], trial.values[0]) for trial in having if trial.values])
        values = [trial.params[choice] for trial in having]
        numeric = all(map(is_number, values)) and len(set(values)) > MOST_VALUES
        dots, means = _dots(having, choice, groups, numeric, limits, objective)
        order = None if numeric else [group.told for _, group in groups]
        chart = _panel(choice, values, order, limits, objective)
        description = _(
            "Scatter plot: {objective} by {choice}; means: {told}.",
            objective=words.short(objective, 40),
            choice=spoken(choice),
            told=words.series(f"{group.told} {words.score(group.mean, objective)}" for _value, group in groups),
        )
        pictures.append(rendered(chart, f"{name}-{index}", description, dots=dots, means=means))
        table_rows += [
            (
                spoken(choice, 60),
                group.told,
                words.score(group.mean, objective),
                words.score(group.spread, objective),
                words.exact(len(group.scores)),
            )
            for _, group in groups
        ]
    title = _("{objective} by the choices that matter most", objective=words.short(objective, 40))
    table = Table(
        _("{title}: mean and standard deviation, and how many trials.", title=title),
        (_("Choice"), _("Value"), *map(of_numbers, (_("Mean"), _("Deviation"), _("Trials")))),
        tuple(table_rows),
    )
    caption = words.sentences(
        _("A dot is a complete trial, a bar the mean of those that chose alike."),
        _("They differ in everything else too, and a search does not choose evenly: a mean of few trials says little."),
        _("Of each choice {count} dots, evenly chosen, are drawn; means and numbers are of all.", count=MOST_DOTS)
        if len(trials) > MOST_DOTS
        else "",
    )
    return Figure(name, title, panels(pictures), caption, table)


def grouped(pairs: Sequence[tuple[Scalar, float]]) -> list[tuple[tuple[float, float] | Scalar, Group]]:
    """Return ``(value, or from and to, group)`` of trials that chose alike: a value each, or ranges of numbers."""
    values = [value for value, _ in pairs]
    distinct = sorted(set(values), key=lambda value: (str(type(value)), value if is_number(value) else str(value)))
    if len(distinct) <= MOST_VALUES or not all(is_number(value) for value in values):
        return [
            (value, Group(words.setting(value), tuple(score for other, score in pairs if other == value)))
            for value in distinct[: 2 * MOST_VALUES]
        ]
    ordered = sorted(((float(value or 0), score) for value, score in pairs), key=lambda pair: pair[0])
    size = -(-len(ordered) // BINS)
    found: list[tuple[tuple[float, float] | Scalar, Group]] = []
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        low, high = part[0][0], part[-1][0]
        ends = {"low": words.setting(low), "high": words.setting(high)}
        told = _("{low} to {high}", **ends) if low < high else words.setting(low)
        found.append(((low, high), Group(told, tuple(score for _, score in part))))
    return found


def _dots(
    having: Sequence[TrialRecord],
    choice: str,
    groups: Sequence[tuple[tuple[float, float] | Scalar, Group]],
    numeric: bool,
    limits: tuple[float, float],
    objective: str,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def across(value: Scalar) -> Any:
        return float(value or 0) if numeric else words.setting(value)

    dots = [
        {
            "choice": across(trial.params[choice]),
            "score": held(trial.values[0], limits),
            "tip": tip(
                trial,
                f"{spoken(choice)} {words.setting(trial.params[choice])}",
                words.score(trial.values[0], objective),
            ),
        }
        for trial in words.thinned(having, MOST_DOTS)
        if trial.values
    ]
    means = []
    for value, group in groups:
        low, high = value if isinstance(value, tuple) else (across(value), across(value))
        means.append({"low": low, "high": high, "mean": held(group.mean, limits)})
    return dots, means


def _panel(
    choice: str,
    values: Sequence[Scalar],
    order: Sequence[str] | None,
    limits: tuple[float, float],
    objective: str,
) -> Any:
    """Return a small scatter plot; of values one by one in this `order`, or of numbers where it is ``None``."""
    import altair as alt

    title = spoken(choice)
    y = alt.Y("score:Q", title=None, scale=alt.Scale(zero=False, domain=list(limits), nice=True))
    means = alt.Chart(named("means"))
    if order is None:
        kind = "log" if is_logarithmic(values) else "linear"
        x = alt.X(
            "choice:Q",
            scale=alt.Scale(type=kind, zero=False, nice=False, padding=6),
            title=title,
            axis=alt.Axis(grid=False, format="~r" if kind == "linear" else "~e", labelOverlap=True, tickCount=3),
        )
        rule = means.mark_rule(color=ORANGE, strokeWidth=4, strokeCap="round")
        marks = rule.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=alt.Y("mean:Q"))
    else:
        x = alt.X(
            "choice:N", title=title, sort=list(order), axis=alt.Axis(labelAngle=0, labelLimit=70, labelOverlap=False)
        )
        tick = means.mark_tick(color=ORANGE, thickness=4, width=22, orient="horizontal")
        marks = tick.encode(x=alt.X("low:N", sort=list(order)), y=alt.Y("mean:Q"))
    dots = alt.Chart(named("dots")).mark_point(size=22, filled=True, color=BEHIND, opacity=0.9)
    layers = [dots.encode(x=x, y=y, description=alt.Description("tip:N")), marks]
    return alt.layer(*layers).properties(width=PANEL, height=120)


def parallel(name: str, axes: Sequence[str], trials: Sequence[TrialRecord], best: set[int], objective: str) -> Figure:
    """Draw each trial as a line across its choices and its score: the `best` in front.

    Args:
        name: Of the figure.
        axes: The choices; trials that lack one are not drawn.
        trials: Complete ones, with a score.
        best: Their numbers.
        objective: The last axis.
    """
    import altair as alt

    having = [trial for trial in trials if all(axis in trial.params for axis in axes) and trial.values]
    few = [trial for trial in having if trial.number in best]
    others = words.thinned([trial for trial in having if trial.number not in best], max(2, MOST_LINES - len(few)))
    drawn = sorted([*few, *others], key=lambda trial: trial.number)
    columns = [*axes, objective]
    values: list[list[Scalar]] = [[trial.params[axis] for trial in drawn] for axis in axes]
    values.append([trial.values[0] for trial in drawn if trial.values])
    heights = [places(column)[0] for column in values]
    labels, rows = [], []
    for index, (column, told) in enumerate(zip(columns, values, strict=True)):
        for text, height in _labels(told, objective if index == len(axes) else ""):
            labels.append({"axis": index + 0.2, "height": height, "text": text})
        labels.append({"axis": index - 0.2, "height": 0.0, "text": spoken(column)})
    for at, trial in enumerate(drawn):
        told_score = words.score(trial.values[0] if trial.values else None, objective)
        rows += [
            {"axis": index, "height": float(height[at]), "trial": trial.number, "tip": tip(trial, told_score)}
            for index, height in enumerate(heights)
        ]
    x = alt.X("height:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("axis:Q", axis=None, scale=alt.Scale(domain=[len(columns) - 0.6, -0.45], nice=False))
    rules = alt.Chart(named("axes")).mark_rule(color="#5b6472", strokeWidth=1)
    layers = [rules.encode(x=alt.X("low:Q", axis=None), x2=alt.X2("high:Q"), y=y)]
    for key, colour, width in (("others", BEHIND, 1), ("best", BLUE, 2)):
        line = alt.Chart(named(key)).mark_line(color=colour, strokeWidth=width, strokeJoin="round")
        layers.append(
            line.encode(
                x=x, y=y, detail=alt.Detail("trial:N"), order=alt.Order("axis:Q"), description=alt.Description("tip:N")
            )
        )
    text = alt.Chart(named("labels"))
    for align, within in (("left", "datum.height < 0.01"), ("right", "datum.height > 0.99")):
        layers.append(_words(text, align).transform_filter(within).encode(x=x, y=y, text=alt.Text("text:N")))
    inner = _words(text, "center").transform_filter("datum.height >= 0.01 && datum.height <= 0.99")
    layers.append(inner.encode(x=x, y=y, text=alt.Text("text:N")))
    title = _("Each trial across its choices")
    description = ngettext(
        "Parallel coordinates of {number} trial over {choices}; the best {best} in front.",
        "Parallel coordinates of {number} trials over {choices}; the best {best} in front.",
        len(drawn),
        choices=words.series(map(spoken, columns)),
        best=len(few),
    )
    caption = words.sentences(
        _("The best {count} are thick and blue.", count=len(few)),
        _("To the right is more; wide ranges of positive numbers have logarithmic axes."),
        _("{drawn} of {all} complete trials are drawn.", drawn=len(drawn), all=words.exact(len(trials)))
        if len(drawn) < len(trials)
        else "",
    )
    table = Table(
        _("The choices of the lines."),
        (_("Trial"), *(spoken(axis, 40) for axis in axes), of_numbers(objective)),
        tuple(
            (
                trial.number,
                *(words.setting(trial.params[axis]) for axis in axes),
                words.score(trial.values[0] if trial.values else None, objective),
            )
            for trial in drawn
        ),
    )
    data: dict[str, list[dict[str, Any]]] = {
        "axes": [{"axis": index, "low": 0, "high": 1} for index in range(len(columns))],
        "others": [row for row in rows if row["trial"] not in best],
        "best": [row for row in rows if row["trial"] in best],
        "labels": labels,
    }
    chart = alt.layer(*layers).properties(width=WIDTH + 50, height=46 * len(columns))
    return Figure(name, title, rendered(chart, name, description, **data), caption, table)


def _words(chart: Any, align: str) -> Any:
    """Return text on a rim of the page's colour: lines go through behind it."""
    return chart.mark_text(
        align=align, fontSize=13, color="#1c2330", baseline="middle", stroke="#fefefe", strokeWidth=3, strokeOpacity=1
    )


def _labels(values: Sequence[Scalar], objective: str) -> list[tuple[str, float]]:
    """Return what stands beside an axis: its categories, or its ends."""
    heights, categories = places(values)
    ordered = sorted(zip(heights.tolist(), values, strict=True), key=lambda pair: pair[0])
    if categories > MOST_VALUES or not categories:
        ordered = [ordered[0], ordered[-1]]
    told = {
        height: words.score(float(value), objective) if objective and isinstance(value, float) else words.setting(value)
        for height, value in ordered
    }
    return [(words.short(text, max(4, ROOM // len(told))), height) for height, text in told.items()]
