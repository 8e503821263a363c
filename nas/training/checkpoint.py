"""What a trial needs to go on after its process was killed: one file, replaced as a whole after every epoch.

An ``.npz`` of every variable of the model and of its optimizer, and the curve so far. It is written beside the old
one and renamed over it, so there is always one good file; a torn or foreign one is told by its checksums, its
shapes and the identity in it, and then the trial starts over.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nas.conversation import Epoch

FORMAT = 1


def save(path: Path, model: keras.Model, identity: str, curve: Sequence[Epoch]) -> None:
    """Write the state of `model`, of its optimizer, and `curve` to `path`; all or nothing."""
    manifest = {"format": FORMAT, "identity": identity, "curve": [asdict(epoch) for epoch in curve]}
    arrays = {f"v{index}": np.asarray(variable) for index, variable in enumerate(_variables(model))}
    arrays["manifest"] = np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = unfinished(path)
    try:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """Return where a checkpoint is written before it is renamed to `path`: a trial has one worker at a time."""
    return path.with_name(f".{path.name}.part")


def restore(path: Path, model: keras.Model, identity: str) -> tuple[Epoch, ...]:
    """Put the state saved at `path` into `model` and its optimizer; return the curve until then.

    Returns an empty curve, and leaves `model` as it is, if there is no such file or it is not of this model.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            manifest: dict[str, Any] = json.loads(file["manifest"].tobytes())
            if manifest["format"] != FORMAT or manifest["identity"] != identity:
                return ()
            variables = _variables(model)
            values = [file[f"v{index}"] for index in range(len(variables))]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return ()
    if any(tuple(variable.shape) != value.shape for variable, value in zip(variables, values, strict=True)):
        return ()
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return tuple(Epoch(**epoch) for epoch in manifest["curve"])


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]
