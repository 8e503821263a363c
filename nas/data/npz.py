"""``npz:file.npz``: arrays of one's own, written with ``numpy.savez(file, x=…, y=…)``.

Besides x and y there may be other splits, ``group``, ``time`` and ``class_names``: see `nas.data.named_arrays`. What
else is in the file is left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nas.data.named_arrays import ARRAYS, splits_of
from nas.data.options import DataSection
from nas.data.source import Array, RawData
from nas.errors import DataError, did_you_mean

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
    return splits_of(str(path), arrays, REMEDY, _mistaken(arrays))


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


def _mistaken(arrays: dict[str, Array]) -> list[str]:
    """Return what would be left out and was meant as something: another array may be there for its own reasons."""
    problems = [
        f"{key!r} would be left out.{did_you_mean(key, ARRAYS)} Used are: {', '.join(ARRAYS)}."
        for key in arrays
        if key.lower().startswith(("x_", "y_")) and key not in ARRAYS
    ]
    if "y" not in arrays:
        problems += [
            f"{key!r} would be left out: labels are called 'y'. {REMEDY}"
            for key in arrays
            if key == "Y" or key.lower() in LIKE_LABELS
        ]
    return problems
