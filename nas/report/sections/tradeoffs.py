"""What does a better score cost?"""

from __future__ import annotations

from nas.language import _, ngettext
from nas.ranking import Ranked
from nas.report import words
from nas.report.charts.scatter import Axis, frontier, scatter
from nas.report.frontier import unsure_sentence, volume_sentence
from nas.report.section import Section, View

MOST_FIGURES = 3


def tradeoffs(view: View) -> Section:
    """Draw the first objective against the others, or against what an architecture costs."""
    pairs = [(entries, cost, score) for entries, cost, score in _pairs(view) if len(entries) > 1]
    scatters = [
        scatter(f"scatter-{index}", entries, cost, score, view.shown)
        for index, (entries, cost, score) in enumerate(pairs[:MOST_FIGURES])
    ]
    return Section(
        "trade-offs",
        _("What does a better score cost?"),
        _answer(view, pairs),
        {"scatters": scatters, "notes": _notes(view)},
    )


def on_frontier(view: View) -> set[int]:
    """Return the trials whose architectures nothing beats: in all objectives, or with one in a picture of the costs."""
    if len(view.data.study.objectives) > 1:
        return {entry.trial.number for entry in view.ranked if entry.front == 1}
    pairs = _pairs(view)[:MOST_FIGURES]
    front = [entry for entries, cost, score in pairs for entry in frontier(entries, cost, score)] or view.ranked[:1]
    return {entry.trial.number for entry in front}


def _pairs(view: View) -> list[tuple[list[Ranked], Axis, Axis]]:
    study = view.data.study
    raced = 0 if view.race is None else 1
    # After a race by the estimates, as in the ranking: a lucky score would be on the frontier of another order.
    objectives = [
        Axis(name, direction, {entry.trial.number: entry.told[index] for entry in view.ranked}, index < raced)
        for index, (name, direction) in enumerate(zip(study.objectives, study.directions, strict=True))
    ]
    costs = [axis for axis in _costs(view) if axis.name not in study.objectives]
    found = []
    for other in (*objectives[1:], *costs):
        entries = [entry for entry in view.ranked if entry.trial.number in other.values]
        found.append((entries, other, objectives[0]))
    return found


def _costs(view: View) -> list[Axis]:
    told: dict[str, dict[int, float]] = {"weights": {}, "macs": {}, "latency (ms)": {}}
    for entry in view.ranked:
        trial = entry.trial
        if trial.cost.weights is not None:
            told["weights"][trial.number] = trial.cost.weights
        if trial.cost.macs is not None:
            told["macs"][trial.number] = trial.cost.macs
        measured = latency(view, entry)
        if measured is not None:
            told["latency (ms)"][trial.number] = measured[0]
    return [Axis(name, "minimize", values) for name, values in told.items() if len(set(values.values())) > 1]


def latency(view: View, entry: Ranked) -> tuple[float, float | None] | None:
    """Return median and 95th percentile of one forward pass in milliseconds, the latest measured alone if any."""
    records = view.data.latencies.get(entry.trial.fingerprint or "", ())
    if records:
        latest = max(records, key=lambda record: (record.alone, record.at)).latency
        return latest.median_ms, latest.p95_ms
    measured = entry.trial.metrics.get("latency_ms")
    return None if measured is None else (measured, None)


def _answer(view: View, pairs: list[tuple[list[Ranked], Axis, Axis]]) -> str:
    between = view.tradeoff
    if between is not None:
        if between.knee is None:
            return ngettext(
                "{number} architecture is on the frontier.",
                "{number} architectures are on the frontier.",
                len(between.trials),
            )
        return ngettext(
            "{number} architecture is on the frontier; it bends most at trial {knee}.",
            "{number} architectures are on the frontier; it bends most at trial {knee}.",
            len(between.trials),
            knee=between.knee,
        )
    if not pairs:
        return _("There is nothing to weigh against each other yet.")
    entries, cost, score = pairs[0]
    ends = frontier(entries, cost, score)
    best, lean = ends[0], ends[-1]
    if best is lean:
        return _("Nothing: the best in {score} has also the least {cost}.", score=score.told, cost=cost.told)

    def told(axis: Axis, entry: Ranked) -> str:
        value = axis.values[entry.trial.number]
        return words.count(round(value)) if axis.name in words.COUNTED else words.score(value, axis.name)

    return _(
        "From trial {best} to trial {lean}, {cost} go from {most} down to {least}, and {score} from {high} to {low}.",
        best=best.trial.number,
        lean=lean.trial.number,
        cost=cost.told,
        most=told(cost, best),
        least=told(cost, lean),
        score=score.told,
        high=told(score, best),
        low=told(score, lean),
    )


def _notes(view: View) -> list[str]:
    between = view.tradeoff
    if between is None:
        return []
    told = (volume_sentence(between, view.data.study.objectives), unsure_sentence(between))
    return [sentence for sentence in told if sentence is not None]
