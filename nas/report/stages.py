"""A built graph, folded into what a person thinks in: stages of one shape, blocks, repeats.

A ResNet of 180 layer calls becomes six stages of one or two blocks each. Nothing here knows a family. A graph can be
cut where only one value crosses, which is between residual blocks and never inside one: between two such cuts lies a
*unit* (mostly one layer call, or one residual block). Units that end in the same shape are a stage; what repeats in a
stage is folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from nas.architecture import Node

LONGEST_UNIT = 24
"""Layer calls of a residual block. What is longer, or a U-Net under its outermost skip, is told call by call."""
LONGEST_REPEAT = 64
"""Layer calls of the longest repeat that is looked for."""


@dataclass(frozen=True, slots=True)
class Block:
    """Layer calls that follow each other, and how many times they are repeated in the same form."""

    nodes: tuple[Node, ...]
    """Of the first repeat."""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """Layer calls that follow each other and lead to one output shape."""

    nodes: tuple[Node, ...]
    blocks: tuple[Block, ...]

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of what it hands on."""
        return self.nodes[-1].shape

    @property
    def weights(self) -> int:
        """Weights of all its layers."""
        return sum(node.weights for node in self.nodes)

    @property
    def macs(self) -> int | None:
        """MACs of all its layers, or ``None`` where one of them is unknown."""
        known = [node.macs for node in self.nodes if node.macs is not None]
        return sum(known) if len(known) == len(self.nodes) else None


def fold(graph: Sequence[Node]) -> tuple[Stage, ...]:
    """Return the stages of `graph`, which is in topological order; none for an empty graph."""
    crossing = _crossing(graph)
    stages = []
    for _, units in groupby(_units(graph, crossing), key=lambda unit: graph[unit[1] - 1].shape):
        (start, end), *rest = units
        end = rest[-1][1] if rest else end
        stages.append(Stage(tuple(graph[start:end]), _blocks(graph[start:end], crossing[start : end + 1])))
    return tuple(stages)


def _crossing(graph: Sequence[Node]) -> list[int]:
    """Return, for each place between two calls (0 is before the first), how many values cross it."""
    position = {node.id: index for index, node in enumerate(graph)}
    last_use: dict[int, int] = {}
    for index, node in enumerate(graph):
        for source in node.inputs:
            if source in position:
                last_use[position[source]] = index
    change = [0] * (len(graph) + 2)
    for made, used in last_use.items():
        change[made + 1] += 1
        change[used + 1] -= 1
    crossing, count = [], 0
    for step in change[:-1]:
        count += step
        crossing.append(count)
    return crossing


def _units(graph: Sequence[Node], crossing: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield ``(start, end)`` of each unit; padding belongs to the unit that it pads for."""
    start = 0
    for index, end in _segments(graph, crossing):
        if not all(node.layer.startswith("ZeroPadding") for node in graph[start:end]) or end == len(graph):
            yield min(start, index), end
            start = end


def _segments(graph: Sequence[Node], crossing: Sequence[int]) -> Iterator[tuple[int, int]]:
    cuts = [place for place in range(len(graph) + 1) if crossing[place] <= 1]
    for start, end in pairwise(cuts):
        if end - start > LONGEST_UNIT or any(not node.inputs for node in graph[start:end]) or _is_u(graph[start:end]):
            yield from ((index, index + 1) for index in range(start, end))
        else:
            yield start, end


def _is_u(nodes: Sequence[Node]) -> bool:
    """Whether the resolution goes down inside and up again, but not to a single place as in a gate."""
    end = nodes[-1].shape
    return any(len(node.shape) == len(end) > 1 and 1 < (node.shape[0] or 0) < (end[0] or 0) for node in nodes)


def _blocks(nodes: Sequence[Node], crossing: Sequence[int]) -> tuple[Block, ...]:
    """Return `nodes` as blocks: the repeat that covers most of them folded, then what is left on both its sides."""
    if not nodes:
        return ()
    start, period, times = _best_repeat([_signature(node) for node in nodes], crossing)
    if times < 2:
        return (Block(tuple(nodes)),)
    end = start + period * times
    before, after = _blocks(nodes[:start], crossing[: start + 1]), _blocks(nodes[end:], crossing[end:])
    return (*before, Block(tuple(nodes[start : start + period]), times), *after)


def _signature(node: Node) -> tuple[object, ...]:
    return node.layer, node.shape, repr(sorted(node.settings.items())), len(node.inputs)


def _best_repeat(signatures: Sequence[object], crossing: Sequence[int]) -> tuple[int, int, int]:
    """Return ``(start, period, times)`` of the repeat that covers most; ``times`` is 1 when there is none.

    Among equals the shorter period wins. The same repeat can be cut at several places: it is cut where the fewest
    values cross, and there at the latest. No repeat begins outside a branch and ends inside it.
    """
    size = len(signatures)
    best, found = (0, 0, 0, 0), (0, size, 1)
    for period in range(1, min(size // 2, LONGEST_REPEAT) + 1):
        run = 0
        for start in range(size - period - 1, -1, -1):
            run = run + 1 if signatures[start] == signatures[start + period] else 0
            inside = crossing[start + period]
            times = run // period + 1
            while times > 1 and max(inside, crossing[start + period * times]) > max(1, crossing[start]):
                times -= 1
            merit = (times * period, -period, -inside, start)
            if times > 1 and merit > best:
                best, found = merit, (start, period, times)
    return found
