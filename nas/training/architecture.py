"""A built model ▶ its fingerprint, its graph and its cost.

The fingerprint is a Merkle hash over the graph from inputs to outputs (a node's hash is that of its label and of its
inputs' hashes), with one thing that a hash of the unrolled expression would lose: which calls share their weights.
``f(x) + f(x)`` with one layer `f` and ``f(x) + g(x)`` with two equal layers are different architectures.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from nas.architecture import Architecture, Node
from nas.training.cost import Macs, call_macs, total_cost
from nas.training.graph import Call, Graph, trace

SETTINGS = (
    *("units", "filters", "kernel_size", "strides", "dilation_rate", "groups", "depth_multiplier", "pool_size", "size"),
    *("activation", "num_heads", "key_dim", "value_dim", "head_dim", "num_query_heads", "num_key_value_heads"),
    *("rate", "input_dim", "output_dim", "return_sequences", "equation", "target_shape", "axis"),
)
"""Configuration values worth reading; those at their usual value (``_USUAL``) are not shown."""

_USUAL: dict[str, Any] = {"strides": {1}, "dilation_rate": {1}, "groups": {1}, "depth_multiplier": {1}, "axis": {-1}}
_USUAL |= {"activation": {"linear"}, "return_sequences": {False}}


def describe(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> Architecture:
    """Return what `model` is: fingerprint, graph and cost. Head included, if it has one; loss and optimizer are not.

    Args:
        model: A built model; one that is not built yet is built for `input_shape`.
        input_shape: The shape of one example, without the batch axis.

    Source: the canonical form follows Ying et al. 2019, arXiv:1902.09635, section 2.2 (hashes of labelled graphs that
    isomorphic graphs share), with dead ends and identities left out as in Dong and Yang 2020, arXiv:2001.00326.
    """
    if not model.built and input_shape is not None:
        model(keras.KerasTensor((None, *input_shape)))
    graph = trace(model)
    counts = [call_macs(call) for call in graph.calls]
    return Architecture(
        fingerprint=fingerprint(graph),
        graph=tuple(_nodes(graph, counts)),
        cost=total_cost(model, graph, counts),
        opaque=any(call.opaque for call in graph.calls),
    )


def fingerprint(graph: Graph) -> str:
    """Return 64 hexadecimal digits that are the same for all graphs which compute the same, whatever their names.

    Inputs of commutative calls are put in an order that does not depend on how they were written; layers with
    weights get numbers in the order in which a walk from the outputs meets them.
    """
    ranks = _colors(graph)
    numbers: dict[int, int] = {}
    hashes: dict[int, str] = {}
    for index in _walk(graph, ranks):
        call = graph.calls[index]
        number = "" if call.identity is None else str(numbers.setdefault(call.identity, len(numbers)))
        inputs = [f"{hashes[source]}.{output}" for source, output in call.inputs]
        hashes[index] = _hash(call.label, number, *(sorted(inputs) if call.commutative else inputs))
    return _hash(*(f"{hashes[source]}.{output}" for source, output in graph.outputs))


def _walk(graph: Graph, ranks: list[str]) -> Iterable[int]:
    """Yield the calls the outputs need, inputs first; of commutative inputs those with the lower rank first."""
    done: set[int] = set()
    stack = [(source, False) for source, _ in reversed(graph.outputs)]
    while stack:
        index, ready = stack.pop()
        if index in done:
            continue
        if ready:
            done.add(index)
            yield index
            continue
        call = graph.calls[index]
        needed = [source for source, _ in call.inputs]
        if call.commutative:
            needed.sort(key=lambda source: ranks[source])
        stack.append((index, True))
        stack += [(source, False) for source in reversed(needed)]


def _colors(graph: Graph) -> list[str]:
    """Return one hash for each call that tells its place in the graph as far as neighbours can tell it.

    Weisfeiler and Lehman's refinement: in each round a call learns the colors of its inputs, of those that use its
    output and of those that share its weights, until no more calls become distinguishable.
    """
    calls = graph.calls
    users: dict[int, list[tuple[int, str]]] = defaultdict(list)
    sharing: dict[int, list[int]] = defaultdict(list)
    for index, call in enumerate(calls):
        if call.identity is not None:
            sharing[call.identity].append(index)
        for position, (source, output) in enumerate(call.inputs):
            users[source].append((index, f"{'' if call.commutative else position}.{output}"))
    ends: dict[int, list[int]] = defaultdict(list)
    for position, (source, _) in enumerate(graph.outputs):
        ends[source].append(position)
    colors = [_hash(call.label, str(ends[index])) for index, call in enumerate(calls)]
    distinct = len(set(colors))
    while True:
        weights = {identity: _hash(*sorted(colors[index] for index in group)) for identity, group in sharing.items()}
        finer = []
        for index, call in enumerate(calls):
            inputs = [f"{colors[source]}.{output}" for source, output in call.inputs]
            used = sorted(f"{colors[user]}.{place}" for user, place in users[index])
            shared = "" if call.identity is None else weights[call.identity]
            finer.append(_hash(colors[index], shared, *(sorted(inputs) if call.commutative else inputs), "", *used))
        if len(set(finer)) == distinct:
            return finer
        colors, distinct = finer, len(set(finer))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _nodes(graph: Graph, counts: Sequence[Macs]) -> Iterable[Node]:
    """Yield the calls as the records that travel. Weights are told once, at the first call that uses them."""
    seen: Counter[int] = Counter()
    for index, call in enumerate(graph.calls):
        seen[id(call.operation)] += 1
        first = call.operation is not None and seen[id(call.operation)] == 1
        yield Node(
            id=str(index),
            layer="Input" if call.operation is None else type(call.operation).__name__,
            name=call.name,
            shape=call.outputs[0][1:] if call.outputs else (),
            settings=_settings(call),
            inputs=tuple(str(source) for source, _ in call.inputs),
            weights=call.operation.count_params() if first and hasattr(call.operation, "count_params") else 0,
            macs=counts[index].macs,
        )


def _settings(call: Call) -> dict[str, Any]:
    """Return the few configuration values of a call that a reader wants to see, as JSON types."""
    try:
        config = {} if call.operation is None or call.opaque else call.operation.get_config()
    except NotImplementedError:
        return {}
    settings = {name: config[name] for name in SETTINGS if config.get(name) is not None}
    if isinstance(inner := config.get("layer"), dict):
        settings["layer"] = inner.get("class_name")
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    return {name: value for name, value in plain.items() if _is_worth_reading(name, value)}


def _is_worth_reading(name: str, value: Any) -> bool:
    if isinstance(value, dict):
        return False
    values = value if isinstance(value, list) else [value]
    return not all(item in _USUAL.get(name, ()) for item in values)
