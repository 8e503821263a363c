"""Examples of another source, made into what a trained model takes: by the study's own means, tokens and numbers.

Nothing is learned from them. A text becomes the tokens of the study's tokenizer; categories and the names of users and
items get the numbers that they had in training, and 0 where it had none; images and sounds are brought to the size and
the rate that the model knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nas.data import manifest
from nas.data.checks import check
from nas.data.columns import LABEL_KEY, NoLabels, looks_like
from nas.data.environment import expanded
from nas.data.options import AudioSection, ColumnsSection, DataSection, ImagesSection
from nas.data.prepared import load
from nas.data.source import ONLY, Array, Examples, RawInput
from nas.data.table import read_table
from nas.data.text import encode, read_tokenizer
from nas.data_card import DataCard, Input
from nas.errors import BadInput, DataError

Encode = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Others:
    """Examples that are encoded as they are asked for, in the order of their source: train, validation, test.

    `labels` (examples, …) is as the source gives them, ``None`` without any; `splits` names the split of each
    part, ``None`` where the source has only one: it was not trained on, whatever it is called.
    `kept` has the cells of columns of a table that are no inputs. `notes` are for people.
    """

    parts: tuple[Examples, ...]
    encodings: dict[str, Encode]
    splits: tuple[str | None, ...]
    notes: tuple[str, ...] = ()
    kept: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def labels(self) -> Array | None:
        """What the source says of each example."""
        found = [part.y for part in self.parts]
        return None if any(y is None for y in found) else np.concatenate([y for y in found if y is not None])

    @property
    def split_names(self) -> list[str | None]:
        """The split of each example, if the source has several."""
        return [name for name, part in zip(self.splits, self.parts, strict=True) for _ in range(len(part))]

    def batches(self, size: int) -> Iterator[dict[str, Array]]:
        """Yield all examples, at most `size` at once, as they are stored of a study: not standardised yet."""
        for part in self.parts:
            for start in range(0, len(part), size):
                yield {name: to(part.x[name][start : start + size]) for name, to in self.encodings.items()}


def read_others(
    card: DataCard, data: DataSection, source: str, base: Path, *, labels: bool = True, keep: Sequence[str] = ()
) -> Others:
    """Return the examples of `source`, for a model that was trained on the data of `card`.

    Args:
        card: Of the study; its folder has the files that its inputs need.
        data: The study's ``[data]``; all of it but the source and what the card knows better goes for the new one.
        source: As in a study file.
        base: The folder that a relative path starts from.
        labels: Whether there are some to be read.
        keep: Columns of a table that are handed on as they are.

    Raises:
        BadInput: Columns are to be kept of what is no table.
        DataError: The source cannot be read, a file of it is bad, or its examples are not what the model takes.
        UnknownName: No data source is registered under that name.
    """
    try:
        options = expanded(_options(card, data, source, labels=labels))
        options = _with_only_column(card, options, base, keep, data.columns.ignore)
        raw = load(options, base)
        only = card.inputs[ONLY].kind if list(card.inputs) == [ONLY] else None
        raw = check(raw, only)
        if missing := [name for name in card.inputs if name not in raw.inputs]:
            there = f"there is {', '.join(raw.inputs)}"
            if list(card.inputs) == [ONLY]:
                raise DataError(f"the model takes one input; {there}. Leave out, or --keep, what it does not take.")
            raise DataError(f"the model takes {', '.join(card.inputs)}; there is no {missing[0]!r}, {there}.")
        encodings = {name: _encoding(card, name, raw.inputs[name]) for name in card.inputs}
        kept = _kept(options, base, keep)
    except NoLabels as error:
        raise DataError(f"{source}: {error.problem} Are they not known, or not wanted? Then --no-labels.") from None
    except DataError as error:
        remedy = " Has it no labels? Then --no-labels." if LABEL_KEY in str(error) else ""
        raise DataError(f"{source}: {error}{remedy}") from None
    parts = {name: examples for name, examples in raw.splits.items() if name != "catalogue"}
    for name, given in card.inputs.items():
        _same_shape(source, name, given, raw.inputs[name], next(iter(parts.values())).x[name])
    splits = tuple(parts) if len(parts) > 1 else (None,)
    return Others(tuple(parts.values()), encodings, splits, raw.notes, kept)


def _kept(options: DataSection, base: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the cells of the columns `names`, in the order of the examples: none of them is left out."""
    if not names:
        return {}
    kind, _, rest = options.source.partition(":")
    if kind != "manifest":
        raise BadInput("--keep names columns of a table: it needs --source manifest:FILE.")
    return manifest.cells_by_split(rest, base, options, names, "--keep")


def _options(card: DataCard, data: DataSection, source: str, *, labels: bool) -> DataSection:
    """Return `data` for another source: files become what the model takes, and none of them may be left out.

    What a column is needed for only to cut splits, it is not needed for here.
    """
    changed: dict[str, Any] = {"source": source, "bad": 0.0}
    for given in card.inputs.values():
        if given.kind == "image" and given.shape[2] in (1, 3) and min(given.shape[:2]) >= 4:
            changed["images"] = ImagesSection(
                size=(given.shape[0], given.shape[1]), channels=1 if given.shape[2] == 1 else 3
            )
        if given.kind == "audio" and 1000 <= given.sample_rate <= 192_000:
            seconds = given.shape[0] / given.sample_rate
            changed["audio"] = AudioSection(sample_rate=given.sample_rate, seconds=seconds)
    if list(card.inputs) == [ONLY] and data.kind is None and card.inputs[ONLY].kind in ("text", "image", "audio"):
        changed["kind"] = card.inputs[ONLY].kind  # few rows may look like something else
    columns = data.columns.model_dump() | {"group": None, "time": None, "ignore": (), "unlabelled": "refuse"}
    if known := _known_columns(card):
        columns |= {"kinds": data.columns.kinds | known, "inputs": data.columns.inputs or tuple(known)}
    if not labels:
        columns["label"] = ()
    changed["columns"] = ColumnsSection.model_validate(columns)
    return data.model_copy(update=changed)


def _with_only_column(
    card: DataCard, options: DataSection, base: Path, keep: Sequence[str], ignored: Sequence[str]
) -> DataSection:
    """Return `options` that name the column of a table which is the only input, if it is a text or names files.

    It is the one that the study had; or else the only one that is neither kept nor ignored nor a label; or of these the
    only one that looks like what the model takes. Where none is, all of them are left as they are, to be told of.
    """
    source, _, rest = options.source.partition(":")
    if source != "manifest" or list(card.inputs) != [ONLY]:
        return options
    given, means = card.inputs[ONLY], options.columns
    kind = manifest.AS_COLUMN.get(given.kind)
    if kind is None:
        return options
    table = read_table(base / Path(rest).expanduser())
    able = [name for name in (given.column, *means.inputs) if name in table.columns][:1]
    if not able:
        able = [name for name in table.columns if name not in (*means.label, means.split, *ignored, *keep)]
    if len(able) > 1:
        able = [name for name in able if looks_like(table, name, kind)]
    if len(able) != 1:
        return options
    columns = means.model_copy(update={"inputs": tuple(able), "kinds": {able[0]: kind}})
    return options.model_copy(update={"columns": columns})


def _known_columns(card: DataCard) -> dict[str, str]:
    """Return what the columns of a table were taken for in training, as far as the names of inputs tell."""
    known = {
        name: given.kind
        for name, given in card.inputs.items()
        if name != ONLY and given.kind in ("image", "audio", "text")
    }
    for name in card.inputs:
        path = Path(card.folder) / f"{name}_columns.json"
        if path.is_file():
            told = json.loads(path.read_text(encoding="utf-8"))
            known |= dict.fromkeys(told["numbers"], "number") | dict.fromkeys(told["categories"], "category")
    return {str(name): str(kind) for name, kind in known.items()}


def _encoding(card: DataCard, name: str, known: RawInput) -> Encode:
    """Return what makes of the array of a source what is stored of a study."""
    given = card.inputs[name]
    if known.kind != given.kind:
        raise DataError(f"{name} is {known.kind}, and the model takes {given.kind}.")
    match given.kind:
        case "text":
            tokenizer = read_tokenizer(Path(card.folder) / f"{name}_tokenizer.json")
            return lambda texts: encode(tokenizer, texts, given.shape[0])
        case "audio":
            return lambda samples: (samples.astype(np.float32) * (given.std[0] / _full_scale(samples))).astype(
                np.float32
            )
        case "ids":
            return _by_name(card, name, given, known)
        case "vector":
            return _by_column(card, name, given, known)
        case _:
            return lambda array: array


def _full_scale(samples: Array) -> float:
    return float(-np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0


def _by_name(card: DataCard, name: str, given: Input, known: RawInput) -> Encode:
    """Return what numbers things as in training: by their names, or as they are where the study has none."""
    path = Path(card.folder) / f"{name}_names.json"
    if not path.is_file():
        return lambda ids: _below(ids, given.vocabulary, name)
    numbers = {thing: place for place, thing in enumerate(json.loads(path.read_text(encoding="utf-8")))}
    if not known.names:
        raise DataError(f"{name}: the study knows things by their names, and this source gives numbers alone.")
    table = np.array([0, *(numbers.get(thing, 0) for thing in known.names)], dtype=np.int32)
    return lambda ids: table[ids]


def _below(ids: Array, vocabulary: int, name: str) -> Array:
    if ids.size and int(ids.max()) >= vocabulary:
        raise DataError(f"{name} has the id {ids.max()}, and the model knows those below {vocabulary}.")
    return ids.astype(np.int32, copy=False)


def _by_column(card: DataCard, name: str, given: Input, known: RawInput) -> Encode:
    """Return what puts columns in the order of the study, and gives categories the numbers of train."""
    path = Path(card.folder) / f"{name}_columns.json"
    named = bool(known.columns or known.values)
    if not path.is_file() or not named:
        return lambda array: array
    told = json.loads(path.read_text(encoding="utf-8"))
    numbers: list[str] = told["numbers"]
    categories: dict[str, list[str]] = told["categories"]
    there = [*known.columns, *known.values]
    wanted = [*numbers, *categories]
    if lacking := [column for column in wanted if column not in there]:
        raise DataError(
            f"the model was trained on a column {lacking[0]!r} that is not there, or is taken for something else "
            f"(data.columns.kinds of the study says what). There: {', '.join(there)}."
        )
    places = [there.index(column) for column in wanted]
    tables = []
    for column, values in categories.items():
        if column not in known.values:
            raise DataError(f"{column} was categories in training, and is numbers here.")
        codes = {value: place for place, value in enumerate(values, start=1)}
        tables.append(np.array([0, *(codes.get(value, 0) for value in known.values[column])], dtype=np.float32))

    def encode_columns(array: Array) -> Array:
        made = array[:, places].astype(np.float32)
        for column, table in enumerate(tables, start=len(numbers)):
            made[:, column] = table[made[:, column].astype(np.int64)]
        return made

    return encode_columns


def _same_shape(source: str, name: str, given: Input, known: RawInput, array: Array) -> None:
    """Refuse examples of another shape than the model takes; texts get theirs, and columns are picked by name."""
    if given.kind == "text" or (given.kind == "vector" and (known.columns or known.values)):
        return
    if array.shape[1:] != given.shape:
        raise DataError(
            f"{source}: an example of {name} has shape {array.shape[1:]}, and the model takes {given.shape}."
        )
