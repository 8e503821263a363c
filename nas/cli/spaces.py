"""What the search spaces say of themselves. Their files are read, not imported: importing one loads Keras."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nas import catalogue
from nas.search.fit import fit_of

_PAPER = re.compile(r"arXiv:\d{4}\.\d{4,5}")


@dataclass(frozen=True, slots=True)
class Space:
    """One family of encoders that a study file may name."""

    name: str
    target: str
    """``"package.module:Class"``."""
    modality: str | None
    """What its package says it is for: "image", "vector" …; ``None`` for a module that is in no package of its own."""
    summary: str
    """The first line of its file."""
    papers: tuple[str, ...]
    """In the order they are cited."""
    kinds: tuple[str, ...]
    """Of inputs; empty where only the family itself knows."""
    takes: str
    """The same in words."""
    gives: tuple[str, ...]
    """Features: "vector", "sequence", "map", "pair"."""
    text: str
    """All that its file says of it: how many architectures there are, from where to where their costs go."""
    problem: str | None = None
    """Why its file cannot be read."""


def all_spaces() -> list[Space]:
    """Return every registered family, ordered by modality and name."""
    found = [describe(name) for name in catalogue.families]
    return sorted(found, key=lambda space: (space.modality or "~", space.name))


def describe(name: str) -> Space:
    """Return what the file of family `name` says of it.

    Raises:
        UnknownName: No family is registered under `name`.
    """
    target = catalogue.families.target(name)
    module, _, _ = target.partition(":")
    parents = module.split(".")[1:-1]
    modality = parents[-1] if parents else None
    fit = fit_of(name)
    facts = ((), "", ()) if fit is None else (fit.kinds, fit.words, fit.gives)
    try:
        text = ast.get_docstring(ast.parse(_source_file(module).read_bytes())) or ""
    except (OSError, SyntaxError, ValueError, ImportError) as error:
        return Space(name, target, modality, "", (), *facts, "", f"{module} cannot be read: {error}.")
    papers = tuple(dict.fromkeys(_PAPER.findall(text)))
    return Space(name, target, modality, text.partition("\n")[0], papers, *facts, text)


def _source_file(module: str) -> Path:
    """Return the file of `module`; only its topmost package is looked up, and nothing is imported."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        raise ImportError(f"{top} is not installed")
    origin = Path(spec.origin)
    if not rest:
        return origin
    path = origin.parent.joinpath(*rest)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
