"""How layer calls read in a drawing: what computes gets a line, what accompanies it is written small beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nas.architecture import Node
from nas.report import words

SHORT = {
    "Add": "+ add",
    "AveragePooling1D": "Mean pool",
    "AveragePooling2D": "Mean pool",
    "BatchNormalization": "batch norm",
    "Concatenate": "+ concat",
    "Conv1D": "Conv",
    "Conv2D": "Conv",
    "Conv3D": "Conv",
    "DepthwiseConv1D": "Depthwise",
    "DepthwiseConv2D": "Depthwise",
    "GlobalAveragePooling1D": "Global pool",
    "GlobalAveragePooling2D": "Global pool",
    "GlobalMaxPooling1D": "Global max pool",
    "GlobalMaxPooling2D": "Global max pool",
    "GroupNormalization": "group norm",
    "GroupQueryAttention": "Attention",
    "InputLayer": "Input",
    "LayerNormalization": "layer norm",
    "LeakyReLU": "leaky ReLU",
    "MaxPooling1D": "Max pool",
    "MaxPooling2D": "Max pool",
    "MultiHeadAttention": "Attention",
    "Multiply": "× gate",
    "ELU": "ELU",
    "PReLU": "PReLU",
    "ReLU": "ReLU",
    "RMSNormalization": "RMS norm",
    "SelfAttention": "Attention",
    "SeparableConv1D": "Separable",
    "SeparableConv2D": "Separable",
    "StochasticDepth": "drop path",
    "ZeroPadding1D": "pad",
    "ZeroPadding2D": "pad",
}
"""Names shorter than the classes' own."""

JOINT = " · "
"""Between the layers that accompany one."""
ACTIVATIONS = {"Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"}
SMALL = {
    *ACTIVATIONS, "BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
    "UnitNormalization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity", "Masking",
    "SpatialDropout1D", "SpatialDropout2D", "ZeroPadding1D", "ZeroPadding2D", "LayerScale", "StochasticDepth",
}  # fmt: skip
MERGES = {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}


@dataclass(frozen=True, slots=True)
class Line:
    """A layer that computes (`main`) with what accompanies it (`minor`); `main` is empty where nothing computes."""

    main: str
    minor: str
    skip: int | None = None
    """Where branches join here: the first line of the block that one of them leads around."""


def lines(nodes: Sequence[Node], shape: tuple[int | None, ...]) -> list[Line]:
    """Return the lines of a block in a stage of `shape`.

    Normalisation before the layer it feeds and activations after theirs share that layer's line.
    """
    found: list[Line] = []
    waiting: list[str] = []  # small layers that belong to the next line
    after: dict[str, int] = {}  # by node, the line that comes after it
    for node in nodes:
        small = node.layer in SMALL
        if small and found and not waiting and (found[-1].skip is None or node.layer in ACTIVATIONS):
            found[-1] = replace(found[-1], minor=_join(found[-1].minor, _small(node)))
        elif small:
            waiting.append(_small(node))
        else:
            skip = min(after.get(source, 0) for source in node.inputs) if _is_merge(node) else None
            found.append(Line(_main(node, shape), _join(*waiting, _activation(node)), skip))
            waiting = []
        after[node.id] = len(found)
    if waiting:
        found.append(Line("", _join(*waiting)))
    return found


def folded(lines: Sequence[Line]) -> list[tuple[Line, int]]:
    """Return equal lines that follow each other as one, with their number; none across the beginning of a branch."""
    begins = {line.skip for line in lines}
    found: list[tuple[Line, int]] = []
    for index, line in enumerate(lines):
        if found and found[-1][0] == line and index not in begins:
            found[-1] = (line, found[-1][1] + 1)
        else:
            found.append((line, 1))
    return found


def _is_merge(node: Node) -> bool:
    return node.layer in MERGES and len(node.inputs) > 1


def _join(*parts: str) -> str:
    return JOINT.join(part for part in parts if part)


def _small(node: Node) -> str:
    name = SHORT.get(node.layer) or _spoken(node.layer).lower()
    if node.layer == "Activation" and "activation" in node.settings:
        return words.setting(node.settings["activation"])
    rate = node.settings.get("rate")
    return f"{name} {words.setting(rate)}" if rate is not None else name


def _activation(node: Node) -> str:
    activation = node.settings.get("activation")
    return words.setting(activation) if activation not in (None, "", "linear") else ""


def _main(node: Node, shape: tuple[int | None, ...]) -> str:
    """Return a layer's name with its kernel, stride and heads, and its channels where they are not the stage's."""
    parts = [SHORT.get(node.layer) or _spoken(node.layer)]
    if kernel := _first(node, "kernel_size", "kernel", "pool_size", "pool", "patch_size"):
        parts.append(_window(kernel))
    strides = _first(node, "strides", "stride")
    if strides and "ool" not in node.layer and _window(strides).strip("1×"):
        parts.append(f"/{_window(strides).split('×')[0]}")
    if heads := _first(node, "num_heads", "heads", "num_query_heads"):
        parts.append(f"{words.setting(heads)} heads")
    if node.shape[-1:] != shape[-1:]:
        parts.append(f"→ {words.shape(node.shape[-1:])}")
    return " ".join(parts)


def _first(node: Node, *names: str) -> object:
    return next((node.settings[name] for name in names if node.settings.get(name)), None)


def _window(size: object) -> str:
    return words.setting(size)


def _spoken(layer: str) -> str:
    """Return a class name as words: "MaxPooling2D" is "Max pooling", "SqueezeExcite" is "Squeeze excite"."""
    for dimensions in ("1D", "2D", "3D"):
        layer = layer.removesuffix(dimensions)
    spoken = "".join(
        f" {c.lower()}" if c.isupper() and not layer[i - 1].isupper() and i else c for i, c in enumerate(layer)
    )
    return words.short(spoken.replace("_", " ").strip(), 24)
