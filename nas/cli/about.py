"""``spaces`` and ``doctor``: what there is to search, and whether this machine is fit for it."""

from __future__ import annotations

import click

from nas.cli.output import Output, output_options, storage_option


@click.command()
@output_options
@click.pass_obj
def spaces(output: Output) -> None:
    """List the encoder families a study file may name.

    A family of your own is named 'file.py:Class' or 'package.module:Class'.

    \b
    Example:
        nas spaces --json | jq '.spaces[] | select(.modality == "image") | .name'
    """
    from nas.cli.spaces import all_spaces

    found = all_spaces()
    if output.json:
        output.document(spaces=found)
        return
    from nas.cli.tables import table

    made = table("Name", "For", "~What", "~Papers")
    for space in found:
        made.add_row(space.name, space.modality or "", space.problem or space.summary, "\n".join(space.papers))
    output.show(made)
    output.hint("", 'In a study file: families = ["' + '", "'.join(space.name for space in found[:2]) + '"]')


@click.command()
@click.option("--deep", is_flag=True, help="Also import TensorFlow and Keras, in a process of their own (seconds).")
@storage_option
@output_options
@click.pass_context
def doctor(context: click.Context, storage: str | None, deep: bool) -> None:
    """Check this machine, its libraries and the database.

    The exit code is 1 if something would keep a study from running.

    \b
    Example:
        nas doctor --deep
    """
    from nas.doctor import examine

    output = context.ensure_object(Output)
    checks = examine(storage, deep=deep)
    failed = [check for check in checks if check.verdict == "fail"]
    if output.json:
        output.document(ok=not failed, checks=checks)
    else:
        from nas.cli.tables import styled, table

        made = table("", "Check", "~Found")
        for check in checks:
            made.add_row(styled(check.verdict), check.name, check.detail)
        output.show(made)
        for check in checks:  # below the table, which would break a command in them
            if check.remedy and (check.verdict != "ok" or output.verbose):
                output.show(f"{check.name}: {check.remedy}")
    context.exit(1 if failed else 0)
