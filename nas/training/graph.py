"""A built model ▶ the calls that lead from its inputs to its outputs, nested models unfolded.

Keras keeps this graph behind ``tensor._keras_history`` and ``operation._inbound_nodes``; this is the only file
that reads it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np

Shape: TypeAlias = tuple[int | None, ...]
Source: TypeAlias = tuple[int, int]
"""Which call a tensor comes from, and which of its outputs it is."""

COMMUTATIVE = frozenset({"Add", "Multiply", "Average", "Maximum", "Minimum"})
"""Layers and operations whose inputs may be swapped."""

_PLAIN = (type(None), bool, int, float, str, slice, type(...))
_UNNAMED = frozenset({"name", "seed", "shared_object_id"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer or operation.

    `label` is what it computes, without names and seeds; two calls with one `identity` use the same weights.
    `shapes` are those of its tensor arguments, constants among them; all shapes have their batch axis.
    """

    operation: Any
    name: str
    label: str
    inputs: tuple[Source, ...]
    shapes: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    commutative: bool = False
    identity: int | None = None
    opaque: bool = False
    node: Any = None
    """Keras's record of the call."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The calls of a model in an order in which they can be made, and where its outputs come from."""

    calls: tuple[Call, ...]
    outputs: tuple[Source, ...]


def trace(model: keras.Model) -> Graph:
    """Return the graph of a built model.

    What does not reach an output is left out; so is what does nothing (``Identity``, a linear ``Activation``, a
    ``Dropout`` of 0). A model that is no graph (a subclass with a ``call`` of its own) is a single opaque call.
    """
    if not has_graph(model):
        return Graph((_opaque_model(model),), ((0, 0),))
    calls = [_input(tensor, position) for position, tensor in enumerate(model.inputs)]
    feeds = [(position, 0) for position in range(len(calls))]
    outputs = _unfold(model.inputs, model.outputs, feeds, calls, path="")
    return Graph(tuple(calls), tuple(outputs))


def has_graph(thing: object) -> bool:
    """Whether `thing` is a model made of connected layers: a functional one, or a ``Sequential`` that is built."""
    if not isinstance(thing, keras.Sequential | keras.Function) or getattr(thing, "inputs", None) is None:
        return False
    call = next(base for base in type(thing).__mro__ if "call" in vars(base))
    return call.__module__.partition(".")[0] == "keras"  # a subclass may have a `call` that does something else


def look_inside(call: Call) -> Graph | None:
    """Return the graph of what a layer does when it is called, for one example; ``None`` if it cannot be followed.

    The layer's own ``call`` is run on tensors without values. That fails where it uses TensorFlow directly, or where
    what it does depends on values.
    """
    given: list[Any] = []

    def stand_in(value: Any) -> Any:
        if not _is_symbolic(value):
            return value
        shape = tuple(value.shape)
        given.append(keras.KerasTensor((1, *shape[1:]) if shape and shape[0] is None else shape, dtype=value.dtype))
        return given[-1]

    try:
        args, kwargs = call.node.arguments.convert(stand_in)
        outputs = keras.tree.flatten(call.operation.call(*args, **kwargs))
        calls = [_input(tensor, position) for position, tensor in enumerate(given)]
        feeds = [(position, 0) for position in range(len(given))]
        sources = _unfold(given, outputs, feeds, calls, f"{call.name}/")
        return Graph(tuple(calls), tuple(sources))
    except Exception:
        return None


def _input(tensor: Any, position: int) -> Call:
    shape = tuple(tensor.shape)
    label = f"input {position} {shape[1:]} {tensor.dtype}"
    return Call(None, tensor.name, label, inputs=(), shapes=(), outputs=(shape,))


def _unfold(given: list[Any], wanted: list[Any], feeds: list[Source], calls: list[Call], path: str) -> list[Source]:
    """Append the calls between two lists of tensors to `calls`; return where the wanted ones come from.

    `feeds` says where the given ones do.
    """
    known: dict[int, Source] = {id(tensor): feed for tensor, feed in zip(given, feeds, strict=True)}
    for node in _in_order(wanted, set(known)):
        operation = node.operation
        arguments = _bind(operation, node.arguments.args, node.arguments.kwargs)
        tensors = [value for value in _leaves(arguments) if _is_symbolic(value)]
        if has_graph(operation):
            inner = [known[id(tensor)] for tensor in node.arguments.keras_tensors]
            outputs = _unfold(operation.inputs, operation.outputs, inner, calls, f"{path}{operation.name}/")
        elif _does_nothing(operation):
            outputs = [known[id(tensors[0])]]
        else:
            sources = tuple(known[id(tensor)] for tensor in tensors)
            calls.append(_call(node, arguments, sources, path, number=len(calls)))
            outputs = [(len(calls) - 1, index) for index in range(len(node.outputs))]
        known |= {id(tensor): source for tensor, source in zip(node.outputs, outputs, strict=True)}
    return [known[id(tensor)] for tensor in wanted]


def _in_order(outputs: list[Any], given: set[int]) -> Iterator[Any]:
    """Yield the nodes that `outputs` need beyond the tensors in `given`, each after those it needs itself."""
    done: set[int] = set()
    stack = [(tensor, False) for tensor in reversed(outputs)]
    while stack:
        tensor, ready = stack.pop()
        if id(tensor) in given:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            yield node
        else:
            stack.append((tensor, True))
            stack += [(needed, False) for needed in reversed(node.arguments.keras_tensors)]


def _call(node: Any, arguments: dict[str, Any], sources: tuple[Source, ...], path: str, number: int) -> Call:
    operation = node.operation
    kind = type(operation).__name__
    commutative = kind in COMMUTATIVE and _origin(operation) == "keras"
    config, opaque = _configuration(operation)
    opaque |= any(isinstance(value, keras.Variable) or not _is_plain(value) for value in _leaves(arguments))
    spelled = [_spell(value) for value in arguments.values()]
    if commutative:  # layers.Add()([x, y]) and x + y are the same
        label = json.dumps([kind, sorted(_spell(value) for value in _leaves(arguments) if not _is_symbolic(value))])
    else:
        label = json.dumps([f"{_origin(operation)}:{kind}", config, list(zip(arguments, spelled, strict=True))])
    weights = getattr(operation, "weights", ())
    random = getattr(operation, "seed_generator", None) is not None
    return Call(
        operation,
        name=path + operation.name,
        label=label,
        inputs=sources,
        shapes=tuple(tuple(v.shape) for v in _leaves(arguments) if _is_symbolic(v) or _is_array(v)),
        outputs=tuple(tuple(tensor.shape) for tensor in node.outputs),
        commutative=commutative,
        identity=id(operation) if weights else -number if random else None,  # every call of a Dropout draws anew
        opaque=opaque,
        node=node,
    )


def _opaque_model(model: keras.Model) -> Call:
    """Return a model that is no graph as one call."""
    config, _ = _configuration(model)
    label = json.dumps([f"{_origin(model)}:{type(model).__name__}", config])
    return Call(model, model.name, label, inputs=(), shapes=(), outputs=(), identity=id(model), opaque=True)


def _configuration(operation: Any) -> tuple[Any, bool]:
    """Return what `operation` is configured with, and whether that may not be all that decides what it computes."""
    weights = [[list(w.shape), str(w.dtype), bool(w.trainable)] for w in getattr(operation, "weights", ())]
    try:
        config = dict(operation.get_config())
        config.pop("name", None)
        return [_plain(config), weights], isinstance(operation, keras.layers.Lambda | keras.Model)
    except (NotImplementedError, TypeError, ValueError):
        return weights, True


def _plain(value: Any) -> Any:
    """Return a configuration as JSON types, without names and seeds."""
    if isinstance(value, Mapping):
        # The name of a dtype policy is what it says, not what it is called.
        hidden = _UNNAMED - {"name"} if set(value) == {"name"} else _UNNAMED
        return {str(key): _plain(item) for key, item in sorted(value.items(), key=str) if key not in hidden}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return f"{value:.12g}"  # 0.1 + 0.2 is 0.3 here
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if _is_array(value):
        return _spell(value)
    return _plain(keras.saving.serialize_keras_object(value))


def _origin(operation: Any) -> str:
    module = type(operation).__module__
    return "keras" if module.partition(".")[0] == "keras" else module


def _does_nothing(operation: Any) -> bool:
    if isinstance(operation, keras.layers.Activation):
        return operation.activation is keras.activations.linear
    if isinstance(operation, (keras.layers.Dropout, keras.layers.GaussianDropout, keras.layers.AlphaDropout)):
        return bool(operation.rate == 0)
    return type(operation) is keras.layers.Identity


def _bind(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, in the order of its signature, without those that are ``None``."""
    try:
        bound = inspect.signature(operation.call).bind(*args, **kwargs).arguments
    except TypeError:  # operations that write themselves with fewer arguments than they are called with
        bound = {**{str(position): value for position, value in enumerate(args)}, **kwargs}
    return {name: value for name, value in bound.items() if value is not None}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype") and not _is_symbolic(value)


def _is_plain(value: Any) -> bool:
    """Whether `_spell` tells the whole of `value`."""
    return _is_symbolic(value) or _is_array(value) or isinstance(value, _PLAIN)


def _spell(value: Any) -> str:
    """Return an argument of a call as text; tensors from the graph are told by their place alone."""
    if _is_symbolic(value):
        return "tensor"
    if isinstance(value, keras.Variable):
        return f"variable {value.dtype}{tuple(value.shape)}"
    if _is_array(value):
        array = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
        return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_spell(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_spell, value)) + "]"
    if isinstance(value, slice):
        return f"{_spell(value.start)}:{_spell(value.stop)}:{_spell(value.step)}"
    return repr(value) if isinstance(value, _PLAIN) else type(value).__qualname__
