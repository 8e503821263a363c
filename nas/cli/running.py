"""``launch``, ``resume`` and ``race``: the commands that run a study."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nas.cli.database import complete_name, reading
from nas.cli.numbers import Number, WholeNumber
from nas.cli.output import Output, output_options, storage_option

if TYPE_CHECKING:
    from nas.search.endings import Ending

CHANGEABLE = ("space", "data", "versions")


@click.command()
@click.argument("study", metavar="STUDY.toml", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Build a few candidates, show costs and an estimate; keep nothing.")
@click.option("--trials", type=WholeNumber(1, 1_000_000), metavar="N", help="Another budget than the file's.")
@click.option("--hours", type=Number(0, 10_000, min_open=True), metavar="H", help="Likewise, wall clock.")
@storage_option
@output_options
@click.pass_context
def launch(
    context: click.Context,
    study: Path,
    dry_run: bool,
    trials: int | None,
    hours: float | None,
    storage: str | None,
) -> None:
    """Begin the study a file describes and run it to its end.

    Ctrl-C once finishes the running epochs and saves, twice stops at once; `nas resume` goes on.

    \b
    Examples:
        nas launch studies/digits.toml --dry-run
        nas launch studies/digits.toml
        nas launch studies/digits.toml --hours 0.1
    """
    from nas.study_file import read_study

    output = context.ensure_object(Output)
    read_study(study)  # refused here, if it is to be refused, before anything slow is imported
    if dry_run:
        _rehearse(context, output, study, storage)
        return
    from nas.search import run

    hush_optuna()
    ending = run.launch(study, storage=storage, trials=trials, hours=hours, console=output.stderr)
    _conclude(context, output, ending, storage)


def _rehearse(context: click.Context, output: Output, study: Path, storage: str | None) -> None:
    from nas.search.rehearsal import rehearse

    hush_optuna()
    rehearsal = rehearse(study, storage=storage, console=output.stderr)
    broken = [member for member in rehearsal.members if member.label == "default" and member.problem]
    if output.json:
        output.document(
            study=rehearsal.name,
            data=rehearsal.card,
            members=rehearsal.members,
            estimate_seconds=rehearsal.estimate_seconds,
            notes=rehearsal.notes,
        )
    else:
        from nas.cli.ending_view import rehearsal_view
        from nas.cli.views import commands_view

        output.show(*rehearsal_view(rehearsal))
        if not broken:
            output.hint("", *commands_view([(f"nas launch {shlex.quote(str(study))}", "begin it")], storage))
    for member in broken:
        output.hint(f"The default member of {member.family} would not be trained. {member.problem}")
    context.exit(1 if broken else 0)


def _parse_changes(context: click.Context, parameter: click.Parameter, value: str | None) -> frozenset[str]:
    from nas.errors import did_you_mean

    given = [word.strip() for word in (value or "").split(",") if word.strip()]
    for word in given:
        if word not in CHANGEABLE:
            raise click.BadParameter(f"{word!r} is not one of {', '.join(CHANGEABLE)}.{did_you_mean(word, CHANGEABLE)}")
    return frozenset(given)


allow_changed_option = click.option(
    "--allow-changed",
    callback=_parse_changes,
    metavar="WHAT",
    help="Go on although space, data or versions differ from what the study began with (comma-separated).",
)


@click.command()
@click.argument("name", shell_complete=complete_name)
@click.option("--trials", type=WholeNumber(1, 1_000_000), metavar="N", help="A new total of trials.")
@click.option("--hours", type=Number(0, 10_000, min_open=True), metavar="H", help="A new total of hours.")
@allow_changed_option
@storage_option
@output_options
@click.pass_context
def resume(
    context: click.Context,
    name: str,
    trials: int | None,
    hours: float | None,
    allow_changed: frozenset[str],
    storage: str | None,
) -> None:
    """Go on with a study up to its total budget.

    --trials and --hours set new totals; they do not add to the old ones.

    \b
    Examples:
        nas resume digits
        nas resume digits --trials 100
    """
    from nas.search import run

    hush_optuna()
    output = context.ensure_object(Output)
    ending = run.resume(
        name, storage=storage, trials=trials, hours=hours, allow_changed=allow_changed, console=output.stderr
    )
    _conclude(context, output, ending, storage)


@click.command()
@click.argument("name", shell_complete=complete_name)
@click.option(
    "--trainings",
    type=WholeNumber(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many, beside those of earlier races.",
)
@click.option("--top", type=WholeNumber(2, 100), metavar="K", help="Between the best K.  [default: the file's, 10]")
@allow_changed_option
@storage_option
@output_options
@click.pass_context
def race(
    context: click.Context,
    name: str,
    trainings: int,
    top: int | None,
    allow_changed: frozenset[str],
    storage: str | None,
) -> None:
    """Train the best architectures of a study again, with new seeds.

    A score of the search is that of one training with one seed, and the best of many is luck in part. So the best
    architectures, and the default of the first family, are trained from scratch with seeds that are the same for all:
    each of them once, then those between which the choice is still open. `nas rank` shows what came of it.

    A study ends with a race by itself where its budget has room for one; these trainings are beside the budget. Ctrl-C
    once finishes the running epochs and saves, as in a search.

    \b
    Examples:
        nas race digits
        nas race digits --trainings 40 --top 20
    """
    from nas.search import run

    hush_optuna()
    output = context.ensure_object(Output)
    ending = run.race(
        name, storage=storage, trainings=trainings, top=top, allow_changed=allow_changed, console=output.stderr
    )
    _conclude(context, output, ending, storage)


def hush_optuna() -> None:
    """Keep Optuna's log of every trial off the screen: progress says the same, once."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _conclude(context: click.Context, output: Output, ending: Ending, storage: str | None) -> None:
    from nas.store import queries

    with reading(storage) as connection:
        study = queries.study(connection, ending.name)
    if output.json:
        from nas.cli.documents import ending_document

        output.document(**ending_document(ending, study))
    else:
        from nas.cli.ending_view import ending_view
        from nas.cli.standing import next_commands
        from nas.cli.views import commands_view

        output.show(*ending_view(ending, study))
        output.hint("", *commands_view(next_commands(study, ending.best), storage))
    context.exit(ending.exit_code)
