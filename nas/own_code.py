"""Python files that a study file names: families and data sources of one's own, run as they stand."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType


def run_file(path: Path, what: str) -> ModuleType:
    """Return the module in the file at `path`, run anew, with its folder first in the search for imports.

    Args:
        path: A Python file; it may import its neighbours in the same folder.
        what: ``"family"`` or the like, for the module's name: ``nas_<what>_<stem>``. Where the file lies is no part
            of it, because the names of its layers' modules are part of a fingerprint.

    Raises:
        ImportError: It is no Python file. Whatever it raises itself comes through.
    """
    path = path.resolve()
    folder = str(path.parent)
    name = f"nas_{what}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before = set(sys.modules)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
        # Neighbours are forgotten, so that a `blocks.py` beside another file is not taken for this one's.
        for other in set(sys.modules) - before:
            if (getattr(sys.modules[other], "__file__", None) or "").startswith(folder):
                del sys.modules[other]
    return module


def what_failed(error: BaseException, file: str | None = None) -> str:
    """Return the last line of the traceback of `error` and where it comes from: the last line of `file`, if it is said.

    For example ``ValueError: too small (net.py, line 3)``.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file] or frames
    where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{traceback.format_exception_only(error)[-1].strip()}{where}"
