"""How far can the order be trusted?"""

from __future__ import annotations

from math import isfinite

from nas.language import _, ngettext
from nas.ranking import are_all_alike
from nas.report import words
from nas.report.charts.certainty import intervals, rungs
from nas.report.doubts import unknown_scatter
from nas.report.section import Section, View
from nas.report.sections.verdict import tied


def trust(view: View) -> Section:
    """Tell the noise of one training, what early epochs foretell, and what pruning cost."""
    known = view.reliability
    figures = []
    if view.race is not None and any(entry.trust for entry in view.ranked):
        figures.append(intervals("intervals", view.ranked, view.data.study.objectives[0]))
    if known.rungs and any(isfinite(rung.overall) for rung in known.rungs):
        figures.append(rungs("rungs", known.rungs))
    return Section(
        "trust", _("How far can the order be trusted?"), _answer(view), {"figures": figures, "facts": _facts(view)}
    )


def _answer(view: View) -> str:
    if not view.ranked:
        return _("There is no order yet.")
    if view.race is None:
        return words.sentences(
            _("Not far: each score is that of one training, and nobody knows yet how much of it was luck."),
            _("To know, train the best again with new seeds: {command}", command=f"`{view.command('race')}`"),
        )
    if are_all_alike(view.ranked):
        return unknown_scatter()
    equal, sigma = len(tied(view)), words.score(view.race.seed_sigma)
    first = view.ranked[0]
    if equal > 1:
        return _(
            "The first {count} are a tie: one training scatters by {sigma}, and after the trainings they had their "
            "intervals still overlap.",
            count=equal,
            sigma=sigma,
        )
    return _(
        "Trial {trial} is first beyond doubt: one training scatters by {sigma}.",
        trial=first.trial.number,
        sigma=sigma,
    )


def _facts(view: View) -> list[tuple[str, str]]:
    """Return ``(what, how it stands)``."""
    known, facts = view.reliability, []
    if known.seed_sigma is not None and not are_all_alike(view.ranked):
        sigma = words.score(known.seed_sigma)
        facts.append((_("Scatter between seeds"), _("{sigma} (standard deviation of one training)", sigma=sigma)))
    if equal := tied(view):
        names = words.listed([_("trial {trial}", trial=entry.trial.number) for entry in equal[:10]])
        facts.append((_("Tied with the best"), _("{what}: {how}", what=len(equal), how=names)))
    if known.search_to_race is not None:
        both = known.search_to_race
        told = ngettext(
            "Kendall’s τ {tau} over {number} architecture",
            "Kendall’s τ {tau} over {number} architectures",
            both.architectures,
            tau=words.decimals(both.overall, 2),
        )
        if isfinite(both.top_half):
            half = words.decimals(both.top_half, 2)
            told = _("{told}, {tau} within the better half", told=told, tau=half)
        facts.append((_("The search’s order against fresh trainings"), told))
    if known.pruned_wrongly is not None:
        share = known.pruned_wrongly
        facts.append(
            (
                _("Wrongly pruned"),
                ngettext(
                    "{low} to {high} of what was pruned (95%): of {number} trial that ran on, {found} ended among "
                    "the ten best",
                    "{low} to {high} of what was pruned (95%): of {number} trials that ran on, {found} ended among "
                    "the ten best",
                    share.of,
                    low=words.percent(share.low),
                    high=words.percent(share.high),
                    found=share.found,
                ),
            )
        )
    return facts
