"""How sure an order is."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from nas.language import _
from nas.ranking import Ranked
from nas.ranking.trust import RungAgreement
from nas.report import words
from nas.report.charts.axes import counting, tip
from nas.report.figure import BLUE, ORANGE, QUIET, WIDTH, Figure, Table, named, of_numbers, rendered

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
        tied = words.UNKNOWN if trust.tied is None else words.setting(trust.tied)
        told = told_of(entry, objective)
        rows.append(
            {
                "who": _who(entry),
                "estimate": trust.estimate,
                "low": trust.low if isfinite(trust.low) else trust.estimate,
                "high": trust.high if isfinite(trust.high) else trust.estimate,
                "searched": entry.values[0],
                "tip": tip(entry.trial, _("estimate {estimate}", estimate=told)),
            }
        )
        table.append(
            (
                _who(entry),
                words.score(trust.estimate, objective),
                *(words.score(end, objective) if isfinite(end) else words.UNKNOWN for end in (trust.low, trust.high)),
                words.score(entry.values[0], objective),
                trust.seeds,
                words.UNKNOWN if trust.p_best is None else words.percent(trust.p_best),
                tied,
            )
        )
    order = [row["who"] for row in rows]
    y = alt.Y("who:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, labelPadding=8, domain=False, ticks=False))
    x = alt.X("low:Q", title=words.short(objective, 40), scale=alt.Scale(zero=False, nice=True))
    base = alt.Chart(named("rows"))
    crosses = base.mark_point(shape="cross", angle=45, size=40, color=ORANGE, filled=True, opacity=1)
    dots = base.mark_point(shape="circle", size=70, color=BLUE, filled=True, opacity=1)
    layers = [
        base.mark_rule(color=QUIET, strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"), y=y),
        crosses.encode(x=alt.X("searched:Q"), y=y),
        dots.encode(x=alt.X("estimate:Q"), y=y, description=alt.Description("tip:N")),
    ]
    title = _("Estimates of {objective} with their 95% intervals", objective=words.short(objective, 40))
    description = _(
        "Dots with intervals: {title} of the first {count}: {who} {estimate}.",
        count=len(rows),
        title=title,
        who=table[0][0],
        estimate=told_of(shown[0], objective),
    )
    caption = words.sentences(
        _(
            "A dot is what many trainings would average to, the line holds it with 95%; the cross is the score that "
            "the search saw."
        ),
        _("Whoever has no fresh training is estimated from its score, drawn towards the mean of all."),
    )
    headers = (
        _("Architecture"),
        of_numbers(_("Estimate")),
        of_numbers(_("From")),
        of_numbers(_("To")),
        of_numbers(_("Search")),
        of_numbers(_("Seeds")),
        of_numbers(_("Chance to be best")),
        _("Tied with the best"),
    )
    picture = rendered(
        alt.layer(*layers).properties(width=220, height=22 * len(rows) + 10), name, description, rows=rows
    )
    return Figure(name, title, picture, caption, Table(_("{title}.", title=title), headers, tuple(table)))


def told_of(entry: Ranked, objective: str) -> str:
    """Return the estimate of `entry` with its interval, or its score where there is none."""
    trust = entry.trust
    if trust is None or not isfinite(trust.estimate):
        return words.score(entry.values[0], objective)
    if not isfinite(trust.low):
        return words.score(trust.estimate, objective)
    ends = words.interval(trust.low, trust.high, objective)
    return _("{what} ({how})", what=words.score(trust.estimate, objective), how=ends)


def rungs(name: str, found: Sequence[RungAgreement]) -> Figure:
    """Draw how well early epochs foretell the order at the last. `found` has one or more."""
    import altair as alt

    rows = [
        {"epoch": one.epoch, "tau": tau, "among": among}
        for one in found
        for among, tau in zip((_("all"), _("the best third")), (one.overall, one.top_third), strict=True)
        if isfinite(tau)
    ]
    kinds = list(dict.fromkeys(row["among"] for row in rows))  # of few trials there is no third to speak of
    epochs = counting([one.epoch for one in found])
    x = alt.X("epoch:Q", title=_("epoch"), axis=alt.Axis(grid=False, **epochs), scale=alt.Scale(zero=False))
    lowest = min([0.0, *(tau for one in found for tau in (one.overall, one.top_third) if isfinite(tau))])
    y = alt.Y("tau:Q", title=_("Kendall’s τ with the last epoch"), scale=alt.Scale(domain=[lowest, 1.0]))
    legend = alt.Legend(title=_("among"), orient="bottom")
    base = alt.Chart(named("rows")).encode(
        x=x,
        y=y,
        color=alt.Color("among:N", legend=legend, scale=alt.Scale(domain=kinds, range=[BLUE, ORANGE][: len(kinds)])),
        shape=alt.Shape(
            "among:N", legend=legend, scale=alt.Scale(domain=kinds, range=["circle", "diamond"][: len(kinds)])
        ),
    )
    chart = alt.layer(base.mark_line(strokeWidth=2), base.mark_point(size=70, filled=True, opacity=1))
    title = _("How early epochs foretell the last")
    told = words.series(_("epoch {epoch} {tau}", epoch=one.epoch, tau=_tau(one.overall)) for one in found)
    table = Table(
        _("{title}: Kendall’s τ, 1 for the same order and 0 for none.", title=title),
        tuple(map(of_numbers, (_("Epoch"), _("All"), _("The best third"), _("The best ten"), _("Trials")))),
        tuple((one.epoch, _tau(one.overall), _tau(one.top_third), _tau(one.top_ten), one.trials) for one in found),
    )
    caption = _("Only complete trials have a last epoch: those that were pruned would have agreed less closely.")
    description = _("Line chart: {title}: τ {told}.", title=title, told=told)
    picture = rendered(chart.properties(width=WIDTH, height=190), name, description, rows=rows)
    return Figure(name, title, picture, caption, table)


def _who(entry: Ranked) -> str:
    family = words.family(entry.trial.family, 16)
    return _("{place}. trial {trial} {family}", place=entry.place, trial=entry.trial.number, family=family).strip()


def _tau(value: float) -> str:
    return words.decimals(value, 2) if isfinite(value) else words.UNKNOWN
