"""Which architectures deserve the final fine-tuning, and how sure is that?"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from nas.ranking import Ranked, bar
from nas.report import words
from nas.report.charts.certainty import told_of
from nas.report.section import Section, View
from nas.report.together import together

CHOSEN = 3
"""Architectures recommended with one objective."""
MOST_CHOSEN = 5
"""Architectures recommended of a frontier, or of those that cannot be told from the best."""


def verdict(view: View) -> Section:
    """Recommend the best architectures, or say why there is none."""
    frontier = [entry for entry in view.ranked if entry.front == 1]
    chosen = _chosen(view, frontier)
    return Section(
        "verdict",
        "What deserves the final fine-tuning?",
        _answer(view, chosen, len(frontier)) + _against_the_baseline(view),
        {
            "chosen": chosen,
            "objectives": view.data.study.objectives,
            "commands": [(entry, _finetune(view, entry)) for entry in chosen],
            "all_at_once": view.command("finetune", "--top", len(chosen)) if chosen else "",
            "knee": None if view.tradeoff is None else view.tradeoff.knee,
            "doubts": _doubts(view) if view.ranked else (),
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
    return (tied(view) or list(view.ranked[:CHOSEN]))[:MOST_CHOSEN]


def _finetune(view: View, entry: Ranked) -> str:
    if entry.trial.fingerprint is None:
        return view.command("show", entry.trial.number)
    return view.command("finetune", "--architecture", entry.trial.fingerprint[:8])


def _answer(view: View, chosen: list[Ranked], on_frontier: int) -> str:
    study = view.data.study
    if not view.data.trials:
        return "Nothing yet: no trial has been started."
    if not chosen:
        ends = [f"{count:,} {outcome}" for outcome, count in view.tally.items() if outcome != "complete"]
        told = f" ({', '.join(ends)})" if ends else ""
        return f"Nothing yet: of {words.plural(len(view.data.trials), 'trial')} none is complete with a score{told}."
    if len(study.objectives) > 1:
        are = "architecture is" if on_frontier == 1 else "architectures are"
        first = f"; the first {len(chosen)} by {view.objective} are shown" if on_frontier > len(chosen) else ""
        return f"{on_frontier:,} {are} on the frontier: no other is at least as good in every objective{first}."
    best = words.score(chosen[0].values[0], study.objectives[0])
    if len(view.ranked) == 1:
        return f"The only complete architecture reached {view.objective} {best}."
    of = words.plural(len(view.ranked), "architecture")
    if equal := tied(view):
        told = f"{view.objective} {told_of(equal[0], study.objectives[0])}"
        chance = equal[0].trust.p_best if equal[0].trust else None
        sure = f", with a chance of {chance:.0%} to be the best" if chance else ""
        if len(equal) == 1:
            return f"Trial {equal[0].trial.number}: of {of} it is told apart from all others{sure}, estimated {told}."
        return (
            f"{words.plural(len(equal), 'architecture')} of {len(view.ranked):,} cannot be told from the best; "
            f"trial {equal[0].trial.number} leads{sure}, estimated {told}.{_cheapest(equal)}"
        )
    return f"These {len(chosen)} of {of}; the best reached {view.objective} {best}."


def _cheapest(equal: Sequence[Ranked]) -> str:
    known = [entry for entry in equal if entry.trial.cost.macs is not None]
    if not known:
        return ""
    least = min(known, key=lambda entry: (entry.trial.cost.macs, entry.place))
    if least is equal[0]:
        return " It is also the cheapest of them."
    return f" The cheapest of them is trial {least.trial.number}, {words.count(least.trial.cost.macs)} MACs."


def _against_the_baseline(view: View) -> str:
    """Return a sentence on what can be had without any encoder, and a plain one where nothing beats it."""
    known = bar(view.data.study)
    if known is None or not view.ranked:
        return ""
    told = f"{words.short(known.name, 60)}, {words.short(known.metric, 40)} {words.score(known.value)}"
    if known.is_beaten_by(view.ranked[0].trial):
        return f" To beat without any encoder: {told}."
    return f" None of them beats what can be had without any encoder ({told}): there is nothing to fine-tune yet."


def _finetuned(view: View) -> list[dict[str, object]]:
    """Return what the final fine-tuning has come to, a line for each finalist."""
    study = view.data.study
    rows: list[dict[str, object]] = []
    metric, sign = study.objectives[0], -1.0 if study.directions[0] == "maximize" else 1.0
    searched = {entry.trial.number: entry for entry in view.ranked}
    for number, records in view.finetuned.items():
        complete = [record for record in records if record.outcome == "complete"]
        best = min(complete, key=lambda record: sign * record.score, default=None)
        looks = [look for look in view.data.looks if look.trial == number]
        test = looks[-1].metrics.get(metric) if looks else None
        rows.append(
            {
                "trial": number,
                "searched": searched[number].values[0] if number in searched else None,
                "best": None if best is None else best.score,
                "recipe": words.UNKNOWN if best is None else recipe(best.plan),
                "trainings": len(records),
                "test": test,
                "examples": looks[-1].examples if looks else None,
                "looks": len(looks),
            }
        )
    return rows


def recipe(plan: dict[str, object]) -> str:
    """Return how a training of the fine-tuning differs from the search, in words."""
    begin = "from the encoder of the search" if plan.get("origin") == "search" else "from scratch"
    params = plan.get("params")
    changed = params.items() if isinstance(params, dict) else ()
    told = [f"{name.removeprefix('training/').replace('_', ' ')} {words.setting(value)}" for name, value in changed]
    return words.short(", ".join([begin, *told]), 160)


def _doubts(view: View) -> tuple[str, ...]:
    """Return what a reader must know before trusting the order."""
    count = len(view.ranked)
    if view.race is not None:
        sigma = words.score(view.race.seed_sigma)
        doubts = [
            f"Estimates are what many trainings would average to, from fresh trainings with new seeds; one training "
            f"scatters about it by {sigma} (standard deviation)."
        ]
        if view.reliability.regret:
            parts = ", ".join(
                f"{regret:.4f} with the first {handed}" for handed, regret in view.reliability.regret.items()
            )
            doubts.append(f"What fine-tuning only the first of them is expected to miss: {parts}.")
    else:
        doubts = ["Each score is that of one training with one seed."]
        if count > 1:
            doubts[0] += (
                f" The best of {count:,} such scores is optimistic: the winner was lucky as well as good. Scores that "
                "differ by less than the scatter between seeds, which one training cannot show, tell nothing apart."
            )
    if sampling := _sampling_error(view):
        error, examples = sampling
        best = view.ranked[0].values[0]
        near = sum(best - entry.values[0] <= error for entry in view.ranked[1:])
        doubts.append(
            f"Measured on {examples:,} validation examples, a share of {words.score(best)} has a standard error of "
            f"about {words.score(error)} from the choice of examples alone; "
            + (
                f"{words.plural(near, 'more architecture lies', 'more architectures lie')} within it."
                if near
                else "no other architecture lies within it."
            )
        )
    return tuple(doubts)


def _sampling_error(view: View) -> tuple[float, int] | None:
    """Return the standard error of the best score and the number of examples, where it is a share of them.

    It is that of the share with two hits and two misses added, so that a perfect score has one too.

    Source:
        Agresti & Coull 1998, The American Statistician 52(2): 119–126.
    """
    study = view.data.study
    examples = ((study.data or {}).get("examples") or {}).get("validation")
    best = view.ranked[0].values[0]
    is_share = study.objectives[0].endswith("accuracy") and study.directions[0] == "maximize" and 0 <= best <= 1
    if len(study.objectives) > 1 or not is_share or not isinstance(examples, int) or examples < 1:
        return None
    share = (best * examples + 2) / (examples + 4)
    return sqrt(share * (1 - share) / (examples + 4)), examples
