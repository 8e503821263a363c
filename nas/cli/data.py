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

    Then whatever else would keep a launch from beginning its first trial: the database, the families that are to fit
    data and task, and what the study is to start from. No model is built: `nas launch STUDY.toml --dry-run` does that.

    Nothing is written into the database. The prepared arrays are kept beside it, where a launch finds them. The exit
    code is 2 if no study can be run on the data, or not this one.

    \b
    Example:
        nas data check studies/digits.toml
    """
    from nas.study_file import read_study

    described, text = read_study(study)
    from nas.data.inspect import inspect
    from nas.data.progress import tracked_by
    from nas.search.origin import find_origin
    from nas.search.preparing import with_families
    from nas.store.engine import require_usable, storage_url
    from nas.store.files import files_root, make_folder

    url = storage_url(storage)
    require_usable(url)
    origin = find_origin(url, described.space.start_from)
    folder = make_folder(files_root(url) / "data")
    # What a source or a library prints is no part of our data.
    with tracked_by(bars(output.stderr)), contextlib.redirect_stdout(sys.stderr):
        found = inspect(described.data, described.task.kind, folder, study.absolute().parent)
    if output.json:
        output.document(study=described.name, data=found.card, inputs=found.inputs, notes=found.notes)
    else:
        from nas.cli.data_view import inspection_view

        output.show(*inspection_view(found, described.task.kind, verbose=output.verbose))
    fitted = with_families(described, found.card, origin)  # refused below what the data are like: that says why
    if not output.json:
        _conclude(output, study, fitted, found.card, storage, text)


def _conclude(output: Output, path: Path, study: Study, card: DataCard, storage: str | None, text: str) -> None:
    """Say what would be searched, what a launch would meet, and what was not checked."""
    from nas.cli.views import commands_view
    from nas.errors import Conflict
    from nas.search.pool.local import share_machine
    from nas.search.run import refuse_existing
    from nas.store.engine import storage_url

    output.hint("", f"Families: {', '.join(study.space.families)}.")
    output.hint(*(f"{name}: {', '.join(families)}." for name, families in study.space.encoders.items()))
    _, note = share_machine(study.search.workers)
    if note is not None:
        output.hint(note)
    try:
        refuse_existing(storage_url(storage), study.name, text)
    except Conflict as error:
        output.hint(str(error))
    output.hint("", f"The arrays are in {card.folder}: a launch finds them there.")
    output.hint("Not checked: whether the families can be built and trained, and what they cost. That is tried by")
    output.hint(*commands_view([(f"nas launch {shlex.quote(str(path))} --dry-run", "what would it cost?")], storage))
