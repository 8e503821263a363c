"""What a trial needs to go on after its process was killed: one file, replaced as a whole after every epoch.

An ``.npz`` of every variable of the model and of its optimizer, which of them are the encoder's, and the curve so far;
another study may begin with that encoder. It is written beside the old one and renamed over it, so there is always one
good file; a torn or foreign one is told by its checksums, its shapes and the identity in it, and then the trial starts
over.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from nas.conversation import Epoch
from nas.errors import FamilyError, NASError

FORMAT = 1


def save(
    path: Path,
    model: keras.Model,
    identity: str,
    curve: Sequence[Epoch],
    encoder: Sequence[Any] = (),
    *,
    optimizer: bool = True,
) -> None:
    """Write the state of `model`, of its optimizer, and `curve` to `path`; all or nothing.

    `encoder` are those of its variables that are not its head's, in the encoder's own order. Without the `optimizer`
    it is nothing to go on from, but half as large.
    """
    variables = _variables(model) if optimizer else list(model.variables)
    places = {id(variable): index for index, variable in enumerate(variables)}
    manifest = {
        "format": FORMAT,
        "identity": identity,
        "curve": [asdict(epoch) for epoch in curve],
        "encoder": [[places[id(weight)], weight.path] for weight in encoder if id(weight) in places],
    }
    arrays = {f"v{index}": np.asarray(variable) for index, variable in enumerate(variables)}
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


def load_model(path: Path, model: keras.Model, fingerprint: str) -> None:
    """Put the weights saved at `path` into `model`, which need not be compiled: all of them, or none.

    Args:
        path: A checkpoint.
        model: Built from the same params as the one that was saved.
        fingerprint: Its architecture's, which the checkpoint has to name.

    Raises:
        NASError: The file is missing, torn, of another architecture, or its weights have other shapes.
    """
    variables = list(model.variables)
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            manifest: dict[str, Any] = json.loads(file["manifest"].tobytes())
            if manifest["format"] != FORMAT or json.loads(manifest["identity"])[0] != fingerprint:
                raise NASError(f"The weights in {path} are of another architecture, or of another version of nas.")
            values = [file[f"v{index}"] for index in range(len(variables))]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise NASError(
            f"The weights in {path} cannot be read: {error or type(error).__name__}. The file is damaged; another "
            "trial's can be taken, or the study be run again."
        ) from None
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise NASError(
                f"The weights in {path} do not fit: {variable.path} is {tuple(variable.shape)}, and {value.shape} was "
                "saved. The code of the search space or the libraries have changed since."
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def load_encoder(path: Path, encoder: keras.Model) -> list[Any]:
    """Put the weights of the encoder in the checkpoint at `path` into `encoder`; return those that have got one.

    Where both are the same they are matched by position. An encoder that gives features of another form may have
    weights more, for pooling say: then each kept weight goes where one of its path and shape is, and the others stay.

    Raises:
        FamilyError: The file cannot be read, or has no weights of an encoder.
        FailedTrialError: A kept weight has no place in `encoder`.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            kept = json.loads(file["manifest"].tobytes()).get("encoder", [])
            values = [(name, file[f"v{index}"]) for index, name in kept]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FamilyError(f"The weights to start from, {path}, cannot be read: {error}.") from None
    if not values:
        raise FamilyError(f"{path} does not tell which weights are the encoder's: it was written by an older version.")
    weights = list(encoder.weights)
    if [tuple(weight.shape) for weight in weights] == [value.shape for _, value in values]:
        matched = list(zip(weights, (value for _, value in values), strict=True))
    else:
        matched = [(_taken(weights, name, value), value) for name, value in values]
    for weight, value in matched:
        weight.assign(value)
    return [weight for weight, _ in matched]


def _taken(weights: list[Any], name: str, value: Any) -> Any:
    """Take the first weight of this path and shape out of `weights`."""
    for place, weight in enumerate(weights):
        if weight.path == name and tuple(weight.shape) == value.shape:
            return weights.pop(place)
    raise keras_tuner.errors.FailedTrialError(
        f"The encoder to start from has a weight {name} {value.shape}, for which this one has no place."
    )


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]
