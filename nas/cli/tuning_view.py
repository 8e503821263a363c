"""What fine-tuning came to, as a terminal shows it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from nas.cli.tables import table
from nas.finetune.plan import plan_of
from nas.report import words
from nas.store.evaluation_records import Interval

if TYPE_CHECKING:
    from nas.finetune.measuring import Ensemble, Tuned
    from nas.finetune.run import Tuning


def tuning_view(tuning: Tuning, verbose: bool = False) -> Iterator[RenderableType]:
    """Yield how it ended, a line for each finalist, what was tried, and what is wrong."""
    yield Text.assemble((words.short(tuning.name, 64), "bold"), "  ", words.clean(tuning.message))
    if not tuning.finalists:
        return
    yield ""
    yield _results(tuning)
    if tuning.ensemble is not None:
        yield from _ensemble(tuning.ensemble, tuning)
    looks = [tuned.look for tuned in tuning.finalists if tuned.look is not None]
    if any(tuning.metric in look.metrics and not math.isfinite(look.metrics[tuning.metric].low) for look in looks):
        yield Text("(–): whichever examples are drawn it comes to the same; how sure it is they cannot tell.")
    for tuned in tuning.finalists:
        yield ""
        yield from _told(tuned, tuning.metric, unmet=tuning.met is False, verbose=verbose)


def _results(tuning: Tuning) -> RenderableType:
    plain_name = tuning.metric.removeprefix("val_")
    made = table(">Trial", "~Family", ">Search", ">Scratch", ">From search", ">Validation", f">Test {plain_name}")
    for tuned in tuning.finalists:
        trial = tuned.searched.trial
        test = tuned.look.metrics.get(tuning.metric) if tuned.look is not None else None
        made.add_row(
            str(trial.number),
            words.short((trial.family or "").rpartition(":")[2], 24),
            _score(tuned.searched.values[0] if tuned.searched.values else None, tuning.metric),
            _score(tuned.scratch, tuning.metric),
            _score(tuned.from_search, tuning.metric),
            _score(tuned.best.score if tuned.best else None, tuning.metric),
            _interval(test, tuning.metric),
        )
    if tuning.ensemble is not None:
        one = tuning.ensemble
        validation = words.score(one.validation.value, tuning.metric)
        made.add_row(
            "", "together", "", "", "", validation, _interval(one.look.metrics.get(tuning.metric), tuning.metric)
        )
    return made


def _ensemble(ensemble: Ensemble, tuning: Tuning) -> Iterator[RenderableType]:
    told = ", ".join(f"{count} × trial {trial}" for trial, count in sorted(ensemble.members.items()))
    if len(ensemble.members) == 1:
        yield Text("together: none of them improves on the best one alone on the validation split.")
    else:
        yield Text(f"together: the mean of {told}, chosen on the validation split.")


def _told(tuned: Tuned, metric: str, *, unmet: bool, verbose: bool) -> Iterator[RenderableType]:
    trial = tuned.searched.trial
    yield Text(f"Trial {trial.number}", "bold")
    if tuned.problem is not None:
        yield Text(f"  {words.clean(tuned.problem)}", "red")
    if tuned.best is not None:
        epochs = len(tuned.best.curve)
        yield Text(
            f"  best: {plan_of(tuned.best).recipe}; {epochs} of {tuned.best.epochs} epochs, seed {tuned.best.seed}"
        )
    if len(tuned.seeds) > 1:
        scores = ", ".join(words.score(score, metric) for score in tuned.seeds)
        yield Text(f"  seeds of the best recipe: {scores}")
    if len(tuned.looks) > 1:
        yield Text(
            f"  This is look {len(tuned.looks)} at the test split: each choice made after one makes it worth less.",
            "yellow",
        )
    for finding in tuned.findings:
        yield Text.assemble("  ", (finding.kind, "yellow"), f": {finding.what}")
        yield Text(f"    try: {finding.remedy[0].lower()}{finding.remedy[1:]}")
    if tuned.unjudged is not None:
        yield Text(f"  labels: not looked at for errors, {tuned.unjudged}.")
    if not tuned.findings and tuned.best is not None:
        yield Text("  its curve shows nothing wrong.")
        if unmet:
            yield Text("  More data, larger limits or a longer search may do more now than more trainings.")
    if verbose:
        for record in tuned.trainings:
            outcome = (
                words.score(record.score, metric) if record.outcome == "complete" else record.outcome or "cut short"
            )
            yield Text(f"  {outcome}  {plan_of(record).why}, seed {record.seed}")


def next_commands(tuning: Tuning) -> list[tuple[str, str]]:
    """Return ``(command, what for)`` of what makes sense with the best finalist."""
    best = next((tuned for tuned in tuning.finalists if tuned.best is not None), None)
    if best is None:
        return []
    which = f"{shlex.quote(tuning.name)} --architecture {(best.searched.trial.fingerprint or '')[:8]}"
    return [
        (f"nas export {which}", "files that run without nas"),
        (f"nas encode {which}", "embeddings of data by its encoder"),
    ]


def _score(value: float | None, metric: str) -> str:
    return words.UNKNOWN if value is None else words.score(value, metric)


def _interval(found: Interval | None, metric: str) -> str:
    if found is None:
        return words.UNKNOWN
    if not math.isfinite(found.low):
        return f"{words.score(found.value, metric)} (–)"
    ends = f"{words.score(found.low, metric)}–{words.score(found.high, metric)}"
    return f"{words.score(found.value, metric)} ({ends})"
