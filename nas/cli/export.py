"""``export``: a trained model as files that run without us."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nas.cli.bars import bars
from nas.cli.database import complete_name
from nas.cli.output import Output, output_options, storage_option
from nas.cli.picking import model_options
from nas.cli.stopped import nothing_half

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nas.export.export import Exported

FORMATS = ("keras", "savedmodel", "onnx", "litert", "all")


def _batch(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    if value == "dynamic":
        return None
    if not value.isdecimal() or not 1 <= int(value) <= 4096:
        raise click.BadParameter(f"{value!r} is neither 'dynamic' nor a number from 1 to 4096.")
    return int(value)


@click.command()
@click.argument("name", shell_complete=complete_name)
@model_options
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    default=("keras", "savedmodel"),
    show_default=True,
    help="May be given several times.",
)
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write.  [default: exports/NAME-TRIAL]",
)
@click.option(
    "--what",
    type=click.Choice(("model", "encoder")),
    help="With its head, or without.  [default: with, unless it is thrown away after training]",
)
@click.option("--side", type=click.Choice(("query", "item")), help="One half of a pair's encoder.")
@click.option(
    "--batch",
    callback=_batch,
    default="dynamic",
    show_default=True,
    metavar="N",
    help="The only number of examples that a file takes at once.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@storage_option
@output_options
@click.pass_obj
def export(
    output: Output,
    name: str,
    trial: int | None,
    architecture: str | None,
    formats: tuple[str, ...],
    path: Path | None,
    what: Any,
    side: Any,
    batch: int | None,
    force: bool,
    storage: str | None,
) -> None:
    """Write a trained model as files that run without us.

    The model is built again from its params and given its weights. Every file is run, by what serves its format, on
    examples of the validation split and compared with it; on a difference nothing is written. What is to be done to
    inputs before is inside, or in preprocessing.json; model_card.md says where the model comes from.

    \b
    Examples:
        nas export digits --format all
        nas export digits --trial 45 --format onnx --what encoder -o encoder/
    """
    from nas.data.progress import tracked_by
    from nas.quiet import quiet
    from nas.search.chosen import choose

    chosen = choose(name, storage=storage, trial=trial, architecture=architecture)
    output.hint(chosen.why)
    target = path or Path("exports", f"{chosen.study.name}-{chosen.trial.number}")
    with quiet():  # TensorFlow is imported
        from nas.export.export import export as export_model
    with nothing_half(output), tracked_by(bars(output.stderr)), contextlib.redirect_stdout(sys.stderr):
        exported = export_model(
            chosen,
            formats,
            target,
            what=what,
            side=side,
            batch=batch,
            force=force,
            tell=lambda file: output.hint(f"{file.format}: written, run and compared, {file.seconds:.1f} s."),
        )
    if output.json:
        output.document(
            study=chosen.study.name,
            trial=chosen.trial.number,
            architecture=chosen.fingerprint,
            weights=chosen.weights.words,
            path=exported.folder.absolute(),
            what=exported.what,
            files=exported.files,
        )
        return
    output.show(_table(exported), "", str(exported.folder))
    notes = [f"{file.name} {file.note}." for file in exported.files if file.format == "litert" and file.note]
    output.hint(*notes, "preprocessing.json and model_card.md lie beside the files: docs/export.md shows how to serve.")


def _table(exported: Exported) -> RenderableType:
    from nas.cli.tables import table

    made = table("File", ">KiB", "~Run with", ">At once", ">Differs by", ">Allowed")
    for file in exported.files:
        made.add_row(
            file.name,
            f"{file.size / 1024:,.1f}",
            file.run_with,
            str(file.batch or "any"),
            f"{file.compared.difference:.2g}",
            f"{file.compared.allowed:.2g}",
        )
    return made
