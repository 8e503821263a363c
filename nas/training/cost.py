"""What a model costs for one example: weights, multiply-accumulates (MACs), activation memory.

MACs are counted analytically, layer class by layer class (`nas.training.macs`), because profilers are wrong where it
matters: TensorFlow's counts the body of a recurrent loop once, not once a step, and misses products inside attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import keras

from nas.architecture import Cost
from nas.training.graph import Call, Graph, Shape, look_inside
from nas.training.macs import Shapes, macs

BYTES = 4
"""Of one activation, float32."""


@dataclass(frozen=True, slots=True)
class Macs:
    """The MACs of one call, or why they are not known."""

    macs: int | None
    unknown: str | None = None


def call_macs(call: Call) -> Macs:
    """Return the MACs of one call of a layer or operation for one example."""
    operation, kind = call.operation, type(call.operation).__name__
    if operation is None:
        return Macs(0)
    rule = macs.find(operation)
    if rule is None:
        return _macs_inside(call)
    inputs, outputs = _one_example(call.shapes), _one_example(call.outputs)
    if inputs is None or outputs is None:
        return Macs(None, f"{kind} {call.name!r} has axes of unknown length")
    count = rule(operation, inputs, outputs)
    return Macs(count, None if count is not None else f"the MACs of this use of {kind} are not known")


def _macs_inside(call: Call) -> Macs:
    """Return the MACs of a layer without a rule: those of what its ``call`` calls."""
    operation, kind = call.operation, type(call.operation).__name__
    if type(operation).__module__.partition(".")[0] == "keras":
        if getattr(operation, "weights", ()):
            return Macs(None, f"there is no rule for the MACs of {kind}")
        return Macs(0)
    inner = look_inside(call)
    if inner is None:
        return Macs(None, f"what {kind} calls cannot be followed, and there is no rule for its MACs")
    counts = [call_macs(one) for one in inner.calls]
    unknown = next((count.unknown for count in counts if count.unknown), None)
    return Macs(None if unknown else sum(count.macs or 0 for count in counts), unknown)


def total_cost(model: keras.Model, graph: Graph, counts: Sequence[Macs]) -> Cost:
    """Return the cost of a whole model for one example; `counts` are the MACs of its calls, in order."""
    reasons = dict.fromkeys(count.unknown for count in counts if count.unknown)
    known = [count.macs for count in counts if count.macs is not None]
    return Cost(
        weights=model.count_params() if model.built else None,
        macs=sum(known) if len(known) == len(counts) else None,
        memory=activation_memory(graph),
        unknown="; ".join(reasons) or None,
    )


def activation_memory(graph: Graph) -> int | None:
    """Return the bytes of all outputs of all calls for one example, float32; ``None`` where a shape is not known."""
    shapes = [_one_example(call.outputs) for call in graph.calls]
    if any(shape is None or shape == () for shape in shapes):
        return None
    return BYTES * sum(prod(output) for outputs in shapes for output in outputs or ())


def _one_example(shapes: tuple[Shape, ...]) -> Shapes | None:
    """Return `shapes` with 1 for the batch axis, or ``None`` if another axis is of unknown length."""
    concrete = tuple((1, *shape[1:]) if shape and shape[0] is None else shape for shape in shapes)
    return None if any(None in shape for shape in concrete) else concrete  # type: ignore[return-value]
