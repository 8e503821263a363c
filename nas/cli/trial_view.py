"""One trial as a terminal shows it: params, cost, curve, layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite

from rich.console import RenderableType
from rich.text import Text

from nas.architecture import Node
from nas.cli.tables import FirstThatFits, grid, styled, table
from nas.cli.views import look_line, trial_scores
from nas.conversation import Scalar
from nas.ranking import best_first
from nas.report import words
from nas.store.evaluation_records import EpochRecord, EvaluationRecord, LookRecord
from nas.store.records import AttemptRecord, LatencyRecord, StudyRecord, TrialDetail, TrialRecord, unfinished

BARS = "▁▂▃▄▅▆▇█"
SHOWN_EPOCHS = 12
SHOWN_LAYERS = 30
MOST_METRICS = 5


def trial_view(
    study: StudyRecord, detail: TrialDetail, verbose: bool = False, looks: Sequence[LookRecord] = ()
) -> Iterator[RenderableType]:
    """Yield everything about one trial; long tables are cut unless `verbose`. `looks` are those of its study."""
    trial = detail.trial
    yield Text.assemble(
        (f"{words.short(study.name, 64)}, trial {trial.number}", "bold"),
        "  ",
        styled(trial.outcome or unfinished(study)),
    )
    outside = {
        "race": _raced(detail.evaluations, study.objectives[0]),
        "fine-tuned": _tuned(study, detail.evaluations, [look for look in looks if look.trial == trial.number]),
    }
    yield grid(_facts(study, trial) | outside)
    yield from _params("Architecture", trial.architecture)
    yield from _params("Training", trial.training)
    if detail.latencies:
        yield Text()
        yield _latency_table(detail.latencies)
    if detail.epochs:
        yield Text(f"\nCurve  {sparkline([epoch.value for epoch in detail.epochs])}", style="bold")
        yield curve_table(detail.epochs, None if verbose else SHOWN_EPOCHS, study.objectives, verbose)
    if detail.graph:
        yield Text()
        yield layer_table(detail.graph, None if verbose else SHOWN_LAYERS)
    if len(detail.attempts) > 1 or verbose:
        yield Text()
        yield _attempts_table(detail.attempts, unfinished(study))
    if trial.traceback:
        yield Text("\nTraceback", style="bold")
        yield Text(words.clean(trial.traceback if verbose else "\n".join(trial.traceback.splitlines()[-6:])))


def _facts(study: StudyRecord, trial: TrialRecord) -> dict[str, RenderableType | None]:
    cost = trial.cost
    return {
        "family": words.short(trial.family, 80) if trial.family else None,
        "score": trial_scores(trial, study.objectives) or None,
        "cause": f"{trial.kind or ''} {words.clean(trial.message or '')}".strip() or None,
        "same as": None if trial.duplicate_of is None else f"trial {trial.duplicate_of}: nothing was trained again",
        "weights": None if cost.weights is None else f"{cost.weights:,}",
        "MACs": None if cost.macs is None else f"{cost.macs:,} an example",
        "memory": None if cost.memory is None else f"{words.count(cost.memory)}B of activations an example",
        "not known": None if cost.unknown is None else words.short(cost.unknown, 200),
        "trained": f"{words.plural(trial.epochs, 'epoch')} in {words.duration(trial.seconds)}",
        "measured": words.settings(trial.metrics, length=400) if trial.metrics else None,
        "fingerprint": trial.fingerprint,
    }


def _raced(evaluations: Sequence[EvaluationRecord], metric: str) -> str | None:
    """Return "0.9722, 0.9750 with new seeds; 1 failed (oom: out of memory)"; nothing where it was not raced."""
    races = [record for record in evaluations if record.purpose == "race"]
    scores = [words.score(record.score, metric) for record in races if record.outcome == "complete"]
    failed = [record for record in races if record.outcome == "failed"]
    told = [f"{', '.join(scores)} with {'a new seed' if len(scores) == 1 else 'new seeds'}"] if scores else []
    if failed:
        told.append(f"{len(failed)} failed ({failed[-1].kind}: {words.short(failed[-1].message or '', 160)})")
    return "; ".join(told) or None


def _tuned(study: StudyRecord, evaluations: Sequence[EvaluationRecord], looks: Sequence[LookRecord]) -> str | None:
    """Return "6 trainings · val_accuracy 0.9757 · test 0.9694 (0.9526–0.9861)"; nothing where it was not fine-tuned."""
    over = [record for record in evaluations if record.purpose == "finetune" and record.outcome]
    if not over:
        return None
    metric, parts = study.objectives[0], [words.plural(len(over), "training")]
    best = next(iter(best_first(over, {}, study.directions[0])), None)
    if best is not None:
        parts.append(f"{words.short(metric, 40)} {words.score(best.score, metric)}")
    own = [look for look in looks if best is not None and look.evaluation == best.number]
    parts.append(look_line(own[-1] if own else None, len(looks), metric))
    return " · ".join(parts)


def _params(title: str, values: Mapping[str, Scalar]) -> Iterator[RenderableType]:
    if values:
        yield Text(f"\n{title}", style="bold")
        yield grid({words.short(name, 60): words.setting(value) for name, value in values.items()})


def sparkline(values: Sequence[float]) -> str:
    """Return `values` as a line of bars from the lowest to the highest; ``?`` for what is not finite.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▅█'
    """
    finite = [value for value in values if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] if isfinite(value) else "?" for value in values)


def curve_table(
    epochs: Sequence[EpochRecord], most: int | None, objectives: Sequence[str] = (), verbose: bool = False
) -> RenderableType:
    """Return epochs with their metrics; where they are more than `most`, an even choice with the first and the last.

    Some metrics are left out unless `verbose`, and more where there is no room: never the first of `objectives`, which
    the bars above the table are of.
    """
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.metrics))
    wanted = [name for name in objectives if name in names]
    plain = [name.removeprefix("val_") for name in wanted]
    by_need = list(dict.fromkeys((*wanted, *(name for name in (*plain, "loss", "val_loss", *names) if name in names))))
    shown = epochs if most is None else words.thinned(epochs, most)
    counts = [len(by_need)] if verbose else range(min(len(by_need), MOST_METRICS), 0, -1)
    kept = [set(by_need[:count]) for count in counts] or [set[str]()]
    return FirstThatFits(tuple(_curve_table(shown, [name for name in names if name in some]) for some in kept))


def _curve_table(epochs: Iterable[EpochRecord], names: Sequence[str]) -> RenderableType:
    made = table(">Epoch", *(f">{name}" for name in names), ">Seconds")
    for epoch in epochs:
        made.add_row(
            str(epoch.step),
            *(words.score(epoch.metrics.get(name)) for name in names),
            words.UNKNOWN if epoch.seconds is None else f"{epoch.seconds:.2f}",
        )
    return made


def layer_table(graph: Sequence[Node], most: int | None) -> RenderableType:
    """Return the layers of a model in order, with a total; at most `most` of them."""
    made = table("~Layer", "~Output", "~Settings", ">Weights", ">MACs")
    for node in graph[:most]:
        made.add_row(
            words.short(node.layer, 40),
            words.shape(node.shape),
            words.settings(node.settings, length=200) if node.settings else "",
            f"{node.weights:,}" if node.weights else "",
            words.count(node.macs) if node.macs else "",
        )
    if most is not None and len(graph) > most:
        made.add_row(f"and {len(graph) - most} more", "", "(-v shows all)", "", "")
    known = [node.macs for node in graph if node.macs is not None]
    made.add_row(
        f"{words.plural(len(graph), 'layer')}",
        "",
        "",
        f"{sum(node.weights for node in graph):,}",
        words.count(sum(known)),
    )
    return made


def _latency_table(latencies: Sequence[LatencyRecord]) -> RenderableType:
    made = table("~Measured on", "At", ">Batch", ">Threads", ">Runs", ">Median ms", ">p95 ms", title="Latency")
    for record in latencies:
        one = record.latency
        made.add_row(
            words.short(record.host, 40) + ("" if record.alone else ", while searching"),
            words.moment(record.at),
            str(one.batch),
            str(one.threads or "all"),
            str(one.runs),
            f"{one.median_ms:.3g}",
            f"{one.p95_ms:.3g}",
        )
    return made


def _attempts_table(attempts: Sequence[AttemptRecord], unfinished: str) -> RenderableType:
    made = table(">Attempt", ">Session", ">Worker", "Began", "Ended", "~", title="Attempts")
    for attempt in attempts:
        made.add_row(
            str(attempt.number),
            str(attempt.session),
            str(attempt.worker),
            words.moment(attempt.started),
            attempt.outcome or unfinished,
            words.short(attempt.message or "", 200),
        )
    return made
