"""Names and what they stand for: samplers, pruners, tasks, sources, families.

A registry is filled in three ways: by a decorator (`register`), by a promise to import something later
(`promise`, so that the coordinator can check a family's name without loading Keras), and by the entry
points of other installed packages (group ``nas.<plural>``, e.g. ``nas.samplers``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from nas.errors import UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to things that may not be imported yet.

    Args:
        kind: What a thing in it is called in messages, e.g. ``"sampler"``.
        group: The entry-point group third parties register under, e.g. ``"nas.samplers"``.

    Example:
        >>> pruners = Registry[str]("pruner")
        >>> pruners.add("none", "never stops a trial")
        >>> pruners["none"]
        'never stops a trial'
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        self.kind = kind
        self._group = group
        self._things: dict[str, T] = {}
        self._promises: dict[str, str] = {}
        self._entry_points_read = group is None

    def add(self, name: str, thing: T) -> None:
        """Put `thing` under `name`; a name is given once."""
        if name in self._things or name in self._promises:
            raise ValueError(f"The {self.kind} name {name!r} is taken: a name is registered once.")
        self._things[name] = thing

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that puts what it decorates under `name`."""

        def decorate(thing: T) -> T:
            self.add(name, thing)
            return thing

        return decorate

    def promise(self, name: str, target: str) -> None:
        """Put ``"package.module:attribute"`` under `name`, to be imported when it is first asked for."""
        self._promises[name] = target

    def target(self, name: str) -> str:
        """Return the ``"package.module:attribute"`` that `name` was promised as; it is not imported.

        Raises:
            UnknownName: Nothing was promised under `name`.
        """
        self._read_entry_points()
        if name not in self._promises:
            raise UnknownName(self.kind, name, self)
        return self._promises[name]

    def __getitem__(self, name: str) -> T:
        self._read_entry_points()
        if name not in self._things and name in self._promises:
            module, _, attribute = self._promises[name].partition(":")
            thing: Any = import_module(module)
            for part in attribute.split("."):
                thing = getattr(thing, part)
            self._things[name] = thing
        if name not in self._things:
            raise UnknownName(self.kind, name, self)
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        self._read_entry_points()
        return name in self._things or name in self._promises

    def __iter__(self) -> Iterator[str]:
        self._read_entry_points()
        return iter(sorted({*self._things, *self._promises}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _read_entry_points(self) -> None:
        if self._entry_points_read or self._group is None:
            return
        self._entry_points_read = True
        for point in entry_points(group=self._group):
            if point.name not in self._things:  # ours win: a plug-in cannot replace a shipped name
                self._promises.setdefault(point.name, point.value)
