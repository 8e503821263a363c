"""The fingerprint of a search space: has the code of a family changed since the study began?

Nothing is imported or run; the sources are read and compared as syntax trees, so that comments, docstrings and
formatting do not count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from nas import catalogue
from nas.errors import FamilyError


def family_fingerprint(spec: str, base: Path) -> str:
    """Return 64 hexadecimal digits over the code that the family `spec` is made of.

    That is the module it is named in and all modules of the same package (of the same folder, for a ``file.py:Class``)
    that this one imports, directly or not. Other packages are told by their versions.

    Raises:
        FamilyError: A module cannot be found, or is not valid Python.
        UnknownName: No family is registered under `spec`.
    """
    module, _, attribute = (spec if ":" in spec else catalogue.families.target(spec)).rpartition(":")
    if module.endswith(".py"):
        path = base / module
        start, top, roots = path.stem, "", [str(path.parent)]
        if not path.is_file():
            raise FamilyError(f"The family {spec!r} cannot be read: there is no file {path}.")
    else:
        start, top = module, module.partition(".")[0]
        if not all(part.isidentifier() for part in module.split(".")):
            raise FamilyError(f"The family {spec!r} names no module: {module!r}.")
        found = importlib.util.find_spec(top)
        if found is None or not found.origin:
            raise FamilyError(f"The family {spec!r} names a module that is not installed: {module}.")
        roots = [
            str(Path(found.origin).parent.parent if found.submodule_search_locations else Path(found.origin).parent)
        ]
        if _source(start, roots) is None:
            raise FamilyError(f"The family {spec!r} names a module that does not exist: {module}.")
    digest = hashlib.sha256(attribute.encode())
    for name, tree in sorted(_modules(start, top, roots), key=lambda found: found[0]):
        digest.update(f"\n{name}\n{_canonical(tree)}".encode())
    return digest.hexdigest()


def _modules(start: str, top: str, roots: list[str]) -> Iterator[tuple[str, ast.Module]]:
    """Yield name and syntax tree of the module `start` and of all that it imports from below `top` in `roots`."""
    waiting, seen = [start], {start}
    while waiting:
        name = waiting.pop()
        source = _source(name, roots)
        if source is None:
            continue  # a name within a module, or a module of another package
        try:
            tree = ast.parse(source.read_bytes(), filename=str(source))
        except (SyntaxError, ValueError) as error:
            raise FamilyError(f"{source} is not valid Python: {error}.") from None
        yield name, tree
        package = name if source.name == "__init__.py" else name.rpartition(".")[0]
        found = {*_imports(tree, package), *_parents(name)}
        new = {other for other in found if not top or other.partition(".")[0] == top} - seen
        waiting += sorted(new)
        seen |= new


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield the full names of everything `tree` imports; relative ones start from `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from (alias.name, *_parents(alias.name))
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (module, *_parents(module))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _parents(name: str) -> Iterator[str]:
    """Yield the packages `name` lies in: importing it runs them too."""
    while name := name.rpartition(".")[0]:
        yield name


def _source(name: str, roots: list[str]) -> Path | None:
    """Return the file of the module `name` below `roots`, found without importing the packages it lies in."""
    locations: list[str] | None = roots
    spec, full = None, ""
    for part in name.split("."):
        if not part or locations is None:
            return None
        full = f"{full}.{part}" if full else part
        spec = PathFinder.find_spec(full, locations)
        if spec is None:
            return None
        locations = list(spec.submodule_search_locations) if spec.submodule_search_locations else None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _canonical(node: object) -> str:
    """Return `node` as text without positions, docstrings and empty fields (which differ between Python versions)."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({','.join(f'{name}={_canonical(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{','.join(_canonical(item) for item in node if not _is_docstring(item))}]"
    return repr(node)


def _is_docstring(node: object) -> bool:
    """Whether `node` is a string that stands by itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
