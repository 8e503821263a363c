"""Export one trained model: build it, write every format, run each file and compare, then publish the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import keras
import numpy as np

from nas.data.again import found_again
from nas.data.prepared import open_split
from nas.data.source import ONLY
from nas.errors import BadInput, NASError
from nas.export.card import write_card
from nas.export.comparing import EXAMPLES, Compared, Named, compare
from nas.export.formats import Format, Written, chosen_formats
from nas.export.preprocessing import describe_preprocessing
from nas.export.publishing import cannot_write, published, refuse_existing
from nas.export.serving import OUTPUT, named_outputs, served_names, serving_model
from nas.own_code import what_failed
from nas.quiet import quiet
from nas.training.feed import standardiser
from nas.training.restored import Restored, Side, restore

if TYPE_CHECKING:
    from nas.search.chosen import Chosen

What: TypeAlias = Literal["model", "encoder"]


@dataclass(frozen=True, slots=True)
class File:
    """One format of an export, which agrees with the model. `size` is in bytes, `seconds` what writing it took."""

    format: str
    name: str
    size: int
    compared: Compared
    run_with: str
    batch: int | None
    note: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A folder that was published, and what is in it."""

    folder: Path
    what: What
    files: tuple[File, ...]


def export(
    chosen: Chosen,
    formats: tuple[str, ...],
    target: Path,
    *,
    what: What | None = None,
    side: Side | None = None,
    batch: int | None = None,
    force: bool = False,
    tell: Callable[[File], None] = lambda file: None,
) -> Exported:
    """Write `chosen` in each of `formats` into the new folder `target`: all of them, or nothing.

    Args:
        chosen: The model.
        formats: Names of formats, or ``"all"``.
        target: The folder, which must not be there yet.
        what: The whole model, or without its head; the whole one where the task has a use for its head.
        side: One half of a pair, for an encoder.
        batch: The only number of examples a file is to take at once; ``None`` for any.
        force: Replace an earlier export.
        tell: Called with each file that is done.

    Raises:
        BadInput: A format is not known or what it needs is not installed; or the model has no such part.
        Conflict: There is something at `target`, or the architecture is not what it was.
        NASError: The model cannot be built, converted or written; or a file gives something else than the model.
    """
    wanted = chosen_formats(formats)
    refuse_existing(target, force=force)
    base = Path(chosen.study.base)
    order = chosen.order
    card = found_again(order.data, chosen.data, order.task, chosen.folder, base)
    with quiet():
        restored = restore(replace(order, data=card), chosen.weights.path, chosen.fingerprint)
        what = what or ("model" if restored.candidate.task.output and side is None else "encoder")
        model, meanings = _part(restored, what, side)
        served = serving_model(model, card)
        x, expected = _sample(restored, model)
    with published(target, force=force) as folder:
        files = []
        for each in wanted:
            files.append(_one(each, served, folder, batch, x, expected, target))
            tell(files[-1])
        document = describe_preprocessing(folder, served, card, list(meanings.values()))
        write_card(folder, chosen, what, files, document, served)
    return Exported(target, what, tuple(files))


def _part(restored: Restored, what: What, side: Side | None) -> tuple[keras.Model, dict[str, str]]:
    """Return what is to be exported, and what each of its outputs is."""
    task = restored.candidate.task
    if what == "model":
        if not task.output:
            raise BadInput(
                f"The head of {restored.candidate.task.__class__.__name__} is only there to train an encoder, and is "
                "thrown away: --what encoder exports that."
            )
        if side is not None:
            raise BadInput("--side is a half of an encoder: --what encoder.")
        meaning = "whatever the family, which gives compiled models, means by it"
        return restored.model, {OUTPUT: task.output if restored.candidate.body is not None else meaning}
    encoder = restored.encoder(side)
    meaning = "a vector of the example, (batch, width)"
    return encoder, dict.fromkeys(encoder.output, meaning)


def _sample(restored: Restored, model: keras.Model) -> tuple[Named, Named]:
    """Return examples of the validation split as a server gets them, and what the model as trained makes of them."""
    card = restored.card
    names = [ONLY] if list(card.inputs) == [ONLY] else [name for name in card.inputs if name in model.input]
    called = served_names(card.inputs)
    stored = open_split(card, "validation").x
    rows = {name: np.ascontiguousarray(stored[name][:EXAMPLES]) for name in card.inputs}
    given: Any = standardiser(card)(rows[ONLY] if list(card.inputs) == [ONLY] else rows)
    if isinstance(given, dict):
        given = {name: given[name] for name in names}
    outputs = model(given, training=False)
    named = named_outputs(outputs, [called[name] for name in names])
    x = {called[name]: rows[name].astype(card.inputs[name].dtype) for name in names}
    return x, {name: np.asarray(output) for name, output in named.items()}


def _one(
    format_: Format, served: keras.Model, folder: Path, batch: int | None, x: Named, expected: Named, target: Path
) -> File:
    """Write one format, run it, compare."""
    started = time.monotonic()
    try:
        with quiet():
            written = format_.write(served, folder, batch)
            compared = compare(written, x, expected)
    except NASError as error:
        raise NASError(f"{format_.name}: {error} Nothing was written.") from None
    except Exception as error:
        if (said := cannot_write(error, target)) is not None:
            raise said from error
        raise NASError(
            f"{format_.name}: the model cannot be converted, or its file not be run: {what_failed(error)[:500]}. "
            "Nothing was written; another --format may do."
        ) from error
    if not compared.agrees:
        raise NASError(
            f"{format_.name}: {written.path.name} does not give what the model gives: run on {compared.examples} "
            f"validation examples with {format_.run_with}, outputs differ by up to {compared.difference:.3g}, and "
            f"{compared.allowed:.3g} is allowed. Nothing was written."
        )
    return _file(format_, written, compared, time.monotonic() - started)


def _file(format_: Format, written: Written, compared: Compared, seconds: float) -> File:
    path = written.path
    inner = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    size = sum(each.stat().st_size for each in inner)
    return File(format_.name, path.name, size, compared, format_.run_with, written.batch, written.note, seconds)
