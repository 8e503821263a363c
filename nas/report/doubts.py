"""What a reader must know before trusting an order: how it was measured, and what differences say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from nas.language import _, ngettext
from nas.ranking import Ranked, are_all_alike
from nas.report import words
from nas.report.regret import regret_sentence
from nas.report.section import View


def unknown_scatter() -> str:
    """Return what is to be said where trainings with new seeds all came to the same score."""
    return _(
        "All trainings with new seeds came to one score: how far a training scatters, and so how sure the order is, "
        "cannot be told from them."
    )


def doubts(view: View) -> tuple[str, ...]:
    """Return what a reader must know before trusting the order."""
    count = len(view.ranked)
    if view.race is not None:
        told = [
            unknown_scatter()
            if are_all_alike(view.ranked)
            else _(
                "Estimates are what many trainings would average to, from fresh trainings with new seeds; one training "
                "scatters about it by {sigma} (standard deviation).",
                sigma=words.score(view.race.seed_sigma),
            )
        ]
        if missed := regret_sentence(view.reliability.regret, view.data.study.objectives[0]):
            told.append(missed)
    else:
        told = [_("Each score is that of one training with one seed.")]
        if count > 1:
            told[0] = words.sentences(
                told[0],
                ngettext(
                    "The best of {number} such score is optimistic: the winner was lucky as well as good.",
                    "The best of {number} such scores is optimistic: the winner was lucky as well as good.",
                    count,
                ),
                _(
                    "Scores that differ by less than the scatter between seeds, which one training cannot show, tell "
                    "nothing apart."
                ),
            )
    if sampling := _sampling_error(view):
        error, examples = sampling
        best = view.ranked[0].told[0]
        close = [entry for entry in view.ranked[1:] if best - entry.told[0] <= error]
        near = len(close)
        values = {"examples": words.exact(examples), "share": words.score(best), "error": words.score(error)}
        told.append(
            ngettext(
                "Measured on {examples} validation examples, a share of {share} has a standard error of about {error} "
                "from the choice of examples alone; {number} more architecture lies within it.",
                "Measured on {examples} validation examples, a share of {share} has a standard error of about {error} "
                "from the choice of examples alone; {number} more architectures lie within it.",
                near,
                **values,
            )
            if near
            else _(
                "Measured on {examples} validation examples, a share of {share} has a standard error of about {error} "
                "from the choice of examples alone; no other architecture lies within it.",
                **values,
            )
            if count > 1
            else _(
                "Measured on {examples} validation examples, a share of {share} has a standard error of about {error} "
                "from the choice of examples alone.",
                **values,
            )
        )
        told[-1] = words.sentences(told[-1], _smaller(view.ranked[0], close))
    return tuple(told)


def _smaller(best: Ranked, close: Sequence[Ranked]) -> str:
    """Return who is about as good as the best and has fewer weights; nothing where nobody has."""
    known = [entry for entry in (best, *close) if entry.trial.cost.weights]
    if not known or best.trial.cost.weights is None:
        return ""
    least = min(known, key=lambda entry: (entry.trial.cost.weights, entry.place))
    if least is best:
        return ""
    return _(
        "The smallest of these is trial {trial}: {weights} weights instead of {more}.",
        trial=least.trial.number,
        weights=words.count(least.trial.cost.weights),
        more=words.count(best.trial.cost.weights),
    )


def _sampling_error(view: View) -> tuple[float, int] | None:
    """Return the standard error of the best score and the number of examples, where it is a share of them.

    It is that of the share with two hits and two misses added, so that a perfect score has one too.

    Source:
        Agresti & Coull 1998, The American Statistician 52(2): 119–126.
    """
    study = view.data.study
    examples = ((study.data or {}).get("examples") or {}).get("validation")
    best = view.ranked[0].told[0]
    is_share = study.objectives[0].endswith("accuracy") and study.directions[0] == "maximize" and 0 <= best <= 1
    if len(study.objectives) > 1 or not is_share or not isinstance(examples, int) or examples < 1:
        return None
    share = (best * examples + 2) / (examples + 4)
    return sqrt(share * (1 - share) / (examples + 4)), examples
