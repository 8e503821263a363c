"""Did the search run as it should?"""

from __future__ import annotations

from collections.abc import Iterator

from nas.language import _, ngettext
from nas.report import words
from nas.report.section import Section, View
from nas.report.vocabulary import said
from nas.report.warnings import warnings
from nas.store.records import state


def health(view: View) -> Section:
    """Tell what the budget went to, and what went wrong on the way."""
    return Section(
        "health",
        _("Did the search run as it should?"),
        _answer(view),
        {
            "outcomes": [(outcome, said(outcome), number) for outcome, number in view.tally.items()],
            "told": words.outcomes(view.tally),
            "total": sum(view.tally.values()),
            "facts": list(_facts(view)),
            "warnings": warnings(view),
        },
    )


def _answer(view: View) -> str:
    study = view.data.study
    done = ngettext("{number} trial", "{number} trials", view.ended)
    failed = view.tally.get("failed", 0)
    failures = ngettext("{number} failed", "{number} failed", failed) if failed else _("none failed")
    ending = said(study.sessions[-1].ending or "") if study.sessions else ""
    if study.running is not None:
        told = _(
            "It is still running (process {process} on {host}): {trials} so far; {failures}.",
            process=study.running.pid,
            host=words.short(study.running.host, 40),
            trials=done,
            failures=failures,
        )
    elif ending:
        told = _(
            "{ending}. {trials} ended; {failures}.",
            ending=words.short(ending, 240).rstrip(".。"),
            trials=done,
            failures=failures,
        )
    elif state(study) == "finished":
        told = _("The budget is used up: {trials}; {failures}.", trials=done, failures=failures)
    elif not view.tally:
        return _("It has not decided a single trial.")
    else:
        told = _(
            "It was cut off after {trials} and can go on with {command}; {failures}.",
            trials=done,
            command=f"`{view.command('resume')}`",
            failures=failures,
        )
    return words.sentences(told, _free(view))


def _free(view: View) -> str:
    over, again = view.tally.get("over a limit", 0), view.tally.get("duplicate", 0)
    named = []
    if over:
        named.append(ngettext("{number} candidate over a limit", "{number} candidates over a limit", over))
    if again:
        named.append(ngettext("{number} duplicate", "{number} duplicates", again))
    return _("{candidates} cost no epoch and did not count.", candidates=words.listed(named)) if named else ""


def _facts(view: View) -> Iterator[tuple[str, str]]:
    """Yield ``(what, how it stands)``."""
    study, trials = view.data.study, [trial for trial in view.data.trials if trial.duplicate_of is None]
    yield _("Budget"), _("{trials}, {time}", trials=_trials_used(view), time=_time_used(view))
    if race := words.race_line(study):
        yield _("Race"), race
    epochs = sum(trial.epochs for trial in trials)
    yield (
        _("Training"),
        ngettext(
            "{number} epoch in {time} of workers' time",
            "{number} epochs in {time} of workers' time",
            epochs,
            time=words.duration(sum(trial.seconds for trial in trials)),
        ),
    )
    if spared := _spared(view):
        yield (
            _("Pruning"),
            ngettext(
                "left out {number} epoch, {share} of what was due",
                "left out {number} epochs, {share} of what was due",
                spared,
                share=words.percent(spared / (spared + epochs)),
            ),
        )
    if duplicates := study.counts.get("duplicate", 0):
        yield (
            _("Duplicates"),
            ngettext(
                "{number} trial built an architecture trained before in the same way and cost no epoch",
                "{number} trials built architectures trained before in the same way and cost no epoch",
                duplicates,
            ),
        )
    sessions = words.exact(len(study.sessions))
    killed = sum(session.ended is None for session in study.sessions) - (study.running is not None)
    if killed > 0:
        sessions = ngettext(
            "{sessions}, {number} of which never said how it ended",
            "{sessions}, {number} of which never said how they ended",
            killed,
            sessions=sessions,
        )
    yield _("Sessions"), sessions
    again = sum(max(0, trial.attempts - 1) for trial in view.data.trials)
    yield (
        _("Interruptions"),
        ngettext(
            "{number} trial taken up again after an attempt was lost",
            "{number} trials taken up again after an attempt was lost",
            again,
        )
        if again
        else _("none"),
    )


def _trials_used(view: View) -> str:
    budget = view.data.study.search_budget
    if not budget:
        return ngettext("{number} trial", "{number} trials", view.ended)
    return ngettext("{done} of {number} trial", "{done} of {number} trials", budget, done=words.exact(view.ended))


def _time_used(view: View) -> str:
    study = view.data.study
    used = words.duration(study.seconds)
    if not study.hours_budget:
        return used
    return _("{time} of {budget}", time=used, budget=words.duration(3600 * study.hours_budget))


def _spared(view: View) -> int:
    """Return the epochs that pruned trials did not train, measured against the longest complete training."""
    full = max((trial.epochs for trial in view.data.trials if trial.outcome == "complete"), default=0)
    return sum(max(0, full - trial.epochs) for trial in view.data.trials if view.outcome(trial) == "pruned")
