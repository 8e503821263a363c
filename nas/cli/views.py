"""Studies, rankings and events as a terminal shows them: records in, things rich can print out. 80 columns will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from math import isfinite, isnan
from typing import Any

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from nas.cli import standing
from nas.cli.commands import on
from nas.cli.tables import STYLES, FirstThatFits, grid, styled, table
from nas.ranking import Ranked, Trust, bar
from nas.report import words
from nas.store.evaluation_records import LookRecord
from nas.store.records import EventRecord, StudyRecord, TrialRecord, spent, state

FOLDED_FAMILY = 8
"""Characters a line of a family's name has where there is no room for it."""


def studies_table(entries: Sequence[tuple[StudyRecord, Ranked | None]], now: datetime | None = None) -> RenderableType:
    """Return one line a study: its record and what ranks first."""
    if not entries:
        return Text("No studies yet.")
    made = table("~Study", "State", ">Trials", ">Complete", ">Pruned", ">Failed", ">Best", ">Age")
    for study, leader in entries:
        counts = study.counts
        made.add_row(
            words.short(study.name, 64),
            styled(state(study)),
            f"{spent(counts)}/{study.search_budget}" if study.search_budget is not None else str(spent(counts)),
            *(str(counts.get(outcome, 0)) for outcome in ("complete", "pruned", "failed")),
            words.score(leader.told[0], study.objectives[0]) if leader and leader.values else words.UNKNOWN,
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


def study_view(
    study: StudyRecord,
    leader: Ranked | None,
    now: datetime | None = None,
    tuned: standing.FineTuned | None = None,
) -> list[RenderableType]:
    """Return a study in detail. `leader` is what ranks first, `tuned` what it was fine-tuned to."""
    latest = study.sessions[-1] if study.sessions else None
    left = standing.seconds_left(study)
    holder = study.running
    ending = latest.ending if latest and holder is None else None
    if standing.was_killed(study):
        ending = standing.killed(study)
    rows: dict[str, RenderableType | None] = {
        "data": _data(study),
        "objective": ", ".join(f"{d} {m}" for m, d in zip(study.objectives, study.directions, strict=True)),
        "trials": outcomes(study.counts, study.search_budget, running=holder is not None),
        "race": words.race_line(study),
        "time": words.duration(study.seconds)
        + ("" if study.hours_budget is None else f" of {words.duration(3600 * study.hours_budget)}")
        + ("" if left is None else f", about {words.duration(left)} left"),
        "best": None if leader is None else best_line(leader, study.objectives),
        "baseline": baseline_line(study, leader),
        "fine-tuned": None if tuned is None else tuned_line(tuned, study.objectives[0]),
        "run by": None
        if holder is None or latest is None
        else f"process {holder.pid} on {words.short(holder.host)}, heard of {age(latest.renewed, now)} ago",
        "sessions": None if latest is None else f"{len(study.sessions)}, the last since {words.moment(latest.started)}",
    }
    view: list[RenderableType] = [
        Text.assemble((words.short(study.name, 64), "bold"), "  ", styled(state(study))),
        grid(rows),
    ]
    if ending is not None:  # apart from the grid, which would break the command in it
        width = max(len(name) for name, value in rows.items() if value is not None)
        view.append(Text.assemble((f"  {'ended':<{width}}  ", "dim"), words.clean(ending)))
    return view


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


def tuned_line(tuned: standing.FineTuned, metric: str) -> str:
    """Return "14 trainings · val_accuracy 0.9757 (trial 0) · test 0.9694 (0.9526–0.9861)"."""
    parts = [words.plural(tuned.trainings, "training")]
    if tuned.best is not None:
        parts.append(f"{words.short(metric, 40)} {words.score(tuned.best.score, metric)} (trial {tuned.best.trial})")
    parts.append(look_line(tuned.look, tuned.looks, metric))
    return " · ".join(parts)


def look_line(look: LookRecord | None, looks: int, metric: str) -> str:
    """Return "test 0.9694 (0.9526–0.9861, look 2)", of the last of so many `looks` at an architecture."""
    found = look.metrics.get(metric) if look is not None else None
    if found is None:
        return "not measured on the test split yet"
    low, high = words.score(found.low, metric), words.score(found.high, metric)
    told = [f"{low}–{high}"] if isfinite(found.low) else []
    told += [f"look {looks}"] if looks > 1 else []
    return f"test {words.score(found.value, metric)}" + (f" ({', '.join(told)})" if told else "")


def best_line(leader: Ranked, objectives: Sequence[str]) -> str:
    """Return "val_accuracy 0.9861 (0.9802–0.9907) · trial 17 · resnet · 52.3 k weights · 4.10 M MACs".

    Before a race it says "in one training" where the interval would be.
    """
    trial = leader.trial
    costs = [f"{words.count(number)} {label}" for _, label, number in _costs(trial, objectives) if number is not None]
    parts = [*scores(leader, objectives), f"trial {trial.number}", family_label(trial), *costs]
    return " · ".join(part for part in parts if part)


def baseline_line(study: StudyRecord, leader: Ranked | None) -> Text | None:
    """Return "majority class: val_accuracy 0.1010", and a warning where even `leader`, the first, does not beat it."""
    known = bar(study)
    if known is None:
        return None
    line = Text(f"{words.short(known.name, 60)}: {words.short(known.metric, 40)} {words.score(known.value)}")
    if leader is not None and not known.is_beaten_by(leader.told[0]):
        line.append("; no complete trial beats it", "red")
    return line


def perfect_line(study: StudyRecord, number: int) -> Text:
    """Return what is to be said, and done, where so many architectures reached the best score there can be."""
    reached = words.plural(number, "architecture reached", "architectures reached")
    metric = words.short(study.objectives[0], 40)
    return Text(
        f"{reached} the best {metric} there can be: the validation split cannot tell such architectures apart. Either "
        "the data are too easy, or the inputs give the answer away, or examples are in two splits (`nas data check` "
        "says so). Harder or more validation examples tell more; so does an objective such as weights beside this one.",
        "yellow",
    )


def scores(leader: Ranked, objectives: Sequence[str]) -> list[str]:
    """Return "val_accuracy 0.9861 (0.9802–0.9907)", one for each of `objectives`; only the first has an interval."""
    found = _scores(leader.told, objectives)
    if found:
        trust = leader.trust
        known = trust is not None and not isnan(trust.estimate)
        if trust is None or not known:
            found[0] += " in one training"
        elif isfinite(trust.low):
            found[0] += f" ({_interval(trust, objectives[0])})"
    return found


def trial_scores(trial: TrialRecord, objectives: Sequence[str]) -> str:
    """Return what one training came to: "val_accuracy 0.9861 · weights 12,345"."""
    return " · ".join(_scores(trial.values or (), objectives))


def _scores(values: Sequence[float], objectives: Sequence[str]) -> list[str]:
    told = zip(objectives, values, strict=False)
    return [f"{words.short(metric, 40)} {words.score(value, metric)}" for metric, value in told]


def _interval(trust: Trust, metric: str) -> str:
    if not isfinite(trust.low):
        return words.UNKNOWN
    return f"{words.score(trust.low, metric)}–{words.score(trust.high, metric)}"


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
    """Return architectures in order. Where there is no room, columns are left out (unless `verbose`), then families are
    folded, then headers: a number never is."""
    if not entries:
        return Text("No trial is complete yet: there is nothing to rank.")
    if not any(entry.trust for entry in entries):
        full = _ranking_table(entries, objectives, "")
        small, narrow = (_ranking_table(entries, objectives, "Epochs Trials") for _ in range(2))
        _column(narrow, "Family").max_width = FOLDED_FAMILY
        return full if verbose else FirstThatFits((full, small, narrow))
    dispensable = ("", *accumulate(("Epochs", " Fingerprint", " P(best)", " Search", " MACs", " Weights")))
    tables = [_ranking_table(entries, objectives, without) for without in dispensable]
    if verbose:
        return tables[0]
    for narrow in tables[3:]:
        _column(narrow, "Family").max_width = FOLDED_FAMILY
    return FirstThatFits(tuple(tables))


def _column(made: Table, header: str) -> Column:
    return next(column for column in made.columns if column.header == header)


def _ranking_table(entries: Sequence[Ranked], objectives: Sequence[str], without: str) -> Table:
    """Return all columns but those whose headers are in `without`."""
    raced = any(entry.trust for entry in entries)
    rows = [_ranking_row(entry, objectives, raced) for entry in entries]
    left_out = without.split()
    headers = [header for header in rows[0] if header.lstrip(">~") not in left_out]
    made = table(*headers)
    for row in rows:
        made.add_row(*(row[header] for header in headers))
    return made


def _ranking_row(entry: Ranked, objectives: Sequence[str], raced: bool) -> dict[str, str]:
    """Return cells by header: the estimate and the trial that was raced, or the score and all trials."""
    trial, trust = entry.trial, entry.trust
    row = {">#": f"{entry.place}{'=' if trust and trust.tied else ''}"}
    if len(objectives) > 1:
        row[">Frontier"] = str(entry.front)
    if raced:
        row |= dict(zip((">Estimate", ">95 %", ">Seeds", ">P(best)"), _trust(trust, objectives[0]), strict=True))
    for place, (value, metric) in enumerate(zip(entry.values, objectives, strict=True)):
        row[">Search" if raced and place == 0 else f">{words.short(metric, 40)}"] = words.score(value, metric)
    if raced:
        row[">Trial"] = str(trial.number)
    row["~Family"] = family_label(trial) or words.UNKNOWN
    for name, _, number in _costs(trial, objectives):
        row[{"weights": ">Weights", "macs": ">MACs"}[name]] = words.count(number)
    row[">Epochs"] = str(trial.epochs)
    if not raced:
        row["~Trials"] = _numbers(entry.trials)
    row["Fingerprint"] = (trial.fingerprint or words.UNKNOWN)[:8]
    return row


def _trust(trust: Trust | None, metric: str) -> tuple[str, str, str, str]:
    """Return estimate, interval, fresh trainings and the chance of being best, as cells."""
    if trust is None or isnan(trust.estimate):
        failed = trust is not None and trust.failed > 0
        return "failed" if failed else words.UNKNOWN, "", str(trust.seeds) if trust else "0", ""
    best = "" if trust.p_best is None else f"{100 * trust.p_best:.0f} %"
    return words.score(trust.estimate, metric), _interval(trust, metric), str(trust.seeds), best


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
    commands = [(on(command, storage), purpose) for command, purpose in commands]
    width = max((len(command) for command, _ in commands), default=0)
    return [f"  {command:<{width}}  {purpose}" for command, purpose in commands]
