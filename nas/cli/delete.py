"""``delete``: a study leaves its database; a copy stays."""

from __future__ import annotations

import shlex

import click

from nas.cli.database import complete_name
from nas.cli.output import Output, output_options, storage_option


@click.command(short_help="Delete a study; a copy of it stays beside the database.")
@click.argument("name", shell_complete=complete_name)
@click.option("--for-good", is_flag=True, help="Needed for a study in PostgreSQL, of which no copy is made.")
@storage_option
@output_options
@click.pass_obj
def delete(output: Output, name: str, for_good: bool, storage: str | None) -> None:
    """Delete a study from its database, to begin another one of that name.

    It is kept beside the database, weights and all, until you remove that too; a study that is running is refused.

    \b
    Example:
        nas delete digits
    """
    from nas.store.deleting import delete_study
    from nas.store.engine import storage_url

    copy = delete_study(storage_url(storage), name, for_good=for_good)
    if output.json:
        output.document(study=name, kept=copy)
        return
    click.echo(f"Study {name} is deleted.")
    if copy is not None:
        kept = shlex.quote(str(copy))
        output.hint(f"It is kept, weights and all, in a database of its own: nas show {name} --storage {kept}")
        output.hint(f"To be rid of that too: rm -rf {kept} {kept}.files")
