"""``python:file.py:load`` or ``python:package.module:load``: what a function of one's own returns.

The function takes nothing and returns one of::

    {"x": …, "y": …, "x_val": …, "y_val": …, "x_test": …, "y_test": …}     arrays; an x may be {input: array}
    (train, validation) or (train, validation, test)                       each a tf.data.Dataset or a pair (x, y)
    nas.data.source.RawData

A dict (see `nas.data.named_arrays`) may also have ``group`` and ``time`` (of train), ``class_names``, ``sample_rate``,
and ``kinds``, what each input is: ``{"x": "audio"}``. A ``tf.data.Dataset`` gives x, or (x, y), where x may be a dict.
It is read once, batched or not: it counts as batched if x and y have the same first axis, or one of unknown length.

The code runs as it stands, with the rights of whoever launches the study; of the data, only the arrays count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

from nas.data.datasets import is_dataset, read_dataset
from nas.data.named_arrays import ARRAYS, CLASS_NAMES, COLUMNS, describe, inputs_of, splits_of
from nas.data.options import DataSection
from nas.data.source import Examples, RawData, RawInput
from nas.data_card import InputKind
from nas.errors import DataError, did_you_mean
from nas.own_code import run_file, what_failed

KEYS = (*ARRAYS, *COLUMNS, CLASS_NAMES, "sample_rate", "kinds")
REMEDY = 'Return {"x": …, "y": …}.'


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return what the function `rest` returns; a relative file in it starts from `base`.

    Raises:
        DataError: There is no such function, it fails, or it returns something else.
    """
    function, file = _find(rest, base)
    name = rest.rpartition(":")[2]
    try:
        returned = function()
    except (Exception, SystemExit) as error:
        raise DataError(f"{name} failed: {what_failed(error, file)}.") from error
    try:
        return _raw_data(name, returned)
    except DataError:
        raise
    except Exception as error:  # a tf.data.Dataset runs its functions while it is read
        raise DataError(f"What {name} returned cannot be read: {what_failed(error, file)}.") from error


def _find(rest: str, base: Path) -> tuple[Callable[[], Any], str | None]:
    """Return the function, and the file that its module is in."""
    source, _, name = rest.rpartition(":")
    if not source or not name.isidentifier():
        raise DataError(f"'python:{rest}' must be 'python:file.py:function' or 'python:package.module:function'.")
    path = str((base / source).resolve()) if source.endswith(".py") else None
    try:
        module = run_file(base / source, "data") if path else import_module(source)
    except (Exception, SystemExit) as error:
        raise DataError(f"{source} cannot be imported: {what_failed(error, path)}.") from error
    functions = [key for key, thing in vars(module).items() if callable(thing) and not key.startswith("_")]
    function = getattr(module, name, None)
    if not callable(function):
        raise DataError(
            f"{source} has no function {name!r}.{did_you_mean(name, functions)} "
            f"It has: {', '.join(functions) or 'none'}."
        )
    return function, module.__file__


def _raw_data(what: str, returned: Any) -> RawData:
    if isinstance(returned, RawData):
        return returned
    if isinstance(returned, Mapping):
        return _from_dict(what, returned)
    if is_dataset(returned):
        returned = (returned,)
    if isinstance(returned, tuple | list) and 1 <= len(returned) <= 3:
        odd = [part for part in returned if not is_dataset(part) and not (isinstance(part, tuple) and len(part) == 2)]
        if not odd:
            train, *others = map(_from_part, returned)
            validation, test = (*others, None, None)[:2]
            return RawData(train, validation, test)
        returned = odd[0]
    raise DataError(
        f"{what} must return a dict of arrays with x and y, a RawData, or (train, validation[, test]) of which each is "
        f"a tf.data.Dataset or a pair (x, y). Received: {describe(returned)}."
    )


def _from_part(part: Any) -> Examples:
    if is_dataset(part):
        return read_dataset(part)
    x, y = part
    return Examples(inputs_of(x), None if y is None else np.asarray(y))


def _from_dict(what: str, given: Mapping[str, Any]) -> RawData:
    strange = [
        f"{key!r} means nothing.{did_you_mean(str(key), KEYS)} Known: {', '.join(KEYS)}."
        for key in given
        if key not in KEYS
    ]
    raw = splits_of(f"{what} returned what cannot be used", given, REMEDY, strange)
    return replace(raw, inputs=_known(what, given, tuple(raw.train.x)))


def _known(what: str, given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, RawInput]:
    kinds, rate = dict(given.get("kinds") or {}), int(given.get("sample_rate") or 0)
    for name, kind in kinds.items():
        if name not in names:
            raise DataError(f"{what}: kinds has {name!r}, which is no input. Inputs: {', '.join(names)}.")
        if kind not in get_args(InputKind):
            known = get_args(InputKind)
            raise DataError(
                f"{what}: {kind!r} is no kind of input.{did_you_mean(str(kind), known)} Known: {', '.join(known)}."
            )
    return {name: RawInput(kinds.get(name), sample_rate=rate) for name in names}
