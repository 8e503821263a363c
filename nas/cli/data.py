"""``data``: what can be done with the data of a study file without beginning the study."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nas.cli.bars import bars
from nas.cli.output import Output, output_options, storage_option

if TYPE_CHECKING:
    from nas.data_card import DataCard
    from nas.study_file import Study


@click.group()
def data() -> None:
    """Look at the data of a study before it is begun.

    \b
    Example:
        nas data check studies/digits.toml
    """


@data.command()
@click.argument("study", metavar="STUDY.toml", type=click.Path(path_type=Path))
@storage_option
@output_options
@click.pass_obj
def check(output: Output, study: Path, storage: str | None) -> None:
    """Load, check and split the data of a study file, and say what they are like.

    Nothing is written into the database. The prepared arrays are kept beside it, where a launch finds them. The exit
    code is 2 if no study can be run on the data.

    \b
    Example:
        nas data check studies/digits.toml
    """
    from nas.study_file import read_study

    described, _ = read_study(study)
    from nas.data.inspect import inspect
    from nas.data.progress import tracked_by
    from nas.store.engine import storage_url
    from nas.store.files import files_root

    folder = files_root(storage_url(storage)) / "data"
    # What a source or a library prints is no part of our data.
    with tracked_by(bars(output.stderr)), contextlib.redirect_stdout(sys.stderr):
        found = inspect(described.data, described.task.kind, folder, study.absolute().parent)
    if output.json:
        output.document(study=described.name, data=found.card, inputs=found.inputs, notes=found.notes)
        return
    from nas.cli.data_view import inspection_view
    from nas.cli.views import commands_view

    output.show(*inspection_view(found, described.task.kind, verbose=output.verbose))
    _say_what_fits(output, described, found.card)
    output.hint("", f"The arrays are in {found.card.folder}: a launch finds them there.")
    output.hint(*commands_view([(f"nas launch {shlex.quote(str(study))} --dry-run", "what would it cost?")], storage))


def _say_what_fits(output: Output, study: Study, card: DataCard) -> None:
    """Name the families that can take the data, or why those that the study file names cannot."""
    from nas.errors import BadInput
    from nas.search.fit import choose_families

    try:
        families = choose_families(study.space.families, card, study.task.kind)
    except BadInput as error:
        output.hint("", str(error))
        return
    output.hint("", f"Families: {', '.join(families)}.")
