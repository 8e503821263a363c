"""``list``, ``show`` and ``rank``: they read, and work while a study runs."""

from __future__ import annotations

import shlex

import click

from nas.causes import causes, typical
from nas.cli import documents, standing
from nas.cli.database import complete_name, reading
from nas.cli.numbers import Numbered, WholeNumber
from nas.cli.output import Output, output_options, storage_option
from nas.documents import objectives_document, plain, ranked_document, reliability_document
from nas.store.records import can_be_fine_tuned

TOP = 5
"""How many architectures an overview names."""


@click.command("list")
@storage_option
@output_options
@click.pass_obj
def list_studies(output: Output, storage: str | None) -> None:
    """List the studies in the database.

    \b
    Example:
        nas list --json | jq '.studies[] | select(.state == "stopped") | .name'
    """
    from nas.store import queries

    with reading(storage) as connection:
        entries = [(study, standing.leader(connection, study)) for study in queries.studies(connection)]
    if output.json:
        output.document(studies=[documents.study_document(*entry) for entry in entries])
        return
    from nas.cli.views import studies_table

    output.show(studies_table(entries))


@click.command(cls=Numbered)
@click.argument("name", shell_complete=complete_name)
@click.argument("trial", type=WholeNumber(min=0), required=False)
@storage_option
@output_options
@click.pass_obj
def show(output: Output, name: str, trial: int | None, storage: str | None) -> None:
    """Show a study, or one TRIAL of it layer by layer.

    \b
    Examples:
        nas show digits
        nas show digits 17 -v
    """
    if trial is None:
        _show_study(output, name, storage)
    else:
        _show_trial(output, name, trial, storage)


def _show_study(output: Output, name: str, storage: str | None) -> None:
    from nas.ranking import ranking_of
    from nas.store import queries

    with reading(storage) as connection:
        study = queries.study(connection, name)
        trials = queries.trials(connection, study.id)
        evaluations = queries.evaluations(connection, study.id)
        tuned = standing.fine_tuned(connection, study)
    top = ranking_of(study, trials, evaluations)[:TOP]
    if output.json:
        output.document(study=study.name, overview=documents.overview_document(study, trials, top, tuned))
        return
    from nas.cli import views

    leader = top[0] if top else None
    output.show(
        *views.study_view(study, leader, tuned=tuned), "", views.ranking_table(top, study.objectives, output.verbose)
    )
    failed = causes(trials)
    if failed:
        output.show("", views.failures_table(failed, output.verbose))
    if output.verbose and study.file is not None:
        output.show("\nStudy file", study.file.strip())
    output.hint(
        "",
        "Next:",
        *views.commands_view(standing.next_commands(study, leader, typical(trials)), storage),
    )


def _show_trial(output: Output, name: str, number: int, storage: str | None) -> None:
    from nas.store import queries

    with reading(storage) as connection:
        study = queries.study(connection, name)
        detail = queries.trial(connection, study.id, number)
        looks = queries.looks(connection, study.id)
    if output.json:
        output.document(**documents.detail_document(study, detail))
        return
    from nas.cli.trial_view import trial_view

    output.show(*trial_view(study, detail, output.verbose, looks))


@click.command()
@click.argument("name", shell_complete=complete_name)
@click.option("--top", type=WholeNumber(min=1), metavar="K", help="Only the best K.  [default: 20, with -v all]")
@storage_option
@output_options
@click.pass_obj
def rank(output: Output, name: str, top: int | None, storage: str | None) -> None:
    """Rank the architectures of a study, best first.

    After a race by what fresh trainings say: an estimate of what many trainings would average to, with a 95 %
    interval, and which architectures cannot be told from the best (=). Before one by the best score of the search.

    \b
    Example:
        nas rank digits --top 3 --json | jq '.ranking[].best.params'
    """
    from nas.ranking import raced, ranking_of
    from nas.ranking.reliability import reliability
    from nas.ranking.tradeoff import tradeoff
    from nas.store import queries

    with reading(storage) as connection:
        study = queries.study(connection, name)
        trials, evaluations = queries.trials(connection, study.id), queries.evaluations(connection, study.id)
        events = queries.events(connection, study.id)
        curves = queries.curves(connection, study.id) if output.verbose or output.json else {}
    entries = ranking_of(study, trials, evaluations)
    race = raced(trials, evaluations, study.directions[0])
    between = tradeoff(entries, study.directions)
    known = reliability(trials, curves, events, evaluations, entries, race, study.directions[0])
    if output.json:
        output.document(
            study=study.name,
            objectives=objectives_document(study),
            reliability=reliability_document(known),
            tradeoff=plain(between),
            ranking=[ranked_document(entry) for entry in entries[:top]],
        )
        return
    from nas.cli.trust_view import reliability_lines, tradeoff_lines, trust_lines
    from nas.cli.views import baseline_line, ranking_table

    shown = entries[: top or (None if output.verbose else 20)]
    output.show(ranking_table(shown, study.objectives, output.verbose))
    if entries and (line := baseline_line(study, entries[0])):
        output.hint(f"To beat: {line.plain}.")
    if len(entries) > len(shown):
        output.hint(f"{len(entries) - len(shown)} more: --top {len(entries)} shows them.")
    for sentence in trust_lines(entries, study, race):
        output.hint(sentence)
    for sentence in tradeoff_lines(between, study):
        output.hint(sentence)
    for sentence in reliability_lines(known, study.objectives[0], output.verbose):
        output.hint(sentence)
    if entries and can_be_fine_tuned(study):
        told = "trains the best at full length, and measures them on the test split"
        output.hint(f"`nas finetune {shlex.quote(name)}` {told}.")
        if race is not None and not output.verbose:
            output.hint("One alone is named by its fingerprint, which -v shows: --architecture F.")
