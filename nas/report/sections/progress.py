"""Has the search seen enough?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite

from nas.language import _, ngettext
from nas.ranking.frontiers import hypervolume
from nas.report import words
from nas.report.charts.progress import Step, progress, survival, volumes
from nas.report.figure import Figure
from nas.report.section import Section, View
from nas.store.records import SessionRecord, TrialRecord

MOST_VOLUMES = 40


def progression(view: View) -> Section:
    """Draw the best so far by trials and by hours, and where trainings were cut short."""
    trials = scored(view)
    figures: list[Figure] = []
    objective, direction = view.data.study.objectives[0], view.data.study.directions[0]
    if len(trials) > 1:
        figures.append(progress("progress-trials", by_trial(view), objective, direction, _("complete trials")))
        unit, told = unit_of_time([view])
        if steps := by_clock(view, unit):
            figures.append(progress("progress-clock", steps, objective, direction, told))
    if (grown := _volumes(view, trials)) and len(grown) > 1:
        figures.append(volumes("progress-volume", grown))
    reached = _reached(view)
    if len(reached) > 1 and reached[0][1] > reached[-1][1]:
        figures.append(survival("survival", reached))
    return Section(
        "progress", _("Has the search seen enough?"), _answer(view, trials), {"figures": figures, "notes": []}
    )


def scored(view: View) -> list[TrialRecord]:
    """Return the complete trials that were trained and have a finite score, in the order they ended."""
    found = [
        trial
        for trial in view.data.trials
        if trial.outcome == "complete" and trial.duplicate_of is None and trial.values and isfinite(trial.values[0])
    ]
    return sorted(found, key=lambda trial: (trial.ended is None, trial.ended or view.now, trial.number))


def by_trial(view: View) -> list[Step]:
    """Return the complete trials in the order they ended."""
    trials = scored(view)
    return _steps(trials, [float(index + 1) for index in range(len(trials))], view.data.study.directions[0])


def unit_of_time(views: Sequence[View]) -> tuple[float, str]:
    """Return in what unit, of so many seconds, all the time spent on these studies is a number that can be read."""
    spent = max(view.data.study.seconds for view in views)
    units = ((86_400.0, _("days")), (3_600.0, _("hours")), (60.0, _("minutes")))
    return next((unit for unit in units if spent >= 3 * unit[0]), (1.0, _("seconds")))


def by_clock(view: View, unit: float) -> list[Step]:
    """Return the complete trials by the time of sessions before they ended; nothing where that is unknown.

    It is told in units of so many seconds.
    """
    trials, study = scored(view), view.data.study
    seconds = [_elapsed(study.sessions, trial.ended) for trial in trials]
    if not study.sessions or any(second is None for second in seconds):
        return []
    return _steps(trials, [(second or 0.0) / unit for second in seconds], study.directions[0])


def _steps(trials: Sequence[TrialRecord], across: Sequence[float], direction: str) -> list[Step]:
    steps: list[Step] = []
    for trial, at in sorted(zip(trials, across, strict=True), key=lambda pair: pair[1]):
        value = trial.values[0] if trial.values else 0.0
        best = steps[-1].best if steps else value
        better = not steps or (value > best if direction == "maximize" else value < best)
        steps.append(Step(trial, at, value, value if better else best, better))
    return steps


def _elapsed(sessions: Sequence[SessionRecord], at: datetime | None) -> float | None:
    """Return the seconds of sessions before `at`: a pause between two sessions does not count."""
    if at is None:
        return None
    return sum(min(max((at - session.started).total_seconds(), 0.0), session.seconds) for session in sessions)


def _volumes(view: View, trials: Sequence[TrialRecord]) -> list[tuple[int, float]]:
    directions = view.data.study.directions
    if len(directions) not in (2, 3):
        return []
    signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]
    losses = [
        tuple(sign * value for sign, value in zip(signs, trial.values or (), strict=True))
        for trial in trials
        if all(isfinite(value) for value in trial.values or ())
    ]
    if len(losses) < 2:
        return []
    worst = tuple(max(column) for column in zip(*losses, strict=True))
    counts = words.thinned(range(1, len(losses) + 1), MOST_VOLUMES)
    kept: list[tuple[float, ...]] = []
    found, done = [], 0
    for count in counts:
        kept = _undominated([*kept, *losses[done:count]])
        done = count
        found.append((count, hypervolume(kept, worst)))
    return found


def _undominated(points: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    kept: list[tuple[float, ...]] = []
    for point in sorted(set(points)):  # a later one never beats an earlier one
        if not any(all(a <= b for a, b in zip(other, point, strict=True)) for other in kept):
            kept.append(point)
    return kept


def _reached(view: View) -> list[tuple[int, int]]:
    epochs = [
        trial.epochs for trial in view.data.trials if trial.epochs and trial.duplicate_of is None and trial.outcome
    ]
    at = words.thinned(range(1, max(epochs, default=0) + 1), 60)
    return [(epoch, sum(trained >= epoch for trained in epochs)) for epoch in at]


def _answer(view: View, trials: Sequence[TrialRecord]) -> str:
    if len(trials) < 2:
        return _("Too little has been trained to say.")
    steps = by_trial(view)
    if view.race is None:
        return _late_or_early(view, steps)
    return words.sentences(
        _late_or_early(view, steps),
        _("The pictures show the scores of the search, each of one training; the order goes by the race."),
    )


def _late_or_early(view: View, steps: Sequence[Step]) -> str:
    """Return when what ranks first was found: the same that the verdict names."""
    last = _of_the_leader(view, steps)
    since = len(steps) - 1 - last
    best = {"trial": steps[last].trial.number, "score": _told(view, steps[last])}
    half = len(steps) // 2
    if since == 0:
        return _("Perhaps not: the best (trial {trial}, {score}) was the last to complete.", **best)
    if since < max(3, len(steps) // 5):
        return ngettext(
            "Perhaps not: the best (trial {trial}, {score}) came only {number} complete trial before the end.",
            "Perhaps not: the best (trial {trial}, {score}) came only {number} complete trials before the end.",
            since,
            **best,
        )
    if last < half:
        return ngettext(
            "Probably: the best (trial {trial}, {score}) came in the first half, {number} complete trial has not "
            "improved on it.",
            "Probably: the best (trial {trial}, {score}) came in the first half, {number} complete trials have not "
            "improved on it.",
            since,
            **best,
        )
    return ngettext(
        "The best (trial {trial}, {score}) came late; {number} complete trial since then has not improved on it.",
        "The best (trial {trial}, {score}) came late; {number} complete trials since then have not improved on it.",
        since,
        **best,
    )


def _of_the_leader(view: View, steps: Sequence[Step]) -> int:
    """Return which of `steps` ranks first, or else had the best score."""
    leader = view.ranked[0].trial.number if view.ranked else None
    risen = max(index for index, step in enumerate(steps) if step.is_better)
    return next((index for index, step in enumerate(steps) if step.trial.number == leader), risen)


def _told(view: View, step: Step) -> str:
    """Return the score of `step`, or after a race what it is estimated to be."""
    objective = view.data.study.objectives[0]
    for entry in view.ranked[:1]:
        if entry.trial.number == step.trial.number and entry.trust is not None and isfinite(entry.trust.estimate):
            return _("estimated {score}", score=words.score(entry.told[0], objective))
    return words.score(step.value, objective)
