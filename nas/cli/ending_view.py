"""What a launch, a resume or a rehearsal came to, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from nas.cli.tables import grid, table
from nas.cli.views import baseline_line, best_line, outcomes, perfect_line
from nas.report import words
from nas.store.records import StudyRecord

if TYPE_CHECKING:
    from nas.search.endings import Ending
    from nas.search.rehearsal import Rehearsal


def ending_view(ending: Ending, study: StudyRecord) -> Iterator[RenderableType]:
    """Yield how a launch or a resume of `study` ended, trials by outcome, and the best one."""
    best = ending.best
    yield Text.assemble((words.short(study.name, 64), "bold"), "  ", words.clean(ending.message))
    yield grid(
        {
            "trials": outcomes(ending.counts, study.search_budget, running=False),
            "race": words.race_line(study),
            "best": None if best is None else best_line(best, study.objectives),
            "baseline": baseline_line(study, best),
        }
    )
    if ending.perfect:
        yield perfect_line(study, ending.perfect)


def rehearsal_view(rehearsal: Rehearsal) -> Iterator[RenderableType]:
    """Yield the candidates that were built, and how long a whole study may take."""
    made = table("~Family", "~Candidate", ">Weights", ">MACs", ">s/epoch", "~Problem")
    for member in rehearsal.members:
        seconds = member.seconds_per_epoch
        made.add_row(
            words.short(member.family, 40),
            words.short(member.label, 40),
            words.count(member.weights),
            words.count(member.macs),
            words.UNKNOWN if seconds is None else f"{seconds:.2f}",
            words.short(member.problem or "", 200),
        )
    yield made
    if rehearsal.estimate_seconds is not None:
        yield Text(f"\nA whole study would take about {words.duration(rehearsal.estimate_seconds)}.")
    for note in rehearsal.notes:
        yield Text(words.clean(note))
