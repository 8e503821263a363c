"""Which architectures deserve the final fine-tuning, and how sure is that?"""

from __future__ import annotations

from math import sqrt

from nas.ranking import Ranked, bar
from nas.report import words
from nas.report.section import Section, View

CHOSEN = 3
"""Architectures recommended with one objective."""
MOST_CHOSEN = 5
"""Architectures recommended of a frontier."""


def verdict(view: View) -> Section:
    """Recommend the best architectures, or say why there is none."""
    several = len(view.data.study.objectives) > 1
    frontier = [entry for entry in view.ranked if entry.front == 1]
    chosen = frontier[:MOST_CHOSEN] if several else list(view.ranked[:CHOSEN])
    return Section(
        "verdict",
        "What deserves the final fine-tuning?",
        _answer(view, chosen, len(frontier)) + _against_the_baseline(view),
        {
            "chosen": chosen,
            "objectives": view.data.study.objectives,
            "doubts": _doubts(view) if view.ranked else (),
            "command": view.command,
        },
    )


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
        first = f"; the first {len(chosen)} by {_objective(view)} are shown" if on_frontier > len(chosen) else ""
        return f"{on_frontier:,} {are} on the frontier: no other is at least as good in every objective{first}."
    best = words.score(chosen[0].values[0], study.objectives[0])
    if len(chosen) == 1:
        return f"The only complete architecture reached {_objective(view)} {best}."
    of = words.plural(len(view.ranked), "architecture")
    return f"These {len(chosen)} of {of}; the best reached {_objective(view)} {best}."


def _against_the_baseline(view: View) -> str:
    """Return a sentence on what can be had without any encoder, and a plain one where nothing beats it."""
    known = bar(view.data.study)
    if known is None or not view.ranked:
        return ""
    told = f"{words.short(known.name, 60)}, {words.short(known.metric, 40)} {words.score(known.value)}"
    if known.is_beaten_by(view.ranked[0].trial):
        return f" To beat without any encoder: {told}."
    return f" None of them beats what can be had without any encoder ({told}): there is nothing to fine-tune yet."


def _objective(view: View) -> str:
    return words.short(view.data.study.objectives[0], 40)


def _doubts(view: View) -> tuple[str, ...]:
    """Return what a reader must know before trusting the order."""
    count = len(view.ranked)
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
