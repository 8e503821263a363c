"""``preprocessing.json``: what whoever serves the model has to do to its inputs, and what its outputs mean.

docs/export.md describes every key. Files that an input needs (the tokenizer, names of ids, columns and categories) lie
beside it, byte for byte as they were in training.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from nas.data.prepared import open_split
from nas.data_card import DataCard, Input
from nas.export.serving import served_names

SCHEMA = 1
FILES = {"tokenizer.json": "tokenizer", "columns.json": "columns", "names.json": "names"}
"""What may lie beside the arrays of an input, and the key that names it."""


def describe_preprocessing(folder: Path, model: keras.Model, card: DataCard, meanings: Sequence[str]) -> dict[str, Any]:
    """Write ``preprocessing.json`` and the files it names into `folder`; return what is in it.

    `model` is the one that is served, `meanings` says what each of its outputs is, in order.
    """
    stored = open_split(card, "validation").x
    inputs = {
        called: {"input": name} | _input(card.inputs[name], str(stored[name].dtype)) | _files(folder, card, name)
        for name, called in served_names(card.inputs).items()
        if called in model.input
    }
    document = {
        "schema": SCHEMA,
        "inputs": inputs,
        "outputs": {
            name: {"dtype": tensor.dtype, "shape": [None, *tensor.shape[1:]], "meaning": meaning}
            for (name, tensor), meaning in zip(model.output.items(), meanings, strict=True)
        },
        "class_names": list(card.target.names),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "preprocessing.json").write_text(text + "\n", encoding="utf-8")
    return document


def _input(given: Input, stored: str) -> dict[str, Any]:
    common: dict[str, Any] = {
        "kind": given.kind,
        "dtype": given.dtype,
        "shape": [None, *given.shape],
        "trained_on": stored,
        "values": _values(given, stored),
    }
    if given.mean:
        common["standardised_inside"] = {"mean": list(given.mean), "std": list(given.std)}
    match given.kind:
        case "image":
            common["image"] = {"height": given.shape[0], "width": given.shape[1], "channels": given.shape[2]}
        case "audio":
            common["audio"] = {"sample_rate": given.sample_rate, "samples": given.shape[0]}
        case "text":
            common["text"] = {"length": given.shape[0], "padding": 0, "unknown": given.unknown}
            common["text"]["vocabulary"] = given.vocabulary
        case "ids":
            common["ids"] = {"below": given.vocabulary, "none": 0}
        case "vector" if given.categories:
            common["categories"] = list(given.categories)
    return common


def _values(given: Input, stored: str) -> str:
    """Return, for people, what numbers the model wants."""
    match given.kind:
        case "image":
            return (
                "pixels as in the data, (height, width, channels). Image files: 0 to 255, made upright, put on white "
                "where they are transparent, resized to this size (Lanczos)"
            )
        case "audio":
            scale = "from -32768 to 32767" if stored == "int16" else "as in the data"
            return f"samples {scale}, one channel, at {given.sample_rate} a second, cut off or filled up with 0"
        case "text":
            return "tokens, cut off at the end or filled up with 0: the tokenizer file does both"
        case "ids":
            return "numbers of things, from 1; 0 is none, or one that training has not seen"
        case "vector" if given.categories:
            return (
                f"numbers as in the data; the last {len(given.categories)} columns are categories, numbered from 1; "
                "0 is one that training has not seen"
            )
        case _:
            return "numbers as in the data"


def _files(folder: Path, card: DataCard, name: str) -> dict[str, str]:
    """Copy the files that belong to an input; return their names by key."""
    found = {}
    for end, key in FILES.items():
        source = Path(card.folder) / f"{name}_{end}"
        if source.is_file():
            shutil.copyfile(source, folder / source.name)
            found[f"{key}_file"] = source.name
    return found
