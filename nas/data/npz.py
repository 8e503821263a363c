"""Arrays of one's own: ``npz:file.npz`` with x and y, and x_val, y_val, x_test, y_test where they are given."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from nas.data.source import Array, Examples, RawData
from nas.errors import DataError, did_you_mean

KEYS = ("x", "y", "x_val", "y_val", "x_test", "y_test")


def load(rest: str, base: Path) -> RawData:
    """Return the arrays of the file at `rest`, which may be relative to `base`.

    Raises:
        DataError: There is no such file, it is no ``.npz``, or it lacks arrays; nothing in it is unpickled.
    """
    path = base / rest
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path} holds a single array. Save both: numpy.savez({path.name!r}, x=…, y=…).")
            arrays = {name: _read(file, name, path) for name in file.files if name in KEYS}
            others = [name for name in file.files if name not in KEYS]
    except FileNotFoundError:
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.npz")])
        raise DataError(f"There is no file {path}.{near}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as .npz: {error}. Write it with numpy.savez(file, x=…, y=…).") from None
    for wanted in ("x", "y"):
        if wanted not in arrays:
            has = ", ".join([*arrays, *others]) or "nothing"
            raise DataError(
                f"{path} has no array {wanted!r}; it has: {has}. Write it with numpy.savez(file, x=…, y=…)."
            )
    return RawData(Examples(arrays["x"], arrays["y"]), _pair(arrays, "val", path), _pair(arrays, "test", path))


def _read(file: np.lib.npyio.NpzFile, name: str, path: Path) -> Array:
    try:
        return file[name]
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise DataError(
                f"{path}: array {name!r} holds Python objects, which are never unpickled. Save it with a plain dtype."
            ) from None
        raise


def _pair(arrays: dict[str, Array], split: str, path: Path) -> Examples | None:
    x, y = arrays.get(f"x_{split}"), arrays.get(f"y_{split}")
    if (x is None) != (y is None):
        lone, missing = (f"y_{split}", f"x_{split}") if x is None else (f"x_{split}", f"y_{split}")
        raise DataError(f"{path} has {lone!r} but not {missing!r}: give both or neither.")
    return None if x is None or y is None else Examples(x, y)
