"""What was built: a graph of layer calls, by its fingerprint, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What an architecture costs for one example. ``None`` where it is not known; `unknown` says why.

    weights: trained and untrained numbers it holds; macs: multiply-accumulates of one forward pass;
    memory: bytes of activations of one forward pass, float32.
    """

    weights: int | None = None
    macs: int | None = None
    memory: int | None = None
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """What one forward pass of `batch` examples took, in milliseconds, over so many `runs` with so many `threads`.

    `threads` 0: as many as the machine has cores.
    """

    batch: int
    threads: int
    runs: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Node:
    """One layer call of a built model, for drawing it and for the layer table.

    `shape` is the output shape without the batch axis; `settings` are the few configuration values
    a reader wants to see (units, kernel, heads …); `inputs` are the ids of the nodes it is fed by.
    """

    id: str
    layer: str
    name: str
    shape: tuple[int | None, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    weights: int = 0
    macs: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Architecture:
    """What was built: its fingerprint (64 hexadecimal digits), its graph in topological order, its cost.

    Two models have the same fingerprint exactly when they compute the same function of inputs and
    trainable weights, up to the names of their layers and whatever does not reach an output. An `opaque` one has
    parts that do not tell what they compute (a subclassed model, a ``Lambda``): there, equal fingerprints say nothing.
    """

    fingerprint: str
    graph: tuple[Node, ...]
    cost: Cost
    opaque: bool = False

    def __repr__(self) -> str:
        """Return which one it is and what it costs; `graph` has its layers, often hundreds."""
        macs = "MACs unknown" if self.cost.macs is None else f"{self.cost.macs:,} MACs"
        weights = "weights unknown" if self.cost.weights is None else f"{self.cost.weights:,} weights"
        return f"<Architecture {self.fingerprint[:8]}: {len(self.graph)} layers, {weights}, {macs}>"
