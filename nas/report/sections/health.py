"""Did the search run as it should?"""

from __future__ import annotations

from collections.abc import Iterator

from nas.report import words
from nas.report.section import Section, View
from nas.store.records import spent

OUTCOMES = ("complete", "pruned", "failed", "running")


def health(view: View) -> Section:
    """Tell what the budget went to, and what went wrong on the way."""
    counts = view.data.study.counts
    total = sum(counts.get(outcome, 0) for outcome in OUTCOMES)
    return Section(
        "health",
        "Did the search run as it should?",
        _answer(view),
        {
            "outcomes": [(outcome, counts.get(outcome, 0)) for outcome in OUTCOMES if counts.get(outcome)],
            "total": total,
            "facts": list(_facts(view)),
        },
    )


def _answer(view: View) -> str:
    study = view.data.study
    done = words.plural(view.decided, "trial")
    ending = study.sessions[-1].ending if study.sessions else None
    if study.running is not None:
        holder = f"process {study.running.pid} on {words.short(study.running.host, 40)}"
        state = f"It is still running ({holder}): {done} so far"
    elif ending:
        state = f"{words.short(ending, 240).rstrip('.')}. {done} ended"
    elif view.is_finished:
        state = f"The budget is used up: {done}"
    elif not view.decided:
        return "It has not decided a single trial."
    else:
        state = f"It was cut off after {done} and can go on with nas resume {view.name}"
    failed = study.counts.get("failed", 0)
    return f"{state}; {failed:,} failed." if failed else f"{state}; none failed."


def _facts(view: View) -> Iterator[tuple[str, str]]:
    """Yield ``(what, how it stands)``."""
    study, trials = view.data.study, [trial for trial in view.data.trials if trial.duplicate_of is None]
    of_trials = f" of {study.trials_budget:,}" if study.trials_budget else ""
    of_hours = f" of {words.duration(3600 * study.hours_budget)}" if study.hours_budget else ""
    done = spent(study.counts) - study.counts.get("running", 0)
    yield "Budget", f"{done:,}{of_trials} trials, {words.duration(study.seconds)}{of_hours}"
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
    return sum(max(0, full - trial.epochs) for trial in view.data.trials if trial.outcome == "pruned")
