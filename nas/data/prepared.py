"""A data source ▶ checked, split, encoded arrays in a folder that every worker maps, and the card that describes them.

One folder a content: ``<folder>/<first 16 digits of the fingerprint>/{x_train, y_train, …}.npy``, the files that inputs
need (vocabularies) and ``card.json``. It is written under another name and renamed, so that it is whole or not there.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from nas import catalogue
from nas.data.checks import check
from nas.data.encoding import ENCODINGS, Encoded
from nas.data.environment import expanded
from nas.data.options import DataSection
from nas.data.origins import with_origins, write_origins
from nas.data.source import INPUT_NAME, Array, Examples, RawData
from nas.data.splits import RULE, split
from nas.data_card import DataCard
from nas.errors import DataError

_CARD = TypeAdapter(DataCard)
LABELS = "y"
"""What the arrays of labels are called; no input may be."""


def prepare(
    data: DataSection, task: str, folder: Path, base: Path, look: Callable[[dict[str, Examples]], None] | None = None
) -> tuple[DataCard, tuple[str, ...]]:
    """Load, check, split, encode and write `data` for `task`; return its card and notes for people.

    The same content always gives the same fingerprint and the same arrays; arrays that are in `folder` already
    are not written again. Relative paths in `data` start from `base`; environment variables in it are expanded. `look`
    is called with the splits as they are before they are encoded.

    Raises:
        DataError: The data cannot be searched on, or not be written.
        UnknownName: No data source or task is registered under that name.
    """
    aim = catalogue.tasks[task]
    source = data.source
    try:
        data = expanded(data)
        raw = with_origins(check(load(data, base), data.kind))
        if aim.features != "pair":
            raw = replace(raw, catalogue=None)  # what is to be found among, and nobody looks for it
        raw = aim.check(raw)
        splits, notes = split(raw, data.split, aim.cut)
        if look is not None:
            look(splits)
        inputs = _encode(raw, splits, data.starting_from(base))
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    splits = {
        name: replace(examples, x={part: encoded.arrays[name] for part, encoded in inputs.items()})
        for name, examples in splits.items()
    }
    arrays = _arrays(splits)
    fingerprint = _fingerprint(arrays, inputs)
    target = aim.target(raw.target, splits)
    card = DataCard(
        source=source,
        fingerprint=fingerprint,
        folder=str(folder.resolve() / fingerprint[:16]),
        inputs={name: replace(encoded.input, column=raw.inputs[name].column) for name, encoded in inputs.items()},
        target=target,
        examples={name: len(examples) for name, examples in splits.items()},
        class_counts=aim.counts(target, splits),
        baseline=aim.baseline(target, splits),
    )
    if not _is_there(card):
        _write(card, arrays, inputs)
    origin = splits["validation"].origin
    if origin is not None:
        write_origins(card, origin, "train" if raw.validation is None else "validation")
    return card, notes


def load(data: DataSection, base: Path) -> RawData:
    """Return what the source of `data` gives, unchecked. Its path starts from `base`."""
    kind, _, rest = data.source.partition(":")
    return catalogue.sources[kind](rest, base, data)


def open_split(card: DataCard, name: str) -> Examples:
    """Return the split `name` of the data that `card` describes, mapped read-only into memory.

    Raises:
        DataError: The arrays are gone or damaged.
    """
    try:
        arrays = {
            part: np.load(Path(card.folder) / f"{part}_{name}.npy", "r", allow_pickle=False)
            for part in (*card.inputs, LABELS)
        }
    except (OSError, ValueError, EOFError) as error:
        raise DataError(_lost(card, name, str(error))) from None
    rows = card.examples[name]
    expected = {part: (rows, *given.shape) for part, given in card.inputs.items()}
    expected[LABELS] = (rows, *card.target.shape)
    for part, shape in expected.items():
        if arrays[part].shape != shape:
            raise DataError(_lost(card, name, f"{part} is {arrays[part].shape}, not {shape}"))
    y = arrays.pop(LABELS)
    return Examples(arrays, y)


def _lost(card: DataCard, name: str, why: str) -> str:
    return (
        f"The prepared {name} split of {card.source} in {card.folder} cannot be read: {why}. "
        "Delete that folder; the data are prepared anew when a study is launched or resumed."
    )


def _encode(raw: RawData, splits: dict[str, Examples], data: DataSection) -> dict[str, Encoded]:
    if LABELS in raw.inputs:
        raise DataError(f"An input cannot be called {LABELS!r}: that is what labels are called.")
    for name in raw.inputs:
        if not INPUT_NAME.fullmatch(name):
            raise DataError(f"An input is called {name!r}. Wanted: letters, digits, spaces and . _ - only. Rename it.")
    encoded = {}
    for name, known in raw.inputs.items():
        assert known.kind is not None
        arrays = {part: examples.x[name] for part, examples in splits.items()}
        encoded[name] = ENCODINGS[known.kind](known, arrays, data)
    return encoded


def _arrays(splits: dict[str, Examples]) -> dict[str, Array]:
    """Return all arrays by the names of their files."""
    arrays: dict[str, Array] = {}
    for name, examples in splits.items():
        arrays |= {f"{part}_{name}": array for part, array in examples.x.items()}
        arrays[f"{LABELS}_{name}"] = examples.labels
    return arrays


def _fingerprint(arrays: dict[str, Array], inputs: dict[str, Encoded]) -> str:
    """Return the SHA-256 of all arrays, of what they mean and of the rule they were cut by."""
    digest = hashlib.sha256(f"split rule {RULE}\n".encode())
    for name, encoded in inputs.items():
        given = encoded.input
        digest.update(
            f"{name} {given.kind} {given.vocabulary} {given.categories} {given.sample_rate} {given.item}\n".encode()
        )
        for file, text in encoded.files.items():
            digest.update(f"{file}\n{text}\n".encode())
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _is_there(card: DataCard) -> bool:
    """Whether the arrays of `card` are in its folder, whole as far as their headers and sizes tell."""
    try:
        known = _CARD.validate_json((Path(card.folder) / "card.json").read_bytes())
        for name in card.examples:
            open_split(card, name)
    except (OSError, ValidationError, DataError):
        return False
    return known.fingerprint == card.fingerprint


def _write(card: DataCard, arrays: dict[str, Array], inputs: dict[str, Encoded]) -> None:
    folder = Path(card.folder)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        for name, encoded in inputs.items():
            for file, text in encoded.files.items():
                (temporary / f"{name}_{file}").write_text(text, encoding="utf-8")
        (temporary / "card.json").write_bytes(_CARD.dump_json(card, indent=2))
        if folder.exists():  # damaged: what is mapped from it stays readable until it is closed
            folder.rename(temporary.with_suffix(".damaged"))
        temporary.rename(folder)
    except OSError as error:
        if not _is_there(card):  # or another process has just written the same
            raise DataError(
                f"The prepared data cannot be written to {folder}: {error.strerror or error}. "
                f"They need {sum(array.nbytes for array in arrays.values()) / 2**20:,.1f} MiB there."
            ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(temporary.with_suffix(".damaged"), ignore_errors=True)
