"""How far a ranking can be trusted, as a terminal says it: a sentence each, details only where they are asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from math import isnan

from nas.ranking import Raced, Ranked, are_all_alike, fewest_macs
from nas.ranking.reliability import Reliability
from nas.ranking.tradeoff import Tradeoff
from nas.report import words
from nas.report.frontier import unsure_sentence, volume_sentence
from nas.report.regret import regret_sentence
from nas.store.records import StudyRecord, state


def trust_lines(entries: Sequence[Ranked], study: StudyRecord, race: Raced | None) -> list[str]:
    """Return what must be known before a ranking is trusted, a sentence each."""
    if not entries:
        return []
    pruned = study.counts.get("pruned", 0)
    left_out = f" {words.plural(pruned, 'pruned trial')} left out." if pruned else ""
    if race is None and len(entries) == 1:
        return [f"The score is that of one training with one seed.{left_out}"]
    if race is None:
        to_come = study.race_budget > 0 and state(study) != "finished"
        who = "The race at the end of the study" if to_come else f"`nas race {shlex.quote(study.name)}`"
        return [
            "A score is that of one training with one seed, and the best of many is optimistic: scores that lie close "
            f"together say little. {who} trains the best again with new seeds.{left_out}"
        ]
    scatter = f"; one training scatters about it by {words.score(race.seed_sigma)} (standard deviation)."
    if are_all_alike(entries):
        scatter = ". All that there were came to one score: how far they scatter, and so any interval, cannot be told."
    metric = words.short(study.objectives[0], 40)
    told = [f"Estimates of {metric} are what many trainings would average to{scatter}{left_out}"]
    collapsed = [entry for entry in entries if entry.trust and entry.trust.collapsed]
    if collapsed:
        parts = ", ".join(
            f"{entry.trust.collapsed} of trial {entry.trial.number}" for entry in collapsed if entry.trust
        )
        told.append(f"Ended far below all others, and left out of the estimates: {parts}.")
    tied = [entry for entry in entries if entry.trust and entry.trust.tied]
    if len(tied) > 1:
        least = fewest_macs(tied)
        which = "" if least is None else f"; trial {least.trial.number} (place {least.place}) has the fewest MACs"
        told.append(f"The {len(tied)} marked = cannot be told apart{which}.")
    return told


def reliability_lines(known: Reliability, objective: str, verbose: bool = False) -> list[str]:
    """Return how far an order can be trusted, a sentence each; the details only where they are asked for."""
    told = []
    if missed := regret_sentence(known.regret, objective):
        told.append(missed)
    if verbose and known.search_to_race is not None:
        both = known.search_to_race
        told.append(
            f"The search's order against that of fresh trainings, Kendall's τ: {_tau(both.overall)} over "
            f"{both.architectures} architectures, {_tau(both.top_half)} within the better half."
        )
    for rung in known.rungs if verbose else ():
        told.append(
            f"The order after epoch {rung.epoch} against the last, τ: {_tau(rung.overall)} over {rung.trials} complete "
            f"trials, {_tau(rung.top_third)} within the best third."
        )
    if known.pruned_wrongly is not None:
        share = known.pruned_wrongly
        told.append(
            f"Of {words.plural(share.of, 'trial')} that would have been pruned and ran on, {share.found} ended among "
            f"the ten best: wrongly pruned are {share.low:.0%} to {share.high:.0%} of all that were."
        )
    return told


def tradeoff_lines(found: Tradeoff | None, study: StudyRecord) -> list[str]:
    """Return what is to be said of a frontier: how good it is, where it bends, how sure it is, a sentence each."""
    if found is None:
        return []
    count = len(found.trials)
    bend = (
        None
        if found.knee is None
        else f"It bends most at trial {found.knee}: from there on, little is gained for much."
    )
    told = (volume_sentence(found, study.objectives), bend, unsure_sentence(found))
    on_it = f"{words.plural(count, 'architecture is', 'architectures are')} on the frontier."
    return [on_it, *(sentence for sentence in told if sentence is not None)]


def _tau(value: float) -> str:
    return words.UNKNOWN if isnan(value) else f"{value:.2f}"
