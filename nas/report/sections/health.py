"""Did the search run as it should?"""

from __future__ import annotations

from collections.abc import Iterator

from nas.report import words
from nas.report.section import Section, View
from nas.store.records import state

FREE = {
    "over a limit": ("candidate over a limit", "candidates over a limit"),
    "duplicate": ("duplicate", "duplicates"),
}
"""What does not count against the budget, one and many of it."""


def health(view: View) -> Section:
    """Tell what the budget went to, and what went wrong on the way."""
    return Section(
        "health",
        "Did the search run as it should?",
        _answer(view),
        {"outcomes": list(view.tally.items()), "total": sum(view.tally.values()), "facts": list(_facts(view))},
    )


def _answer(view: View) -> str:
    study = view.data.study
    done = words.plural(view.ended, "trial")
    ending = study.sessions[-1].ending if study.sessions else None
    if study.running is not None:
        holder = f"process {study.running.pid} on {words.short(study.running.host, 40)}"
        told = f"It is still running ({holder}): {done} so far"
    elif ending:
        told = f"{words.short(ending, 240).rstrip('.')}. {done} ended"
    elif state(study) == "finished":
        told = f"The budget is used up: {done}"
    elif not view.tally:
        return "It has not decided a single trial."
    else:
        told = f"It was cut off after {done} and can go on with {view.command('resume')}"
    failed = view.tally.get("failed", 0)
    return f"{told}; {f'{failed:,}' if failed else 'none'} failed.{_free(view)}"


def _free(view: View) -> str:
    named = [words.plural(view.tally[what], *names) for what, names in FREE.items() if what in view.tally]
    return f" {' and '.join(named)} cost no epoch and did not count." if named else ""


def _facts(view: View) -> Iterator[tuple[str, str]]:
    """Yield ``(what, how it stands)``."""
    study, trials = view.data.study, [trial for trial in view.data.trials if trial.duplicate_of is None]
    trials_used = f"{view.ended:,} of " if study.search_budget else ""
    of_hours = f" of {words.duration(3600 * study.hours_budget)}" if study.hours_budget else ""
    of_trials = words.plural(study.search_budget or view.ended, "trial")
    yield "Budget", f"{trials_used}{of_trials}, {words.duration(study.seconds)}{of_hours}"
    if race := words.race_line(study):
        yield "Race", race
    epochs = sum(trial.epochs for trial in trials)
    yield (
        "Training",
        f"{words.plural(epochs, 'epoch')} in {words.duration(sum(trial.seconds for trial in trials))} of workers' time",
    )
    if spared := _spared(view):
        yield (
            "Pruning",
            f"left out {words.plural(spared, 'epoch')}, {spared / (spared + epochs):.0%} of what was due",
        )
    if duplicates := study.counts.get("duplicate", 0):
        built = "an architecture" if duplicates == 1 else "architectures"
        yield (
            "Duplicates",
            f"{words.plural(duplicates, 'trial')} built {built} trained before in the same way and cost no epoch",
        )
    killed = sum(session.ended is None for session in study.sessions) - (study.running is not None)
    ended_so = f", {killed} of which never said how {'it' if killed == 1 else 'they'} ended" if killed > 0 else ""
    yield "Sessions", f"{len(study.sessions):,}{ended_so}"
    again = sum(max(0, trial.attempts - 1) for trial in view.data.trials)
    yield (
        "Interruptions",
        f"{words.plural(again, 'trial')} taken up again after an attempt was lost" if again else "none",
    )


def _spared(view: View) -> int:
    """Return the epochs that pruned trials did not train, measured against the longest complete training."""
    full = max((trial.epochs for trial in view.data.trials if trial.outcome == "complete"), default=0)
    return sum(max(0, full - trial.epochs) for trial in view.data.trials if view.outcome(trial) == "pruned")
