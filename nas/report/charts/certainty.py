"""How sure an order is."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from nas.ranking import Ranked
from nas.ranking.trust import RungAgreement
from nas.report import words
from nas.report.charts.axes import tip
from nas.report.figure import BLUE, ORANGE, QUIET, WIDTH, Figure, Table, named, rendered

MOST_ROWS = 20


def intervals(name: str, entries: Sequence[Ranked], objective: str) -> Figure:
    """Draw the estimates of the foremost with their intervals, and the score the search saw. All have an estimate."""
    import altair as alt

    shown = [entry for entry in entries if entry.trust and isfinite(entry.trust.estimate)][:MOST_ROWS]
    rows, table = [], []
    for entry in shown:
        trust = entry.trust
        if trust is None:
            continue
        tied = {True: "yes", False: "no", None: words.UNKNOWN}[trust.tied]
        told = told_of(entry, objective)
        rows.append(
            {
                "who": _who(entry),
                "estimate": trust.estimate,
                "low": trust.low,
                "high": trust.high,
                "searched": entry.values[0],
                "tip": tip(entry.trial, f"estimate {told}"),
            }
        )
        table.append(
            (
                _who(entry),
                words.score(trust.estimate, objective),
                words.score(trust.low, objective),
                words.score(trust.high, objective),
                words.score(entry.values[0], objective),
                trust.seeds,
                words.UNKNOWN if trust.p_best is None else f"{trust.p_best:.0%}",
                tied,
            )
        )
    order = [row["who"] for row in rows]
    y = alt.Y("who:N").sort(order).title(None).axis(labelLimit=190, labelPadding=8, domain=False, ticks=False)
    x = alt.X("low:Q").title(words.short(objective, 40)).scale(zero=False, nice=True)
    base = alt.Chart(named("rows"))
    crosses = base.mark_point(shape="cross", angle=45, size=40, color=ORANGE, filled=True, opacity=1)
    dots = base.mark_point(shape="circle", size=70, color=BLUE, filled=True, opacity=1)
    layers = [
        base.mark_rule(color=QUIET, strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"), y=y),
        crosses.encode(x=alt.X("searched:Q"), y=y),
        dots.encode(x=alt.X("estimate:Q"), y=y, description=alt.Description("tip:N")),
    ]
    title = f"Estimates of {words.short(objective, 40)} with their 95 % intervals"
    description = (
        f"Dots with intervals: {title} of the first {len(rows)}: {table[0][0]} {told_of(shown[0], objective)}."
    )
    caption = (
        "A dot is what many trainings would average to, the line holds it with 95 %; the cross is the score that the "
        "search saw. Whoever has no fresh training is estimated from its score, drawn towards the mean of all."
    )
    headers = (
        "Architecture",
        ">Estimate",
        ">From",
        ">To",
        ">Search",
        ">Seeds",
        ">Chance to be best",
        "Tied with the best",
    )
    picture = rendered(
        alt.layer(*layers).properties(width=220, height=22 * len(rows) + 10), name, description, rows=rows
    )
    return Figure(name, title, picture, caption, Table(f"{title}.", headers, tuple(table)))


def told_of(entry: Ranked, objective: str) -> str:
    """Return the estimate of `entry` with its interval, or its score where there is none."""
    trust = entry.trust
    if trust is None or not isfinite(trust.estimate):
        return words.score(entry.values[0], objective)
    ends = f"{words.score(trust.low, objective)} to {words.score(trust.high, objective)}"
    return f"{words.score(trust.estimate, objective)} ({ends})"


def rungs(name: str, found: Sequence[RungAgreement]) -> Figure:
    """Draw how well early epochs foretell the order at the last. `found` has one or more."""
    import altair as alt

    rows = [
        {"epoch": one.epoch, "tau": tau, "among": among}
        for one in found
        for among, tau in (("all", one.overall), ("the best third", one.top_third))
        if isfinite(tau)
    ]
    kinds = ["all", "the best third"]
    x = alt.X("epoch:Q").title("epoch").axis(grid=False, tickMinStep=1, format="d").scale(zero=False)
    lowest = min([0.0, *(tau for one in found for tau in (one.overall, one.top_third) if isfinite(tau))])
    y = alt.Y("tau:Q").title("Kendall’s τ with the last epoch").scale(domain=[lowest, 1.0])
    legend = alt.Legend(title="among", orient="bottom")
    base = alt.Chart(named("rows")).encode(
        x=x,
        y=y,
        color=alt.Color("among:N").legend(legend).scale(domain=kinds, range=[BLUE, ORANGE]),
        shape=alt.Shape("among:N").legend(legend).scale(domain=kinds, range=["circle", "diamond"]),
    )
    chart = alt.layer(base.mark_line(strokeWidth=2), base.mark_point(size=70, filled=True, opacity=1))
    title = "How early epochs foretell the last"
    told = ", ".join(f"epoch {one.epoch} {_tau(one.overall)}" for one in found)
    table = Table(
        f"{title}: Kendall’s τ, 1 for the same order and 0 for none.",
        (">Epoch", ">All", ">The best third", ">The best ten", ">Trials"),
        tuple((one.epoch, _tau(one.overall), _tau(one.top_third), _tau(one.top_ten), one.trials) for one in found),
    )
    caption = "Only complete trials have a last epoch: those that were pruned would have agreed less closely."
    picture = rendered(chart.properties(width=WIDTH, height=190), name, f"Line chart: {title}: τ {told}.", rows=rows)
    return Figure(name, title, picture, caption, table)


def _who(entry: Ranked) -> str:
    family = words.short((entry.trial.family or "").rpartition(":")[2], 16)
    return f"{entry.place}. trial {entry.trial.number} {family}".strip()


def _tau(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else words.UNKNOWN
