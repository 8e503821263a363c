"""How do the architectures compare?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from nas.conversation import Scalar
from nas.language import N_, _, ngettext
from nas.ranking import Ranked
from nas.report import words
from nas.report.section import Section, View
from nas.report.sections.tradeoffs import latency, on_frontier

SHORT = {"learning_rate": N_("rate"), "weight_decay": N_("decay"), "batch_size": N_("batch")}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one column says of one architecture, and what it is sorted by: itself where `key` is ``None``."""

    text: str
    key: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: `kind` is "number", "name", "text" or "choices"."""

    name: str
    title: str
    kind: str
    cell: Callable[[Ranked], Cell]
    note: str = ""


def ranking(view: View) -> Section:
    """Give the table of architectures, best first."""
    shown = view.shown
    complete = sum(len(entry.trials) for entry in view.ranked)
    of_trials = ngettext("{number} complete trial", "{number} complete trials", complete)
    if len(view.ranked) == 1:
        caption = _("The only architecture with a score, from {trials}.", trials=of_trials)
    elif len(shown) < len(view.ranked):
        caption = ngettext(
            "The best {shown} of {number} architecture with a score, from {trials}.",
            "The best {shown} of {number} architectures with a score, from {trials}.",
            len(view.ranked),
            shown=words.exact(len(shown)),
            trials=of_trials,
        )
    else:
        caption = ngettext(
            "All {number} architecture with a score, from {trials}.",
            "All {number} architectures with a score, from {trials}.",
            len(view.ranked),
            trials=of_trials,
        )
    columns = _columns(view)
    told = (
        _(
            "An estimate is what many trainings would average to, with the interval that holds it with 95%; the score "
            "is that of the best training of the search."
        )
        if view.race is not None
        else _("A score is that of one training, the best one found for that architecture.")
    )
    return Section(
        "ranking",
        _("How do the architectures compare?"),
        _answer(view),
        {
            "columns": columns,
            "rows": [(entry, [(column, column.cell(entry)) for column in columns]) for entry in shown],
            "left_out": len(view.ranked) - len(shown),
            "again": any(len(entry.trials) > 1 for entry in shown),
            "on_frontier": on_frontier(view),
            "caption": words.sentences(caption, told),
            "command": view.command,
        },
    )


def _columns(view: View) -> list[Column]:
    study = view.data.study
    found = [Column("place", _("Rank"), "number", lambda entry: _count(entry.place))]
    if len(study.objectives) > 1:
        found.append(Column("front", _("Frontier"), "number", lambda entry: _count(entry.front)))
    found += [
        Column("trial", _("Trial"), "number", _trial),
        Column(
            "fingerprint", _("Architecture"), "name", lambda entry: Cell((entry.trial.fingerprint or _("unknown"))[:8])
        ),
        Column("family", _("Family"), "text", lambda entry: Cell(words.family(entry.trial.family) or words.UNKNOWN)),
    ]
    if view.race is not None:
        found += [
            Column("estimate", _("Estimate"), "number main", lambda entry: _estimate(entry, study.objectives[0])),
            Column("interval", _("95% interval"), "number", lambda entry: _interval(entry, study.objectives[0])),
            Column("best", _("Chance to be best"), "number", _chance),
            Column("seeds", _("Seeds"), "number", lambda entry: _count(entry.trust.seeds if entry.trust else None)),
        ]
    for index, objective in enumerate(study.objectives):
        order = _("highest first") if study.directions[index] == "maximize" else _("lowest first")
        kind = "number" if index or view.race is not None else "number main"
        found.append(Column(f"score{index}", words.short(objective, 40), kind, _score(index, objective), order))
    if "weights" not in study.objectives:
        found.append(Column("weights", _("Weights"), "number", lambda entry: _count(entry.trial.cost.weights)))
    if "macs" not in study.objectives:
        found.append(Column("macs", "MACs", "number", lambda entry: _count(entry.trial.cost.macs)))
    if measured := [told for entry in view.shown if (told := latency(view, entry))]:
        note = _("ms") if all(p95 is None for _median, p95 in measured) else _("ms, median / p95")
        found.append(Column("latency", _("Latency"), "number", lambda entry: _latency(view, entry), note))
    found += [
        Column("epochs", _("Epochs"), "number", lambda entry: _count(entry.trial.epochs)),
        Column(
            "seconds", _("Time"), "number", lambda entry: Cell(words.duration(entry.trial.seconds), entry.trial.seconds)
        ),
        Column("training", _("Trained with"), "choices", lambda entry: Cell(_training(entry.trial.training))),
    ]
    return found


def _count(number: int | None) -> Cell:
    return Cell(words.exact(number), number)


def _trial(entry: Ranked) -> Cell:
    more = f" +{len(entry.trials) - 1}" if len(entry.trials) > 1 else ""
    return Cell(f"{entry.trial.number}{more}", entry.trial.number)


def _score(index: int, objective: str) -> Callable[[Ranked], Cell]:
    return lambda entry: Cell(words.score(entry.values[index], objective), entry.values[index])


def _estimate(entry: Ranked, objective: str) -> Cell:
    if entry.trust is None or not isfinite(entry.trust.estimate):
        return Cell(words.UNKNOWN)
    tied = " =" if entry.trust.tied else ""
    return Cell(f"{words.score(entry.trust.estimate, objective)}{tied}", entry.trust.estimate)


def _interval(entry: Ranked, objective: str) -> Cell:
    if entry.trust is None or not isfinite(entry.trust.low):
        return Cell(words.UNKNOWN)
    return Cell(words.interval(entry.trust.low, entry.trust.high, objective), entry.trust.low)


def _chance(entry: Ranked) -> Cell:
    chance = None if entry.trust is None else entry.trust.p_best
    return Cell(words.UNKNOWN) if chance is None else Cell(words.percent(chance), chance)


def _latency(view: View, entry: Ranked) -> Cell:
    found = latency(view, entry)
    if found is None:
        return Cell(words.UNKNOWN)
    median, p95 = found
    return Cell(words.decimals(median, 2) + (f" / {words.decimals(p95, 2)}" if p95 is not None else ""), median)


def _training(choices: Mapping[str, Scalar]) -> str:
    """Return training choices in short: names that say themselves are left out, and what was not used."""
    used = {name: value for name, value in choices.items() if value not in (None, "none", False)}
    parts = [
        words.setting(value)
        if isinstance(value, str)
        else f"{_(SHORT[name]) if name in SHORT else name} {words.setting(value)}"
        for name, value in used.items()
    ]
    return words.short(words.series(parts), 120) or words.UNKNOWN


def _answer(view: View) -> str:
    if not view.ranked:
        return _("There is nothing to compare yet.")
    if len(view.data.study.objectives) > 1:
        return _("Ordered by frontier (1 is beaten by nobody), and within one by the first objective.")
    if len(view.ranked) == 1:
        return _("There is only one so far.")
    objective = view.data.study.objectives[0]
    best, median, last = (
        words.score(view.ranked[index].told[0], objective) for index in (0, len(view.ranked) // 2, -1)
    )
    return _(
        "{objective} of the best is {best}, of the middle one {median}, of the last {last}.",
        objective=view.objective,
        best=best,
        median=median,
        last=last,
    )
