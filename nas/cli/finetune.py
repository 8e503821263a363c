"""``finetune``: the final training of a study's best architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nas.cli.database import complete_name
from nas.cli.numbers import Number, WholeNumber
from nas.cli.output import Output, output_options, storage_option
from nas.cli.running import allow_changed_option, hush_optuna
from nas.documents import plain

if TYPE_CHECKING:
    from nas.finetune.run import From, Tuning


@click.command(short_help="Train the best at full length and measure them on the test split.")
@click.argument("name", shell_complete=complete_name)
@click.option("--top", type=WholeNumber(1, 100), default=3, show_default=True, metavar="K", help="The best K.")
@click.option("--architecture", metavar="F", help="Only the one whose fingerprint begins like this.")
@click.option(
    "--seeds", type=WholeNumber(1, 100), metavar="S", help="Of the best recipe.  [default: 2; 1 with --trainings 1]"
)
@click.option("--epochs", type=WholeNumber(1), metavar="E", help="Full length.  [default: 3 times the search's]")
@click.option(
    "--from",
    "origin",
    type=click.Choice(["scratch", "search", "both"]),
    default="both",
    show_default=True,
    help="New weights, those the search has kept, or try both.",
)
@click.option(
    "--trainings",
    type=WholeNumber(1, 10_000),
    metavar="N",
    help="At most so many for each finalist.  [default: 8, or as many as seeds]",
)
@click.option("--hours", type=Number(0, 10_000, min_open=True), metavar="H", help="At most so long.")
@click.option("--until", metavar="WHAT", help="Adjust until this is met, e.g. 'val_accuracy>=0.93'.")
@allow_changed_option
@storage_option
@output_options
@click.pass_context
def finetune(
    context: click.Context,
    name: str,
    top: int,
    architecture: str | None,
    seeds: int | None,
    epochs: int | None,
    origin: From,
    trainings: int | None,
    hours: float | None,
    until: str | None,
    allow_changed: frozenset[str],
    storage: str | None,
) -> None:
    """Train the best architectures of a study at full length, and measure them on the test split.

    Each finalist is trained from scratch and from the search's weights; then its learning rate and its weight decay are
    refined about the better of these, and the best recipe is trained with other seeds. The weights of the best epoch
    are kept, averaged over the last steps where that is better. The test split is looked at once for each finalist.

    The same command goes on where it was stopped; what is trained already is not trained again.

    \b
    Examples:
        nas finetune digits
        nas finetune digits --top 1 --until 'val_accuracy>=0.99' --trainings 20
    """
    from nas.finetune.run import finetune as run

    hush_optuna()
    output = context.ensure_object(Output)
    tuning = run(
        name,
        storage=storage,
        top=top,
        architecture=architecture,
        seeds=seeds,
        epochs=epochs,
        origin=origin,
        trainings=trainings,
        hours=hours,
        until=until,
        allow_changed=allow_changed,
        console=output.stderr,
    )
    if output.json:
        output.document(**_document(tuning))
    else:
        from nas.cli.tuning_view import next_commands, tuning_view
        from nas.cli.views import commands_view

        output.show(*tuning_view(tuning, output.verbose))
        if commands := next_commands(tuning):
            output.hint("", *commands_view(commands, storage))
    context.exit(tuning.exit_code)


def _document(tuning: Tuning) -> dict[str, Any]:
    """Return all of it but the curves, whose epochs are counted: ``nas show NAME TRIAL --json`` has them."""
    document: dict[str, Any] = plain(tuning)
    document["study"] = document.pop("name")
    for tuned in document["finalists"]:
        for training in (*tuned["trainings"], tuned["best"]):
            if training is not None:
                training["trained"] = len(training.pop("curve"))
    return document
