"""Studies, rankings and events as a terminal shows them: records in, things rich can print out. 80 columns will do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli import standing
from nas.cli.tables import STYLES, FirstThatFits, grid, styled, table
from nas.ranking import Ranked, bar
from nas.report import words
from nas.store.records import EventRecord, StudyRecord, TrialRecord, spent, state

FOLDED_FAMILY = 8
"""Characters a line of a family's name has where there is no room for it."""


def studies_table(
    entries: Sequence[tuple[StudyRecord, TrialRecord | None]], now: datetime | None = None
) -> RenderableType:
    """Return one line a study: its record and its best trial."""
    if not entries:
        return Text("No studies yet.")
    made = table("~Study", "State", ">Trials", ">Complete", ">Pruned", ">Failed", ">Best", ">Age")
    for study, leader in entries:
        counts = study.counts
        made.add_row(
            words.short(study.name, 64),
            styled(state(study)),
            f"{spent(counts)}/{study.trials_budget}" if study.trials_budget is not None else str(spent(counts)),
            *(str(counts.get(outcome, 0)) for outcome in ("complete", "pruned", "failed")),
            words.score(leader.values[0], study.objectives[0]) if leader and leader.values else words.UNKNOWN,
            age(study.created, now),
        )
    return made


def age(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago `at` was, in its largest unit: "8 s", "5 min", "3 h", "12 d"."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - at).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def study_view(study: StudyRecord, leader: TrialRecord | None, now: datetime | None = None) -> list[RenderableType]:
    """Return a study in detail. `leader` is its best trial."""
    latest = study.sessions[-1] if study.sessions else None
    left = standing.seconds_left(study)
    holder = study.running
    ending = latest.ending if latest and holder is None else None
    if standing.was_killed(study):
        ending = "the last session was killed; everything it had saved is kept"
    return [
        Text.assemble((words.short(study.name, 64), "bold"), "  ", styled(state(study))),
        grid(
            {
                "data": _data(study),
                "objective": ", ".join(f"{d} {m}" for m, d in zip(study.objectives, study.directions, strict=True)),
                "trials": outcomes(study.counts, study.trials_budget, running=holder is not None),
                "time": words.duration(study.seconds)
                + ("" if study.hours_budget is None else f" of {words.duration(3600 * study.hours_budget)}")
                + ("" if left is None else f", about {words.duration(left)} left"),
                "best": None if leader is None else best_line(leader, study.objectives),
                "baseline": baseline_line(study, leader),
                "run by": None
                if holder is None or latest is None
                else f"process {holder.pid} on {words.short(holder.host)}, heard of {age(latest.renewed, now)} ago",
                "sessions": None
                if latest is None
                else f"{len(study.sessions)}, the last since {words.moment(latest.started)}",
                "ended": None if ending is None else words.clean(ending),
            }
        ),
    ]


def _data(study: StudyRecord) -> str | None:
    if study.data is None:
        return None
    examples = ", ".join(f"{number:,} {split}" for split, number in (study.data.get("examples") or {}).items())
    parts = (
        words.short(str(study.data.get("source", ""))),
        _inputs(study.data.get("inputs") or {}),
        _target(study.data.get("target") or {}),
        examples,
    )
    return " · ".join(part for part in parts if part)


def _inputs(inputs: Mapping[str, Any]) -> str:
    """Return "image 28 × 28 × 1", or each of several inputs with its name."""
    told = {name: f"{given['kind']} {words.shape(given['shape'])}" for name, given in inputs.items()}
    return ", ".join(told.values() if len(told) == 1 else (f"{name}: {text}" for name, text in told.items()))


def _target(target: Mapping[str, Any]) -> str:
    """Return "10 classes", or "28 labels" where an example has not just one of them, or "2 numbers"."""
    names, numbers = target.get("names") or (), target.get("mean") or ()
    if numbers:
        return words.plural(len(numbers), "number")
    one, many = ("label", "labels") if target.get("shape") else ("class", "classes")
    return words.plural(len(names), one, many) if names else ""


def outcomes(counts: Mapping[str, int], budget: int | None, *, running: bool) -> Text:
    """Return "24 of 48: 15 complete, 7 pruned, 2 running; and at no cost 1 duplicate"; what is zero is left out.

    Where the study is not `running`, a trial without an outcome was interrupted.
    """
    total = Text(f"{spent(counts):,}" + (f" of {budget:,}" if budget is not None else ""))
    named = [
        Text(f"{counts[outcome]:,} {outcome if outcome != 'running' or running else 'interrupted'}", STYLES[outcome])
        for outcome in ("complete", "pruned", "failed", "running")
        if counts.get(outcome)
    ]
    if named:
        total.append(": ").append_text(Text(", ").join(named))
    free = [
        f"{counts['rejected']:,} over a limit" if counts.get("rejected") else "",
        words.plural(counts.get("duplicate", 0), "duplicate") if counts.get("duplicate") else "",
    ]
    if any(free):
        total.append(f"; and at no cost {', '.join(part for part in free if part)}")
    return total


def best_line(trial: TrialRecord, objectives: Sequence[str]) -> str:
    """Return "val_accuracy 0.9861 · trial 17 · resnet · 52.3 k weights · 4.10 M MACs"."""
    costs = [f"{words.count(number)} {label}" for _, label, number in _costs(trial, objectives) if number is not None]
    parts = [*scores(trial, objectives), f"trial {trial.number}", family_label(trial), *costs]
    return " · ".join(part for part in parts if part)


def baseline_line(study: StudyRecord, leader: TrialRecord | None) -> Text | None:
    """Return "majority class: val_accuracy 0.1010", and a warning where `leader`, the best trial, does not beat it."""
    known = bar(study)
    if known is None:
        return None
    line = Text(f"{words.short(known.name, 60)}: {words.short(known.metric, 40)} {words.score(known.value)}")
    if leader is not None and not known.is_beaten_by(leader):
        line.append("; no complete trial beats it", "red")
    return line


def scores(trial: TrialRecord, objectives: Sequence[str]) -> list[str]:
    """Return "val_accuracy 0.9861", one for each of `objectives`."""
    values = zip(objectives, trial.values or (), strict=False)
    return [f"{words.short(metric, 40)} {words.score(value, metric)}" for metric, value in values]


def family_label(trial: TrialRecord) -> str:
    """Return a trial's family without the module or file it comes from."""
    return words.short((trial.family or "").rpartition(":")[2], 40)


def _costs(trial: TrialRecord, objectives: Sequence[str]) -> list[tuple[str, str, int | None]]:
    """Return ``(name, label, number)`` of the costs that are no objective: those are told as scores."""
    costs = (("weights", "weights", trial.cost.weights), ("macs", "MACs", trial.cost.macs))
    return [cost for cost in costs if cost[0] not in objectives]


def events_view(events: Sequence[EventRecord]) -> RenderableType:
    """Return events, one a line."""
    made = table("When (UTC)", "What", ">Trial", "~", title="Last events")
    for event in events:
        when = event.at.astimezone(UTC).strftime("%m-%d %H:%M:%S")
        made.add_row(
            when,
            words.short(event.kind, 20),
            "" if event.trial is None else str(event.trial),
            words.short(event.message, 300),
        )
    return made


def ranking_table(entries: Sequence[Ranked], objectives: Sequence[str], verbose: bool = False) -> RenderableType:
    """Return architectures in order. Where there is no room, epochs and trials are left out (unless `verbose`), then
    families are folded, then headers: a number never is."""
    if not entries:
        return Text("No trial is complete yet: there is nothing to rank.")
    full = _ranking_table(entries, objectives, full=True)
    small, narrow = _ranking_table(entries, objectives), _ranking_table(entries, objectives)
    next(column for column in narrow.columns if column.header == "Family").max_width = FOLDED_FAMILY
    return full if verbose else FirstThatFits((full, small, narrow))


def _ranking_table(entries: Sequence[Ranked], objectives: Sequence[str], *, full: bool = False) -> Table:
    several = len(objectives) > 1
    labels = {"weights": ">Weights", "macs": ">MACs"}
    made = table(
        ">#",
        *([">Frontier"] if several else []),
        *(f">{words.short(metric, 40)}" for metric in objectives),
        "~Family",
        *(label for name, label in labels.items() if name not in objectives),
        *([">Epochs", "~Trials"] if full else []),
        "Fingerprint",
    )
    for entry in entries:
        trial = entry.trial
        made.add_row(
            str(entry.place),
            *([str(entry.front)] if several else []),
            *(words.score(value, metric) for value, metric in zip(entry.values, objectives, strict=True)),
            family_label(trial) or words.UNKNOWN,
            *(words.count(number) for _, _, number in _costs(trial, objectives)),
            *([str(trial.epochs), _numbers(entry.trials)] if full else []),
            (trial.fingerprint or words.UNKNOWN)[:8],
        )
    return made


def _numbers(trials: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in trials[:4])
    return f"{shown}, {len(trials) - 4} more" if len(trials) > 4 else shown


def failures_table(causes: Sequence[tuple[str, str, int]], verbose: bool = False) -> RenderableType:
    """Return the causes of failures and how often each was met."""
    made = table(">Trials", "Failed", "~Cause", title="Failures")
    for kind, message, number in causes if verbose else causes[:5]:
        made.add_row(str(number), kind, words.short(message, 500 if verbose else 160))
    if len(causes) > 5 and not verbose:
        made.add_row("", "", f"and {words.plural(len(causes) - 5, 'other cause')} (-v shows all)")
    return made


def commands_view(commands: Sequence[tuple[str, str]], storage: str | None) -> list[str]:
    """Return next commands on the database `storage`, one a line, with what they are for."""
    if storage is not None:
        from nas.store.engine import display_url, storage_url

        where = shlex.quote(display_url(storage_url(storage)))
        commands = [(f"{command} --storage {where}", purpose) for command, purpose in commands]
    width = max((len(command) for command, _ in commands), default=0)
    return [f"  {command:<{width}}  {purpose}" for command, purpose in commands]
