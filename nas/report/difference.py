"""What is different between two architectures: the choices, and the layers side by side.

The two best are compared here, for whoever reads without a script; ``difference.js`` does the same for any two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from nas.architecture import Node
from nas.conversation import Scalar
from nas.report import words

MOST_LAYERS = 250
"""Layer calls of an architecture that are compared: the work grows with their square."""
MOST_PARTS = 8
TELLING = 2
"""So many layers in a row that are alike are shown; of more only their number."""

Line: TypeAlias = tuple[str, ...]
"""What a layer call is, without its name: its kind, its output's shape, its settings."""
How: TypeAlias = Literal["alike", "changed", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a layer from one architecture to the other; of many alike only how many they are."""

    how: How
    one: Line = ()
    other: Line = ()
    alike: int = 0

    @property
    def parts(self) -> Iterator[tuple[Line, Line]]:
        """What either has, each time with what the other one has."""
        return iter(((self.one, self.other), (self.other, self.one)))


def described(graph: Sequence[Node]) -> list[Line]:
    """Return the layers of `graph`, inputs first, as they are compared."""
    return [_line(node) for node in graph[:MOST_LAYERS]]


def _line(node: Node) -> Line:
    settings = [f"{name} {words.setting(value)}" for name, value in node.settings.items()][: MOST_PARTS - 2]
    parts = [node.layer, words.shape(node.shape), *settings]
    return tuple(words.short(part, 40) for part in parts)


def rows(one: Sequence[Line], other: Sequence[Line]) -> list[Row]:
    """Return the layers of both in order, with as few as possible changed, removed and added.

    A layer is changed into one of its own kind only.
    """
    found: list[Row] = []
    for how, group in groupby(_aligned(one, other), key=lambda row: row.how):
        some = list(group)
        found += [Row("alike", alike=len(some))] if how == "alike" and len(some) > TELLING else some
    return found


def _aligned(one: Sequence[Line], other: Sequence[Line]) -> Iterator[Row]:
    left = _distances(one, other)
    i = j = 0
    while i < len(one) or j < len(other):
        both = i < len(one) and j < len(other)
        if both and one[i] == other[j]:
            how: How = "alike"
        elif both and one[i][0] == other[j][0] and left[i][j] == 1 + left[i + 1][j + 1]:
            how = "changed"
        elif i < len(one) and left[i][j] == 1 + left[i + 1][j]:
            how = "removed"
        else:
            how = "added"
        yield Row(how, () if how == "added" else one[i], () if how == "removed" else other[j])
        i, j = i + (how != "added"), j + (how != "removed")


def _distances(one: Sequence[Line], other: Sequence[Line]) -> list[list[int]]:
    """Return, from each place in both to their ends, how many layers are changed, removed or added at least."""
    table = [list(range(len(other), -1, -1))]
    for i in range(len(one) - 1, -1, -1):
        after, line = table[-1], [len(one) - i]
        for j in range(len(other) - 1, -1, -1):
            if one[i] == other[j]:
                line.append(after[j + 1])
                continue
            least = 1 + min(after[j], line[-1])
            line.append(min(least, 1 + after[j + 1]) if one[i][0] == other[j][0] else least)
        table.append(line[::-1])
    return table[::-1]


def choices(one: Mapping[str, str], other: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return ``(choice, value of the one, of the other)`` where they are not the same; empty of who did not choose."""
    names = dict.fromkeys([*one, *other])
    return [(name, one.get(name, ""), other.get(name, "")) for name in names if one.get(name) != other.get(name)]


def told(params: Mapping[str, Scalar]) -> dict[str, str]:
    """Return choices as they are shown."""
    return {words.short(name, 60): words.setting(value) for name, value in params.items()}


def numbered(graphs: Iterable[Sequence[Line]]) -> tuple[list[Line], list[list[int]]]:
    """Return every line once, and each graph as the places of its lines: most layers are in many architectures."""
    places: dict[Line, int] = {}
    indices = [[places.setdefault(line, len(places)) for line in graph] for graph in graphs]
    return list(places), indices
