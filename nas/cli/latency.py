"""``latency``: the best architectures of a study, timed in turns on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nas.cli.database import complete_name
from nas.cli.numbers import WholeNumber
from nas.cli.output import Output, output_options, storage_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nas.search.latency import Timed


@click.command()
@click.argument("name", shell_complete=complete_name)
@click.option("--top", type=WholeNumber(min=1), default=5, show_default=True, metavar="K", help="How many.")
@click.option(
    "--batch",
    "batches",
    type=WholeNumber(1, 4096),
    multiple=True,
    default=(1, 32),
    show_default=True,
    metavar="N",
    help="Examples at a time; may be given several times.",
)
@click.option("--runs", type=WholeNumber(30, 10_000), default=50, show_default=True, metavar="R", help="Of each.")
@click.option("--threads", type=WholeNumber(1, 256), default=1, show_default=True, metavar="T", help="Pinned.")
@storage_option
@output_options
@click.pass_obj
def latency(
    output: Output, name: str, top: int, batches: tuple[int, ...], runs: int, threads: int, storage: str | None
) -> None:
    """Time the best architectures of a study on this machine.

    They take turns, so that a machine that slows down slows all of them. The figures are kept with the machine they
    were measured on: those of two machines do not compare.

    \b
    Examples:
        nas latency digits
        nas latency digits --top 3 --batch 1 --batch 64 --threads 2
    """
    from nas.search.latency import time_best

    timed = time_best(
        name, storage=storage, top=top, batches=batches, runs=runs, threads=threads, console=output.stderr
    )
    if output.json:
        from nas.documents import trial_document

        output.document(
            study=name,
            latencies=[
                {"place": each.ranked.place, "latencies": each.latencies, "best": trial_document(each.ranked.trial)}
                for each in timed
            ],
        )
        return
    output.show(_table(timed))
    output.hint("Milliseconds, median and slowest twentieth; kept with this machine's name, see `nas show NAME TRIAL`.")


def _table(timed: list[Timed]) -> RenderableType:
    from nas.cli.tables import table
    from nas.report import words

    batches = [one.batch for one in timed[0].latencies]
    heads = [head for batch in batches for head in (f">Batch {batch}", ">p95")]
    made = table(">Place", ">Trial", "~Family", ">Weights", ">MACs", *heads)
    for each in timed:
        trial = each.ranked.trial
        figures = [f"{ms:.3g}" for one in each.latencies for ms in (one.median_ms, one.p95_ms)]
        made.add_row(
            str(each.ranked.place),
            str(trial.number),
            words.short(trial.family or "", 40),
            words.count(trial.cost.weights),
            words.count(trial.cost.macs),
            *figures,
        )
    return made
