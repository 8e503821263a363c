"""``spaces`` and ``doctor``: what there is to search, and whether this machine is fit for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nas.cli.output import Output, output_options, storage_option

if TYPE_CHECKING:
    from nas.cli.spaces import Space
    from nas.data_card import Input
    from nas.training.asked import Asked


@click.command(short_help="List the encoder families, or tell all about one.")
@click.argument("name", required=False)
@click.option("--choices", is_flag=True, help="Also build some members, and list what can be chosen (seconds).")
@output_options
@click.pass_obj
def spaces(output: Output, name: str | None, choices: bool) -> None:
    """List the encoder families a study file may name, or tell all about one.

    What NAME takes and gives, how many architectures it spans and what they cost is what its file says; the figures
    are measured. With --choices it is built, for an example of what it takes: the values depend on that in part.

    A family of your own is named 'file.py:Class' or 'package.module:Class'.

    \b
    Examples:
        nas spaces resnet --choices
        nas spaces --json | jq '.spaces[] | select(.modality == "image") | .name'
    """
    from nas.cli.spaces import all_spaces, describe

    if name is not None:
        _show_space(output, describe(name), choices)
        return
    if choices:
        raise click.UsageError("--choices is of one family: name it.")
    found = all_spaces()
    if output.json:
        output.document(spaces=found)
        return
    from nas.cli.spaces_view import spaces_view

    output.show(*spaces_view(found, output.verbose))
    output.hint("", "How many architectures each spans, what they cost, and from which papers it comes:")
    output.hint(f"  nas spaces {found[0].name}")
    output.hint('In a study file: families = ["' + '", "'.join(space.name for space in found[:2]) + '"]')


def _show_space(output: Output, space: Space, choices: bool) -> None:
    asked = inputs = None
    if choices:
        inputs, asked = _ask(space)
    if output.json:
        output.document(space=space, inputs=inputs, choices=asked)
        return
    from nas.cli.spaces_view import choices_table, space_view

    output.show(*space_view(space))
    if asked is not None and inputs is not None:
        output.show("", choices_table(asked, inputs))


def _ask(space: Space) -> tuple[dict[str, Input], list[Asked]]:
    """Build some members of a family for an example of what it takes; return that, and what they asked for."""
    from nas.errors import BadInput
    from nas.quiet import quiet
    from nas.search.fit import EXAMPLES, choose_encoders

    if space.modality in (None, "pretrained"):
        raise BadInput(f"What {space.name!r} asks for depends on what a study file names: a dry run of one builds it.")
    with quiet():  # TensorFlow is imported
        from nas.training.asked import asked_by, example_card

        inputs = EXAMPLES[space.modality]
        able = choose_encoders({}, example_card(inputs)) if space.modality == "several" else {}
        return inputs, asked_by(space.name, inputs, space.gives[0], {name: each[:1] for name, each in able.items()})


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
