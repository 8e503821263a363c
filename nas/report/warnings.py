"""What a reader should know before using the result, each with what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nas.language import N_, _, ngettext
from nas.ranking import bar, perfect
from nas.report import words
from nas.report.section import View
from nas.report.sections.choices import edges
from nas.report.sections.failures import CLAUSES
from nas.report.sections.reproduce import changes
from nas.store.records import state

MANY_FAILED, FEWEST_FAILED = 0.2, 3
ONE_KIND = 0.5
"""The share of the failures from which on one kind of them is named, with what to do about that kind."""
REMEDIES = {
    "nan": N_(
        "See whether these trials have a high learning rate in common, and whether the inputs hold very large values."
    ),
    "oom": N_("Set limits.memory or limits.weights, so that what does not fit is turned away before it trains."),
    "timeout": N_("Raise limits.trial_seconds or limits.silence_seconds, or set limits.macs to leave slow ones out."),
    "crash": N_("Read the message of one of them: a library may have broken down, or the machine's memory was full."),
    "killed": N_("Something outside ended the workers: look at the machine's memory and at its log."),
    "error": N_("Read the traceback of one of them: one mistake in a family or in the data may be behind all."),
}
FREE = ("duplicate", "over a limit")
MANY_FREE, FEWEST_FREE = 0.3, 10
"""The share of candidates that cost no epoch from which on they are worth a word, and how many that is at least."""


@dataclass(frozen=True, slots=True)
class Warning:
    """What is the matter, what to do, and the command for it, where there is one."""

    what: str
    remedy: str
    command: str = ""


def warnings(view: View) -> list[Warning]:
    """Return the warnings about a study, the gravest first."""
    found = (
        _baseline(view), _perfect(view), *_looks(view), _failures(view), _stopped(view), _race(view), _changed(view),
        _edges(view), *_free(view),
    )  # fmt: skip
    return [warning for warning in found if warning is not None]


def _baseline(view: View) -> Warning | None:
    known = bar(view.data.study)
    if known is None or not view.ranked or known.is_beaten_by(view.ranked[0].told[0]):
        return None
    return Warning(
        _("No architecture beats what can be had without any encoder ({name}).", name=words.short(known.name, 60)),
        _("Look at labels and inputs first, then at the ranges of the learning rate, and at the number of epochs."),
    )


def _perfect(view: View) -> Warning | None:
    number = perfect(view.data.study, view.ranked)
    if not number:
        return None
    return Warning(
        ngettext(
            "{number} architecture reached the best {objective} there can be: the validation split cannot tell such "
            "architectures apart.",
            "{number} architectures reached the best {objective} there can be: the validation split cannot tell such "
            "architectures apart.",
            number,
            objective=view.objective,
        ),
        _(
            "Either the data are too easy, or the inputs give the answer away, or examples are in two splits, which "
            "the check of the data says. Harder or more validation examples tell more; so does an objective such as "
            "weights beside this one."
        ),
        "nas data check STUDY.toml",
    )


def _looks(view: View) -> Iterator[Warning | None]:
    looks = Counter(look.trial for look in view.data.looks if look.trial is not None)
    often = {trial: number for trial, number in looks.items() if number > 1}
    if often:
        told = words.series(
            ngettext("trial {trial} {number} time", "trial {trial} {number} times", number, trial=trial)
            for trial, number in often.items()
        )
        yield Warning(
            _("The test split was looked at more than once: {told}.", told=told),
            _(
                "Report the first look. What was chosen after it was chosen with the test split in view: examples "
                "that nobody has seen are needed for another verdict."
            ),
        )


def _failures(view: View) -> Warning | None:
    failed = view.tally.get("failed", 0)
    if failed < FEWEST_FAILED or failed < MANY_FAILED * view.ended:
        return None
    what = ngettext(
        "{failed} of {number} trial failed.", "{failed} of {number} trials failed.", view.ended, failed=failed
    )
    listed = _(
        "The causes are listed under “{section}”: what fails often takes part of the space out of the search.",
        section=_("What failed, and why?"),
    )
    kinds = Counter(trial.kind or "error" for trial in view.data.trials if view.outcome(trial) == "failed")
    kind, times = kinds.most_common(1)[0]
    if kind in REMEDIES and times >= max(FEWEST_FAILED, ONE_KIND * failed):
        of_one_kind = ngettext(
            "{number} time the cause was: {meaning}.",
            "{number} times the cause was: {meaning}.",
            times,
            meaning=_(CLAUSES[kind]),
        )
        what, listed = words.sentences(what, of_one_kind), words.sentences(_(REMEDIES[kind]), listed)
    return Warning(what, listed, view.command("show", "TRIAL"))


def _stopped(view: View) -> Warning | None:
    study = view.data.study
    if state(study) != "stopped" or not view.tally:
        return None
    return Warning(
        _("The study stopped before its budget was used up."),
        _("The order is that of what was tried so far. It goes on where it stopped."),
        view.command("resume"),
    )


def _race(view: View) -> Warning | None:
    study = view.data.study
    alone = len(study.objectives) > 1 or len(view.ranked) < 2 or view.race is not None
    if alone or study.raced or state(study) != "finished":
        return None
    return Warning(
        _("There was no race: each architecture was trained once."),
        _("Train the best again with new seeds before relying on their order."),
        view.command("race"),
    )


def _changed(view: View) -> Warning | None:
    changed = changes(view.data.study.sessions)
    if not changed:
        return None
    section = _("How would one run this again?")
    return Warning(
        _("Between sessions there was a change of {what}.", what=words.listed(changed)),
        _("Scores from before it and after it may not be comparable: “{section}” has both.", section=section),
    )


def _edges(view: View) -> Warning | None:
    found = edges(view)
    if not found:
        return None
    return Warning(
        ngettext(
            "The best lies at the edge of the space in {number} choice.",
            "The best lies at the edge of the space in {number} choices.",
            len(found),
        ),
        _("Better values may lie beyond; “{section}” names them.", section=_("What mattered?")),
    )


def _free(view: View) -> Iterator[Warning | None]:
    every = sum(view.tally.values())
    share = {outcome: words.percent(view.tally.get(outcome, 0) / max(1, every)) for outcome in FREE}
    for outcome, what, remedy in (
        (
            "duplicate",
            _("Many candidates had been trained before ({share} of all).", share=share["duplicate"]),
            _("The space is small for this budget: add choices, widen ranges, or stop earlier."),
        ),
        (
            "over a limit",
            _("Many candidates were over a limit ({share} of all).", share=share["over a limit"]),
            _("Narrow the space to what the limits allow, or raise them: the sampler spends its proposals on these."),
        ),
    ):
        number = view.tally.get(outcome, 0)
        if number >= FEWEST_FREE and number >= MANY_FREE * every:
            yield Warning(what, remedy)
