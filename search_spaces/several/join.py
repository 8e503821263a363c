"""How what was made of several inputs becomes one vector.

Vectors, (batch, width) each, are put side by side or weighed by gates. Tokens look at each other: those of an input are
the places of its sequence or map, or the one vector that its encoder gives, in a common width, with a mask of the real
ones where there is one (``None``: all are).
"""

import math

from keras import layers, ops

from search_spaces.attention import pool, transformer_block
from search_spaces.blocks import PositionEmbedding

MOST_TOKENS = 64
"""Of one input: what attention costs grows with the square of all. Of more places, neighbours are averaged."""

HEADS = 4


def project(x, width, name):
    """Dense, then layer normalization: no input drowns another by the size of its numbers."""
    return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(layers.Dense(width, name=name)(x))


# ---------------------------------------------------------------- vectors


def concatenate(vectors):
    """Side by side: (batch, inputs × width)."""
    return layers.Concatenate(name="join")(vectors)


def gated(vectors):
    """The sum of the tanh of all vectors, each feature weighted by its gate, a softmax over inputs.

    Source: Arevalo et al. 2017, arXiv:1702.01992, section 3.1.
    """
    inputs, width = len(vectors), vectors[0].shape[-1]
    gates = layers.Dense(inputs * width, name="gates")(concatenate(vectors))
    gates = layers.Softmax(axis=1, name="gate")(layers.Reshape((inputs, width), name="gates_by_input")(gates))
    values = layers.Activation("tanh", name="values")(ops.stack(vectors, axis=1))
    return ops.sum(layers.Multiply(name="gated")([gates, values]), axis=1)


# ---------------------------------------------------------------- tokens


def tokens(features, real, width, name):
    """Return at most `MOST_TOKENS` tokens of an input, (batch, tokens, width), and which of them are real.

    A trained vector for each place tells places, and inputs, apart.

    Args:
        features: A vector, a sequence or a map.
        real: (batch, steps), which steps of a sequence are real.
        width: Of a token.
        name: Of the input.
    """
    x, real = few_places(features, real, name)
    return PositionEmbedding(name=f"{name}_places")(project(x, width, f"{name}_projection")), real


def few_places(x, real, name):
    """Return a vector, a sequence or a map as a sequence of at most `MOST_TOKENS` steps, and which of them are real.

    A step is the mean of as many neighbours, those that are real, and is real where one of them is.
    """
    if len(x.shape) == 2:
        return layers.Reshape((1, x.shape[-1]), name=f"{name}_token")(x), None
    size = mean_over(x.shape[1:-1])
    if len(x.shape) == 4:
        if size > 1:
            x = layers.AveragePooling2D(size, padding="same", name=f"{name}_neighbours")(x)
        return layers.Reshape((x.shape[1] * x.shape[2], x.shape[-1]), name=f"{name}_tokens")(x), None
    if size == 1:
        return x, real
    average = layers.AveragePooling1D(size, padding="same", name=f"{name}_neighbours")
    if real is None:
        return average(x), None
    there = ops.cast(real, x.dtype)[:, :, None]
    share = average(there)
    return average(x * there) / ops.maximum(share, 1 / size), share[:, :, 0] > 0


def mean_over(places):
    """Return over how many neighbours, along each axis of `places`, the mean has to be taken.

    Example:
        >>> [mean_over(places) for places in ((8, 8), (9, 8), (16, 64), (64,), (100,))]
        [1, 2, 4, 1, 2]
    """
    size = 1
    while math.prod(math.ceil(length / size) for length in places) > MOST_TOKENS:
        size += 1
    return size


def attend_each(inputs, blocks):
    """The tokens of each input look at those of all others, in blocks of its own: crossmodal attention.

    Source: Tsai et al. 2019, arXiv:1906.00295, section 3.1; Lu et al. 2019, arXiv:1908.02265, section 2.1.

    Args:
        inputs: {name: (tokens, which are real)}.
        blocks: How many.

    Returns:
        Like `inputs`.
    """
    for block in range(1, blocks + 1):
        seen = {}
        for name, (x, real) in inputs.items():
            context, context_real = side_by_side([other for key, other in inputs.items() if key != name])
            context = layers.LayerNormalization(epsilon=1e-6, name=f"block{block}_{name}_context_norm")(context)
            seen[name] = look(x, context_real, context, name=f"block{block}_{name}"), real
        inputs = seen
    return inputs


def attend_together(inputs, blocks):
    """The tokens of all inputs look at all of them, in blocks of a Transformer. Arguments as for `attend_each`.

    Source: Vaswani et al. 2017, arXiv:1706.03762; of images and texts Kim et al. 2021, arXiv:2102.03334, section 3.1.
    """
    x, real = side_by_side(list(inputs.values()))
    for block in range(1, blocks + 1):
        x = look(x, real, None, name=f"block{block}")
    seen, first = {}, 0
    for name, (own, own_real) in inputs.items():
        seen[name] = x[:, first : first + own.shape[1]], own_real
        first += own.shape[1]
    return seen


def look(x, real, context, name):
    """Return `x` after one pre-norm block; the `real` steps are those of the `context`, where there is one."""
    return transformer_block(x, real, context=context, heads=HEADS, ratio=2, activation="gelu", norm="pre", name=name)


def side_by_side(inputs):
    """Return the tokens of several inputs as one sequence, and which of them are real."""
    if len(inputs) == 1:
        return inputs[0]
    x = ops.concatenate([x for x, _ in inputs], axis=1)
    if all(real is None for _, real in inputs):
        return x, None
    masks = [ops.ones_like(x[:, :, 0], dtype="bool") if real is None else real for x, real in inputs]
    return x, ops.concatenate(masks, axis=1)


def means(inputs):
    """Return the mean of the real tokens of each input, side by side: (batch, inputs × width)."""
    vectors = []
    for name, (x, real) in inputs.items():
        x = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
        vectors.append(pool(x, "mean", real, name=f"{name}_mean"))
    return concatenate(vectors)
