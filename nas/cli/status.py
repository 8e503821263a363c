"""``status``: how a study stands, once or until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from nas.cli import documents, standing
from nas.cli.database import complete_name, reading
from nas.cli.output import Output, output_options, storage_option
from nas.documents import plain
from nas.ranking import Ranked
from nas.store.records import EventRecord, StudyRecord, state

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

EVERY = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """A study at one moment."""

    study: StudyRecord
    best: Ranked | None
    events: tuple[EventRecord, ...]
    """Oldest first."""
    tuned: standing.FineTuned | None = None


@click.command()
@click.argument("name", required=False, shell_complete=complete_name)
@click.option("--watch", is_flag=True, help="Look again every 2 seconds until the study ends.")
@storage_option
@output_options
@click.pass_obj
def status(output: Output, name: str | None, watch: bool, storage: str | None) -> None:
    """Say how a study stands, once or until it ends.

    Budget used, time left, best so far, who runs it, and the last events.
    Without NAME, the studies that run; if none does, the one that ran last.

    \b
    Example:
        nas status digits --watch
    """
    if watch and output.json:
        raise click.UsageError("--json prints one document: it does not go together with --watch.")
    looks = look(storage, name)
    if output.json:
        output.document(studies=[_document(one) for one in looks])
    elif watch and looks:
        follow(output, lambda: look(storage, looks[0].study.name)[0], every=EVERY)
    else:
        for one in looks:
            output.show(*_view(one, output.verbose))
        if not looks:
            output.show("No studies yet.")


def look(storage: str | None, name: str | None) -> list[Look]:
    """Return study `name`; without a name those that run, or else the one that ran last.

    Raises:
        NotFound: No such study, or no database.
    """
    from nas.store import queries

    with reading(storage) as connection:
        studies = [queries.study(connection, name)] if name is not None else _of_interest(queries.studies(connection))
        return [
            Look(
                study,
                standing.leader(connection, study),
                tuple(sorted(queries.events(connection, study.id), key=lambda event: event.at)),
                standing.fine_tuned(connection, study),
            )
            for study in studies
        ]


def _of_interest(studies: Sequence[StudyRecord]) -> list[StudyRecord]:
    running = [study for study in studies if study.running is not None]
    if running or not studies:
        return running
    return [max(studies, key=lambda study: study.sessions[-1].renewed if study.sessions else study.created)]


def _document(one: Look) -> dict[str, object]:
    return {
        **documents.study_document(one.study, one.best),
        "finetuned": documents.finetuned_document(one.tuned),
        "events": plain(one.events),
    }


def _view(one: Look, verbose: bool) -> list[RenderableType]:
    from nas.cli import views

    view = views.study_view(one.study, one.best, tuned=one.tuned)
    if one.events:
        view += ["", views.events_view(one.events if verbose else one.events[-5:])]
    return view


def follow(output: Output, take_a_look: Callable[[], Look], *, every: float) -> None:
    """Show a study until nobody runs it any more: in place on a terminal, elsewhere a line for each change."""
    console = output.stdout
    if console.is_terminal:
        _follow_live(console, take_a_look, every, output.verbose)
    else:
        _follow_lines(console, take_a_look, every)


def _follow_live(console: Console, take_a_look: Callable[[], Look], every: float, verbose: bool) -> None:
    from rich.console import Group
    from rich.live import Live

    one = take_a_look()
    with Live(Group(*_view(one, verbose)), console=console, auto_refresh=False) as live:
        while one.study.running is not None:
            time.sleep(every)
            one = take_a_look()
            live.update(Group(*_view(one, verbose)), refresh=True)


def _follow_lines(console: Console, take_a_look: Callable[[], Look], every: float) -> None:
    said = None
    while True:
        one = take_a_look()
        line = _line(one)
        if line != said:
            console.print(line, soft_wrap=True)
            said = line
        if one.study.running is None:
            return
        time.sleep(every)


def _line(one: Look) -> str:
    from nas.cli.views import best_line, outcomes
    from nas.report.words import race_line

    parts = [
        one.study.name,
        state(one.study),
        outcomes(one.study.counts, one.study.search_budget, running=one.study.running is not None).plain,
        f"race {raced}" if one.study.raced and (raced := race_line(one.study)) else "",
        "" if one.best is None else f"best {best_line(one.best, one.study.objectives)}",
    ]
    return " | ".join(part for part in parts if part)
