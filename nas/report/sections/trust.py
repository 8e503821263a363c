"""How far can the order be trusted?"""

from __future__ import annotations

from math import isfinite

from nas.report import words
from nas.report.charts.certainty import intervals, rungs
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
        "trust", "How far can the order be trusted?", _answer(view), {"figures": figures, "facts": _facts(view)}
    )


def _answer(view: View) -> str:
    if not view.ranked:
        return "There is no order yet."
    if view.race is None:
        return (
            "Not far: each score is that of one training, and nobody knows yet how much of it was luck. "
            f"{view.command('race')} trains the best again with new seeds."
        )
    equal, sigma = len(tied(view)), words.score(view.race.seed_sigma)
    first = view.ranked[0]
    if equal > 1:
        return (
            f"The first {equal} are a tie: one training scatters by {sigma}, and after the trainings they had their "
            "intervals still overlap."
        )
    return f"Trial {first.trial.number} is first beyond doubt: one training scatters by {sigma}."


def _facts(view: View) -> list[tuple[str, str]]:
    """Return ``(what, how it stands)``."""
    known, facts = view.reliability, []
    if known.seed_sigma is not None:
        facts.append(("Scatter between seeds", f"{words.score(known.seed_sigma)} (standard deviation of one training)"))
    if equal := tied(view):
        names = words.listed([f"trial {entry.trial.number}" for entry in equal[:10]])
        facts.append(("Tied with the best", f"{len(equal)}: {names}"))
    if known.search_to_race is not None:
        both = known.search_to_race
        half = f", {both.top_half:.2f} within the better half" if isfinite(both.top_half) else ""
        facts.append(
            (
                "The search’s order against fresh trainings",
                f"Kendall’s τ {both.overall:.2f} over {both.architectures} architectures{half}",
            )
        )
    if known.pruned_wrongly is not None:
        share = known.pruned_wrongly
        facts.append(
            (
                "Wrongly pruned",
                f"{share.low:.0%} to {share.high:.0%} of what was pruned (95 %): of "
                f"{words.plural(share.of, 'trial')} that ran on, {share.found} ended among the ten best",
            )
        )
    return facts
