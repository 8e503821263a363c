"""Which architectures deserve the final fine-tuning, and how sure is that?"""

from __future__ import annotations

from collections.abc import Sequence

from nas.language import _, ngettext
from nas.ranking import Ranked, bar, best_first, fewest_macs
from nas.report import words
from nas.report.charts.certainty import told_of
from nas.report.doubts import doubts
from nas.report.section import Section, View
from nas.report.together import together
from nas.report.vocabulary import said

CHOSEN = 3
"""Architectures recommended with one objective."""
MOST_CHOSEN = 5
"""Architectures recommended of a frontier, or of those that cannot be told from the best.

Beside these there is who has the fewest MACs of all that cannot be told apart: the answer names it."""


def verdict(view: View) -> Section:
    """Recommend the best architectures, or say why there is none."""
    frontier = [entry for entry in view.ranked if entry.front == 1]
    chosen = _chosen(view, frontier)
    in_order = sum(entry.place == place for place, entry in enumerate(chosen, start=1))
    return Section(
        "verdict",
        _("What deserves the final fine-tuning?"),
        words.sentences(*_answer(view, chosen, len(frontier)), _against_the_baseline(view)),
        {
            "chosen": chosen,
            "objectives": view.data.study.objectives,
            "commands": [(entry, _finetune(view, entry)) for entry in chosen],
            "in_order": in_order,
            "all_at_once": view.command("finetune", "--top", in_order) if chosen else "",
            "least": least.trial.number if (least := fewest_macs(tied(view))) is not None else None,
            "knee": None if view.tradeoff is None else view.tradeoff.knee,
            "doubts": doubts(view) if view.ranked else (),
            "finetuned": _finetuned(view),
            "together": together(view),
            "command": view.command,
        },
    )


def tied(view: View) -> list[Ranked]:
    """Return who cannot be told from the best by what a race has shown, best first; nobody before a race."""
    return [entry for entry in view.ranked if entry.trust and entry.trust.tied]


def _chosen(view: View, frontier: Sequence[Ranked]) -> list[Ranked]:
    if len(view.data.study.objectives) > 1:
        return list(frontier[:MOST_CHOSEN])
    equal = tied(view)
    shown = (equal or list(view.ranked[:CHOSEN]))[:MOST_CHOSEN]
    least = fewest_macs(equal)
    return shown if least is None or least in shown else [*shown, least]


def _finetune(view: View, entry: Ranked) -> str:
    if entry.trial.fingerprint is None:
        return view.command("show", entry.trial.number)
    return view.command("finetune", "--architecture", entry.trial.fingerprint[:8])


def _answer(view: View, chosen: list[Ranked], on_frontier: int) -> tuple[str, ...]:
    """Return the sentences of the answer."""
    study = view.data.study
    if not view.data.trials:
        return (_("Nothing yet: no trial has been started."),)
    if not chosen:
        return (_nothing_complete(view),)
    if len(study.objectives) > 1:
        return (_on_frontier(view, len(chosen), on_frontier),)
    best = words.score(chosen[0].values[0], study.objectives[0])
    if len(view.ranked) == 1:
        return (_("The only complete architecture reached {objective} {best}.", objective=view.objective, best=best),)
    if equal := tied(view):
        return _raced(view, equal)
    return (
        ngettext(
            "These {chosen} of {number} architecture; the best reached {objective} {best}.",
            "These {chosen} of {number} architectures; the best reached {objective} {best}.",
            len(view.ranked),
            chosen=len(chosen),
            objective=view.objective,
            best=best,
        ),
    )


def _nothing_complete(view: View) -> str:
    ends = {outcome: number for outcome, number in view.tally.items() if outcome != "complete"}
    if not ends:
        return ngettext(
            "Nothing: of {number} trial none is complete with a score.",
            "Nothing: of {number} trials none is complete with a score.",
            len(view.data.trials),
        )
    return ngettext(
        "Nothing: of {number} trial none is complete with a score ({outcomes}).",
        "Nothing: of {number} trials none is complete with a score ({outcomes}).",
        len(view.data.trials),
        outcomes=words.outcomes(ends),
    )


def _on_frontier(view: View, chosen: int, on_frontier: int) -> str:
    if on_frontier > chosen:
        return ngettext(
            "{number} architecture is on the frontier: no other is at least as good in every objective; the first "
            "{chosen} by {objective} are shown.",
            "{number} architectures are on the frontier: no other is at least as good in every objective; the first "
            "{chosen} by {objective} are shown.",
            on_frontier,
            chosen=chosen,
            objective=view.objective,
        )
    return ngettext(
        "{number} architecture is on the frontier: no other is at least as good in every objective.",
        "{number} architectures are on the frontier: no other is at least as good in every objective.",
        on_frontier,
    )


def _raced(view: View, equal: Sequence[Ranked]) -> tuple[str, ...]:
    """Return what a race came to: one that is told apart, or several that are not."""
    leader = equal[0]
    values: dict[str, object] = {
        "trial": leader.trial.number,
        "objective": view.objective,
        "estimate": told_of(leader, view.data.study.objectives[0]),
    }
    chance = leader.trust.p_best if leader.trust else None
    if chance:
        values["chance"] = words.percent(chance)
    if len(equal) == 1 and chance:
        first = ngettext(
            "Trial {trial}: of {number} architecture it is told apart from all others, with a chance of {chance} to "
            "be the best, estimated {objective} {estimate}.",
            "Trial {trial}: of {number} architectures it is told apart from all others, with a chance of {chance} to "
            "be the best, estimated {objective} {estimate}.",
            len(view.ranked),
            **values,
        )
    elif len(equal) == 1:
        first = ngettext(
            "Trial {trial}: of {number} architecture it is told apart from all others, estimated {objective} "
            "{estimate}.",
            "Trial {trial}: of {number} architectures it is told apart from all others, estimated {objective} "
            "{estimate}.",
            len(view.ranked),
            **values,
        )
    elif chance:
        first = ngettext(
            "{number} architecture of {all} cannot be told from the best; trial {trial} leads, with a chance of "
            "{chance} to be the best, estimated {objective} {estimate}.",
            "{number} architectures of {all} cannot be told from the best; trial {trial} leads, with a chance of "
            "{chance} to be the best, estimated {objective} {estimate}.",
            len(equal),
            all=words.exact(len(view.ranked)),
            **values,
        )
    else:
        first = ngettext(
            "{number} architecture of {all} cannot be told from the best; trial {trial} leads, estimated {objective} "
            "{estimate}.",
            "{number} architectures of {all} cannot be told from the best; trial {trial} leads, estimated {objective} "
            "{estimate}.",
            len(equal),
            all=words.exact(len(view.ranked)),
            **values,
        )
    return (first, _fewest_macs(equal)) if len(equal) > 1 else (first,)


def _fewest_macs(equal: Sequence[Ranked]) -> str:
    least = fewest_macs(equal)
    if least is None:
        return ""
    if least is equal[0]:
        return _("It also has the fewest MACs of them.")
    return _(
        "Trial {trial} has the fewest MACs of them: {macs}.",
        trial=least.trial.number,
        macs=words.count(least.trial.cost.macs),
    )


def _against_the_baseline(view: View) -> str:
    """Return a sentence on what can be had without any encoder, and a plain one where nothing beats it."""
    known = bar(view.data.study)
    if known is None or not view.ranked:
        return ""
    values = {
        "name": words.short(said(known.name), 60),
        "metric": words.short(known.metric, 40),
        "value": words.score(known.value),
    }
    if known.is_beaten_by(view.ranked[0].told[0]):
        return _("To beat without any encoder: {name}, {metric} {value}.", **values)
    return _(
        "None of them beats what can be had without any encoder ({name}, {metric} {value}): there is nothing to "
        "fine-tune yet.",
        **values,
    )


def _finetuned(view: View) -> list[dict[str, object]]:
    """Return what the final fine-tuning has come to, a line for each finalist."""
    study = view.data.study
    rows: list[dict[str, object]] = []
    metric = study.objectives[0]
    searched = {entry.trial.number: entry for entry in view.ranked}
    for number, records in view.finetuned.items():
        best = next(iter(best_first(records, {}, study.directions[0])), None)
        looks = [look for look in view.data.looks if look.trial == number]
        own = [look for look in looks if best is not None and look.evaluation == best.number]
        test = own[-1].metrics.get(metric) if own else None
        rows.append(
            {
                "trial": number,
                "searched": searched[number].values[0] if number in searched else None,
                "best": None if best is None else best.score,
                "recipe": words.UNKNOWN if best is None else recipe(best.plan),
                "trainings": len(records),
                "test": test,
                "examples": own[-1].examples if own else None,
                "looks": len(looks),
            }
        )
    return rows


def recipe(plan: dict[str, object]) -> str:
    """Return how a training of the fine-tuning differs from the search, in words."""
    begin = _("from the encoder of the search") if plan.get("origin") == "search" else _("from scratch")
    params = plan.get("params")
    changed = params.items() if isinstance(params, dict) else ()
    told = [f"{name.removeprefix('training/').replace('_', ' ')} {words.setting(value)}" for name, value in changed]
    return words.short(words.series([begin, *told]), 160)
