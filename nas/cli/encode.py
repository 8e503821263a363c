"""``encode``: data into embeddings, by a trained model."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nas.cli.bars import bars
from nas.cli.database import complete_name
from nas.cli.numbers import WholeNumber
from nas.cli.output import Output, output_options, storage_option
from nas.cli.picking import model_options
from nas.cli.stopped import nothing_half

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nas.encode.encode import Wanted
    from nas.encode.measuring import Measured
    from nas.search.chosen import Chosen
    from nas.store.evaluation_records import EmbeddingRecord


@click.command()
@click.argument("name", shell_complete=complete_name)
@model_options
@click.option("--source", metavar="SOURCE", help='Other data, as in a study file: "images:folder/", "manifest:a.csv" …')
@click.option("--no-labels", is_flag=True, help="Other data whose labels are not there, or not wanted.")
@click.option(
    "--keep",
    metavar="COLUMN",
    multiple=True,
    help="A column of a table of other data to have beside the embeddings, e.g. an id; .parquet only.",
)
@click.option("--split", metavar="SPLIT", help="A split of the study's own data.  [default: validation]")
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .npy or .parquet.",
)
@click.option("--layer", metavar="LAYER", help="What this layer gives.  [default: the encoder's features]")
@click.option("--side", type=click.Choice(("query", "item")), help="Which half of a pair.")
@click.option("--normalize", is_flag=True, help="Give each vector the length 1.")
@click.option(
    "--batch", type=WholeNumber(1, 65536), default=256, show_default=True, metavar="N", help="Examples at once."
)
@click.option("--measure", is_flag=True, help="Tell how well the embeddings part the study's classes.")
@click.option("--force", is_flag=True, help="Replace the file.")
@storage_option
@output_options
@click.pass_obj
def encode(
    output: Output,
    name: str,
    trial: int | None,
    architecture: str | None,
    source: str | None,
    no_labels: bool,
    keep: tuple[str, ...],
    split: str | None,
    path: Path | None,
    layer: str | None,
    side: Any,
    normalize: bool,
    batch: int,
    measure: bool,
    force: bool,
    storage: str | None,
) -> None:
    """Turn data into embeddings with a trained model.

    Inputs become what they were in training: by its means, its vocabulary, its sizes and rates. With --measure, k
    nearest neighbours and a linear probe learn on train and are asked on validation.

    \b
    Examples:
        nas encode digits --split test -o digits.npy --measure
        nas encode digits --source images:scans/ -o scans.parquet --normalize
        nas encode wine --source manifest:b.csv --no-labels --keep id -o b.parquet
    """
    if source is not None and split is not None:
        raise click.UsageError("--source and --split both say which data are meant: give one of them.")
    if no_labels and source is None:
        raise click.UsageError("--no-labels is of the data of --source: a split of the study's own has its labels.")
    if keep and (source is None or path is None):
        raise click.UsageError("--keep takes columns of --source to the file of -o: give both.")
    if path is None and not measure:
        raise click.UsageError("Give -o FILE to write embeddings, or --measure to measure them, or both.")
    from nas.data.progress import tracked_by
    from nas.quiet import quiet
    from nas.search.chosen import choose

    chosen = choose(name, storage=storage, trial=trial, architecture=architecture)
    output.hint(chosen.why)
    with quiet():  # TensorFlow is imported
        from nas.encode.encode import Wanted
        from nas.encode.encode import encode as encode_data
    wanted = Wanted(source, Path(), not no_labels, split or "validation", layer, side, normalize, batch, keep)
    with nothing_half(output), tracked_by(bars(output.stderr)), contextlib.redirect_stdout(sys.stderr):
        encoded = encode_data(chosen, wanted, path, measuring=measure, force=force)
    output.hint(*encoded.notes)
    if encoded.measured is not None:
        _keep(output, chosen, wanted, encoded.measured, storage)
    if output.json:
        output.document(
            study=chosen.study.name,
            trial=chosen.trial.number,
            architecture=chosen.fingerprint,
            weights=chosen.weights.words,
            files=[file.absolute() for file in encoded.files],
            shape=encoded.shape if path is not None else None,
            measured=encoded.measured,
        )
        return
    if encoded.measured is not None:
        output.show(_table(encoded.measured))
        explained = sum(encoded.measured.projection.explained)
        output.hint(
            f"Learned on {encoded.measured.train:,} of train, asked of {encoded.measured.validation:,} of validation, "
            f"both of which the search has seen. Two principal components explain {explained:.0%}.",
            *([] if encoded.measured.converged else ["The linear probe did not come to an end: it may do better."]),
        )
    for file in encoded.files:
        click.echo(file)
    if path is not None:
        output.hint(f"Embeddings: {encoded.shape}, float32, by trial {chosen.trial.number}.")
    else:
        output.hint(f"Measured with the weights of {chosen.weights.words}.")


def _keep(output: Output, chosen: Chosen, wanted: Wanted, measured: Measured, storage: str | None) -> None:
    """Keep what was measured with the study, where its report finds it; a database that is only read stays as it is."""
    from nas.errors import StorageError
    from nas.store import embeddings
    from nas.store.engine import storage_url

    try:
        embeddings.keep(storage_url(storage), chosen.study.id, _record(chosen, wanted, measured))
    except StorageError as error:
        output.hint(f"The report will not show what was measured: {error}")


def _record(chosen: Chosen, wanted: Wanted, measured: Measured) -> EmbeddingRecord:
    from nas.store.evaluation_records import EmbeddingRecord, Interval, Projection

    points, tuned = measured.projection, chosen.weights.tuned
    drawn = set(points.labels)
    names = [name for name in map(str, chosen.order.data.target.names) if name in drawn]
    places = {name: place for place, name in enumerate(names)}
    return EmbeddingRecord(
        trial=chosen.trial.number,
        evaluation=None if tuned is None else tuned.number,
        at=datetime.now(UTC),
        split="validation",
        layer=wanted.layer,
        normalised=wanted.normalise,
        width=measured.width,
        neighbours=measured.neighbours,
        knn=Interval(measured.knn.value, measured.knn.low, measured.knn.high),
        probe=Interval(measured.probe.value, measured.probe.low, measured.probe.high),
        converged=measured.converged,
        train=measured.train,
        examples=measured.validation,
        projection=Projection(
            points.explained, points.x, points.y, tuple(places[label] for label in points.labels), tuple(names)
        ),
    )


def _table(measured: Measured) -> RenderableType:
    from nas.cli.tables import table

    made = table("~Accuracy of", ">Validation", ">95 % interval")
    for what, share in ((f"{measured.neighbours} nearest neighbours", measured.knn), ("linear probe", measured.probe)):
        made.add_row(what, f"{share.value:.4f}", f"{share.low:.4f} to {share.high:.4f}")
    return made
