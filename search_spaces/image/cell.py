"""A searched cell, stacked: (height, width, channels) -> (features,), or the last map.

NAS-Bench-201 (Dong and Yang 2020, arXiv:2001.00326, section 2): a cell has four nodes, its input and three sums, and an
operation on each of the six edges between them; one cell is repeated in three stages with residual blocks between that
halve the map and double the channels; fewer stages where the image is small. On images of more than 56×56 pixels the
stem goes on by several. The default is the fifth of the 15,625 cells by accuracy on CIFAR-10 there, and no better one
is as small.

An edge through which nothing reaches the output is not built, and a skip hands on what is to be summed: cells that
compute the same are the same. Of the 15,625 ways to choose six operations 341 connect nothing, and are turned away; the
others are 5,259 different cells.

For 28×28×1: 78,885 combinations of a cell, a width and a number of cells a stage, from 19 thousand weights and 1.5
million MACs to 3.8 million weights and 413 million MACs; by default 106 thousand weights and 10.4 million MACs.
"""

import keras
import keras_tuner
from keras import layers
from keras_tuner.errors import FailedTrialError

from search_spaces.blocks import normalize
from search_spaces.image.blocks import ask_stem, convolve, finish, image_features, stem_kernel

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""From node to node, in the order in which NAS-Bench-201 writes them. Node 0 is the input, node 3 the output."""

PATHS = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))
"""All ways through a cell."""

OPERATIONS = ("none", "skip", "conv1", "conv3", "average")

GOOD_CELL = ("conv3", "conv1", "conv3", "skip", "conv1", "conv1")
"""One operation an edge: 94.31 % on CIFAR-10 (test, 200 epochs, mean of three), where the best cell has 94.37 %."""


class Cell(keras_tuner.HyperModel):
    """A stack of one searched cell for images of `input_shape`, (height, width, channels)."""

    def __init__(self, input_shape, features="vector", name=None):
        super().__init__(name=name)
        self.input_shape = tuple(input_shape)
        self.features = image_features(features)

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, height, width, channels) -> (batch, features), or a map.

        Raises:
            FailedTrialError: Nothing reaches the cell's output.
        """
        stride, stages = ask_stem(hp, self.input_shape, most=3)
        width = hp.Choice("width", [8, 12, 16, 24, 32], default=12)
        cells = hp.Int("cells", 1, 3, default=1)
        operations = [
            hp.Choice(f"edge{start}{end}", OPERATIONS, default=good)
            for (start, end), good in zip(EDGES, GOOD_CELL, strict=True)
        ]
        edges = living_edges(operations)
        if not edges:
            raise FailedTrialError(f"no path leads from the cell's input to its output: {spell(operations)}")

        inputs = keras.Input(self.input_shape)
        x = convolve(inputs, width, stem_kernel(stride), name="stem", stride=stride)
        for stage in range(1, stages + 1):
            if stage > 1:
                x = reduce(x, name=f"stage{stage}_reduce")
            for cell in range(1, cells + 1):
                x = connect(x, edges, name=f"stage{stage}_cell{cell}")
        x = normalize(x, "batch", name="norm")
        x = layers.Activation("relu", name="activation")(x)
        return keras.Model(inputs, finish(x, self.features), name=self.name or "cell")


def living_edges(operations):
    """Return ``{(start, end): operation}`` for the edges that lie on an open path from node 0 to node 3.

    Args:
        operations: One an edge, in the order of `EDGES`.
    """
    chosen = dict(zip(EDGES, operations, strict=True))
    open_paths = [path for path in PATHS if all(chosen[edge] != "none" for edge in path)]
    return {edge: operation for edge, operation in chosen.items() if any(edge in path for path in open_paths)}


def connect(x, edges, name):
    """Return what a cell of living `edges` makes of `x`; the shape stays.

    A node is kept as the terms of its sum: (a + b) + c, where a skip hands on a sum, is the same as a + (b + c).
    """
    terms = {node: [] for node in range(4)}
    terms[0] = [x]
    sums = {0: x}
    for (start, end), operation in edges.items():
        if operation == "skip":
            terms[end] += terms[start]
            continue
        if start not in sums:
            sums[start] = add(terms[start], name=f"{name}_node{start}")
        terms[end].append(operate(sums[start], operation, name=f"{name}_edge{start}{end}"))
    return add(terms[3], name=f"{name}_node3")


def add(terms, name):
    """Return the sum of one or more maps."""
    return layers.Add(name=name)(terms) if len(terms) > 1 else terms[0]


def operate(x, operation, name):
    """Return what an edge makes of `x`: the mean of 3×3 places, or activation, convolution, normalization."""
    if operation == "average":
        return layers.AveragePooling2D(3, 1, padding="same", name=name)(x)
    x = layers.Activation("relu", name=f"{name}_activation")(x)
    return convolve(x, x.shape[-1], {"conv1": 1, "conv3": 3}[operation], name=name)


def reduce(x, name):
    """Residual block between stages: half the map, twice the channels."""
    filters = 2 * x.shape[-1]
    y = layers.Activation("relu", name=f"{name}_activation1")(x)
    y = convolve(y, filters, 3, name=f"{name}_conv1", activation="relu", stride=2)
    y = convolve(y, filters, 3, name=f"{name}_conv2")
    x = layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_shortcut")(x)
    return layers.Add(name=f"{name}_add")([x, y])


def spell(operations):
    """Return `operations` as NAS-Bench-201 writes a cell: node by node, each edge as ``operation~start``.

    Example:
        >>> spell(("conv3", "none", "conv3", "skip", "none", "skip"))
        '|conv3~0|+|none~0|conv3~1|+|skip~0|none~1|skip~2|'
    """
    edges = list(zip(EDGES, operations, strict=True))
    nodes = ("".join(f"{operation}~{start}|" for (start, end), operation in edges if end == node) for node in (1, 2, 3))
    return "+".join(f"|{node}" for node in nodes)
