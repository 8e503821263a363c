"""A built graph, folded into what a person thinks in: stages of one shape, blocks, repeats.

A ResNet of 180 layer calls becomes six stages of one or two blocks each. Nothing here knows a family: only shapes,
edges and repetition count, so any graph can be folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.conversation import Node

LONGEST_DETOUR = 16
"""Layer calls of other shapes that a residual branch may hold and still be part of its stage."""
LONGEST_BLOCK = 64
"""Layer calls of the longest repeat that is looked for."""


@dataclass(frozen=True, slots=True)
class Block:
    """Layer calls that follow each other, and how many times they are repeated in the same form."""

    nodes: tuple[Node, ...]
    """Of the first repeat."""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """Layer calls with one output shape, and the branches that leave it and return."""

    shape: tuple[int | None, ...]
    nodes: tuple[Node, ...]
    blocks: tuple[Block, ...]

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
    stages = []
    start = 0
    while start < len(graph):
        end = _stage_end(graph, start)
        nodes = tuple(graph[start:end])
        stages.append(Stage(nodes[0].shape, nodes, _blocks(nodes)))
        start = end
    return tuple(stages)


def _stage_end(graph: Sequence[Node], start: int) -> int:
    """Return where the stage that begins at `start` ends.

    A run of other shapes belongs to it when an edge leads around that run: the bottleneck of a residual block, the
    hidden layer of a transformer's MLP, the gate of a squeeze-and-excitation block.
    """
    shape, end = graph[start].shape, start + 1
    inside = {graph[start].id}
    index = end
    while index < len(graph) and index - end <= LONGEST_DETOUR:
        node = graph[index]
        index += 1
        if node.shape == shape and (index - 1 == end or not inside.isdisjoint(node.inputs)):
            inside.update(other.id for other in graph[end:index])
            end = index
    return end


def _blocks(nodes: tuple[Node, ...]) -> tuple[Block, ...]:
    """Return `nodes` as blocks: the repeat that covers most of them folded, then what is left on both its sides."""
    if not nodes:
        return ()
    start, period, times = _best_repeat(nodes)
    if times < 2:
        return (Block(nodes),)
    end = start + period * times
    return (*_blocks(nodes[:start]), Block(nodes[start : start + period], times), *_blocks(nodes[end:]))


def _best_repeat(nodes: Sequence[Node]) -> tuple[int, int, int]:
    """Return ``(start, period, times)`` of the repeat that covers most; ``times`` is 1 when there is none.

    Among equals the shorter period wins. The same repeat can be cut at several places: it is cut where the fewest
    values cross, which is between two residual blocks and not inside one, and there at the latest.
    """
    signatures = [_signature(node) for node in nodes]
    size = len(signatures)
    merit, candidates = (0, 0), [(0, size, 1)]
    for period in range(1, min(size // 2, LONGEST_BLOCK) + 1):
        run = 0
        for start in range(size - period - 1, -1, -1):
            run = run + 1 if signatures[start] == signatures[start + period] else 0
            times = run // period + 1
            if times > 1 and (times * period, -period) >= merit:
                if (times * period, -period) > merit:
                    merit, candidates = (times * period, -period), []
                candidates.append((start, period, times))
    return min(candidates, key=lambda found: (_crossing(nodes, found[0] + found[1]), -found[0]))


def _signature(node: Node) -> tuple[object, ...]:
    return node.layer, node.shape, repr(sorted(node.settings.items())), len(node.inputs)


def _crossing(nodes: Sequence[Node], cut: int) -> int:
    """Return how many values made before `cut` are used after it."""
    before = {node.id for node in nodes[:cut]}
    return len({source for node in nodes[cut:] for source in node.inputs if source in before})
