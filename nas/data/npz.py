"""``npz:file.npz``: arrays of one's own, written with ``numpy.savez(file, x=…, y=…)``.

Besides x and y, where they are given: a validation split (x_val, y_val), a test split (x_test, y_test), ``class_names``
(text, in the order of the labels 0, 1, …), and ``group`` and ``time`` of each example of x, for cutting splits. A task
that needs no labels needs no y.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nas.conversation import Target
from nas.data.options import DataSection
from nas.data.source import Array, Examples, RawData
from nas.errors import DataError, did_you_mean

KEYS = ("x", "y", "x_val", "y_val", "x_test", "y_test")
COLUMNS = ("group", "time")
LIKE_LABELS = ("label", "labels", "target", "targets")
"""What labels may be called by mistake, where there is no y."""
REMEDY = "Write it with numpy.savez(file, x=…, y=…)."


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the arrays in the file `rest`, relative to `base`. Nothing in it is ever unpickled.

    Raises:
        DataError: The file is missing, damaged or no ``.npz``, or the arrays in it are not what they should be.
    """
    path = base / Path(rest).expanduser()
    arrays = _read(path)
    if problems := _problems(arrays):
        raise DataError("\n  ".join([f"{path}:", *problems]))
    names = arrays.get("class_names", np.array([], dtype=str))
    return RawData(
        Examples.of(arrays["x"], arrays.get("y"), group=arrays.get("group"), time=arrays.get("time")),
        validation=Examples.of(arrays["x_val"], arrays.get("y_val")) if "x_val" in arrays else None,
        test=Examples.of(arrays["x_test"], arrays.get("y_test")) if "x_test" in arrays else None,
        target=Target(names=tuple(str(name) for name in names)),
    )


def _read(path: Path) -> dict[str, Array]:
    """Return all arrays in the file at `path`; other files that the archive may hold are left out."""
    if not path.is_file():
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.npz")])
        raise DataError(f"There is no file {path}.{near}")
    name = ""
    try:
        with path.open("rb") as opened:
            archive = np.load(opened, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{path} holds a single array without a name. {REMEDY}")
            arrays = {}
            for name in archive.files:  # the message below names the one that failed
                arrays[name] = archive[name]
    except DataError:
        raise
    except Exception as error:  # a damaged archive can raise nearly anything
        if "allow_pickle" in str(error) and name:
            raise DataError(
                f"{path}: {name!r} holds Python objects, which are never unpickled. Save it with a plain dtype, e.g. "
                f"{name}.astype('float32') or {name}.astype(str)."
            ) from None
        what = f"the array {name!r} in it is damaged" if name else "it is no .npz file, or damaged"
        why = "" if "allow_pickle" in str(error) else f" ({error or type(error).__name__})"
        raise DataError(f"{path} cannot be read: {what}{why}. {REMEDY}") from None
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def _problems(arrays: dict[str, Array]) -> list[str]:
    there = ", ".join(arrays) or "nothing"
    problems = [] if "x" in arrays else [f"there is no 'x'; there is: {there}. {REMEDY}"]
    for x, y in (("x_val", "y_val"), ("x_test", "y_test")):
        if y in arrays and x not in arrays:
            problems.append(f"{y!r} is there without {x!r}: give both or neither.")
        if x in arrays and "y" in arrays and y not in arrays:
            problems.append(f"{x!r} is there without {y!r}: give both or neither.")
        if x in arrays and "y" not in arrays and y in arrays:
            problems.append(f"{y!r} is there without 'y': give labels for every split, or for none.")
    for column in COLUMNS:
        if column in arrays and "x" in arrays and arrays[column].shape != arrays["x"].shape[:1]:
            problems.append(
                f"{column!r} must have one value for each example of x, {arrays['x'].shape[:1]}. "
                f"Received: shape {arrays[column].shape}."
            )
    # Another array may be there for its own reasons, but one that is nearly named like a split was meant as one.
    problems += [
        f"{key!r} would be left out.{did_you_mean(key, KEYS)} Used are: {', '.join(KEYS)}."
        for key in arrays
        if key.lower().startswith(("x_", "y_")) and key not in KEYS
    ]
    if "y" not in arrays:
        problems += [
            f"{key!r} would be left out: labels are called 'y'. {REMEDY}"
            for key in arrays
            if key == "Y" or key.lower() in LIKE_LABELS
        ]
    names = arrays.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind != "U"):
        problems.append(f"'class_names' must be text, (classes,). Received: shape {names.shape}, dtype {names.dtype}.")
    return problems
