"""Encode: choose what is run over which data, write it as it comes, and measure it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from nas.data.again import found_again
from nas.data.others import Others, read_others
from nas.data.prepared import open_split
from nas.data.progress import track
from nas.data.source import Array
from nas.data_card import DataCard
from nas.encode.measuring import MOST_TRAIN, MOST_VALIDATION, Measured, measure, rows_of_all, spread_rows
from nas.encode.running import Embedder, Part, Rows
from nas.encode.writing import LABELS, MEASURES, Files, beside, check_target, opened, written
from nas.errors import BadInput, did_you_mean
from nas.quiet import quiet
from nas.training.restored import Restored, Side, restore

if TYPE_CHECKING:
    from nas.search.chosen import Chosen


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be encoded, by which part of the model.

    `source` is as in a study file, and starts from `base`; without one, `split` of the study's own data is meant.
    `layer` names a layer instead of the encoder's features; `side` is a half of a pair. `keep` names columns of a table
    that go beside the embeddings, into a Parquet file.
    """

    source: str | None = None
    base: Path = Path()
    labels: bool = True
    split: str = "validation"
    layer: str | None = None
    side: Side | None = None
    normalise: bool = False
    batch: int = 256
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was written and measured: the files, the shape of all embeddings together, notes for people."""

    files: tuple[Path, ...]
    shape: tuple[int, ...]
    measured: Measured | None
    notes: tuple[str, ...]


def encode(
    chosen: Chosen,
    wanted: Wanted,
    target: Path | None,
    *,
    measuring: bool = False,
    force: bool = False,
) -> Encoded:
    """Write the embeddings that `chosen` gives of what is `wanted` to `target`, and measure them if asked to.

    Raises:
        BadInput: There is no such split, layer or half; or the task has no classes to measure by.
        DataError: The data cannot be read, or are not what the model takes.
        Conflict: `target` is there, or the architecture is not what it was.
        NASError: The model cannot be built, or the disk is full.
    """
    if target is not None:
        check_target(target, wanted.keep, force=force)
    order = chosen.order
    card = found_again(order.data, chosen.data, order.task, chosen.folder, Path(chosen.study.base))
    if measuring:
        _refuse_unmeasurable(card)
    rows = _rows(card, chosen, wanted)
    with quiet():
        restored = restore(replace(order, data=card), chosen.weights.path, chosen.fingerprint)
        model = _part(restored, wanted)
    embedder = Embedder(model, card, wanted.batch, normalise=wanted.normalise)
    measured, files = None, []
    with written(target or Path("embeddings")) as made:
        if target is not None:
            files = _write(made, target, embedder, rows)
        if measuring:
            measured = _measure(card, embedder)
            if target is not None:
                path = beside(target, MEASURES)
                made.new(path).write_text(json.dumps(asdict(measured), indent=1), encoding="utf-8")
                files.append(path)
    return Encoded(tuple(files), (len(rows), *embedder.shape), measured, rows.notes if isinstance(rows, Others) else ())


def _write(made: Files, target: Path, embedder: Embedder, rows: Rows) -> list[Path]:
    labels = rows.labels
    kept = rows.kept if isinstance(rows, Others) else {}
    with opened(target, made, embedder.shape, len(rows), labels, rows.split_names, kept) as writer:
        for features in _embedded(embedder, rows):
            writer.add(features)
    alone = target.suffix.lower() != ".npy" or labels is None
    return [target] if alone else [target, beside(target, LABELS)]


def _embedded(embedder: Embedder, rows: Rows) -> Iterator[Array]:
    total = -(-len(rows) // embedder.size)
    return embedder.each(track(rows.batches(embedder.size), "batches", total))


def _rows(card: DataCard, chosen: Chosen, wanted: Wanted) -> Rows:
    if wanted.source is not None:
        return read_others(card, chosen.data, wanted.source, wanted.base, labels=wanted.labels, keep=wanted.keep)
    if wanted.split not in card.examples:
        raise BadInput(
            f"The data have no split {wanted.split!r}.{did_you_mean(wanted.split, card.examples)} "
            f"There are: {', '.join(card.examples)}."
        )
    return Part(card, wanted.split)


def _part(restored: Restored, wanted: Wanted) -> keras.Model:
    """Return the model that gives what is wanted, one tensor by name."""
    if wanted.layer is not None:
        if wanted.side is not None:
            raise BadInput("--layer and --side both say what is given: name one of them.")
        return restored.layer(wanted.layer)
    if restored.candidate.task.features == "pair" and restored.candidate.body is not None and wanted.side is None:
        raise BadInput("The model gives two vectors, of a query and of an item: --side says which one is meant.")
    return restored.encoder(wanted.side)


def _refuse_unmeasurable(card: DataCard) -> None:
    if not card.classes or card.target.shape != ():
        raise BadInput(
            "--measure tells how well embeddings part classes, and this task has no label of a class for each example."
        )


def _measure(card: DataCard, embedder: Embedder) -> Measured:
    features: dict[str, tuple[Array, Array]] = {}
    for split, drawn, most in (("train", rows_of_all, MOST_TRAIN), ("validation", spread_rows, MOST_VALIDATION)):
        part = Part(card, split, drawn(np.asarray(open_split(card, split).labels), most))
        labels = part.labels
        assert labels is not None  # a task with classes
        features[split] = np.concatenate(list(_embedded(embedder, part))), labels
    return measure(*features["train"], *features["validation"])
