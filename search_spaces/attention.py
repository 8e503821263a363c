"""Attention and pooling over steps of any kind: (batch, steps, width), and a mask (batch, steps) of the real ones.

A mask is an argument like any other, ``None`` where every step is real: nothing depends on Keras handing masks on
unseen. Layers call it `real`, because Keras would handle a `mask` by rules of its own and hang it on what they give.
What a layer gives for steps that are not real means nothing; nothing here looks at them.
"""

import keras
from keras import layers, ops

from search_spaces.blocks import PositionEmbedding, SinePositions

FAR = -1e9
"""A score that softmax makes nothing of. Not minus infinity: of nothing but those it would make NaN."""

EPSILON = 1e-6
"""Of layer normalization."""

POSITIONS = ["learned", "sine", "rotary"]
GATES = {"geglu": "gelu", "swiglu": "silu", "reglu": "relu"}
"""Feed-forward layers with a gate, and its activation."""
ACTIVATIONS = ["relu", "gelu", "geglu", "swiglu"]
POOLINGS = ["mean", "max", "mean+max", "last", "first", "attention"]


# ---------------------------------------------------------------- (batch, steps, width) -> (batch, features)


def pool(x, how, mask=None, name="pool"):
    """Return one vector of the real steps of `x`; `how` is one of `POOLINGS`. Of none, it is zeros."""
    if how == "attention":
        return AttentionPooling(name=name)(x, real=mask)
    if how == "mean+max":
        both = [MaskedPooling(one, name=f"{name}_{one}")(x, real=mask) for one in ("mean", "max")]
        return layers.Concatenate(name=name)(both)
    return MaskedPooling(how, name=name)(x, real=mask)


@keras.saving.register_keras_serializable(package="search_spaces")
class MaskedPooling(layers.Layer):
    """The mean, the maximum, the first or the last of the real steps: (batch, steps, width) -> (batch, width).

    Args:
        how: ``"mean"``, ``"max"``, ``"first"`` or ``"last"``. The first step is taken to be real.
    """

    def __init__(self, how, **kwargs):
        super().__init__(**kwargs)
        if how not in ("mean", "max", "first", "last"):
            raise ValueError(f"how must be 'mean', 'max', 'first' or 'last'. Received: {how!r}.")
        self.how = how

    def call(self, inputs, real=None):
        """Return one vector of each example; zeros where it has no real step."""
        if self.how == "first":
            return inputs[:, 0]
        steps = inputs.shape[1]
        real = ops.ones_like(inputs[:, :, :1]) if real is None else ops.cast(real, inputs.dtype)[:, :, None]
        if self.how == "mean":
            return ops.sum(inputs * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
        if self.how == "max":
            some = ops.max(real, axis=1)
            return some * ops.max(ops.where(real > 0, inputs, FAR), axis=1)
        places = ops.arange(1, steps + 1, dtype=inputs.dtype)[None, :, None] * real
        here = ops.cast(places == ops.max(places, axis=1, keepdims=True), inputs.dtype) * real
        return ops.sum(inputs * here, axis=1)

    def compute_output_shape(self, input_shape):
        """Return (batch, width)."""
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "how": self.how}


@keras.saving.register_keras_serializable(package="search_spaces")
class AttentionPooling(layers.Layer):
    """A mean of the real steps, weighted by a small network: (batch, steps, width) -> (batch, width).

    Source: Lin et al. 2017, arXiv:1703.03130, section 2.1, with one hop: softmax of w₂ · tanh(W₁ · step).
    """

    def build(self, input_shape):
        """Make the two dense layers."""
        width = input_shape[-1]
        self.hidden = layers.Dense(width, activation="tanh", name="hidden")
        self.score = layers.Dense(1, use_bias=False, name="score")
        self.hidden.build(input_shape)
        self.score.build((*input_shape[:-1], width))

    def call(self, inputs, real=None):
        """Return the weighted mean; zeros where no step is real."""
        scores = self.score(self.hidden(inputs))[:, :, 0]
        if real is None:
            return ops.einsum("bs,bsw->bw", ops.softmax(scores, axis=-1), inputs)
        weights = ops.softmax(ops.where(real, scores, FAR), axis=-1) * ops.cast(real, inputs.dtype)
        return ops.einsum("bs,bsw->bw", weights, inputs)

    def compute_output_shape(self, input_shape):
        """Return (batch, width)."""
        return (input_shape[0], input_shape[-1])


# ---------------------------------------------------------------- a Transformer: (batch, steps, width) -> the same


def add_positions(x, kind, name="position"):
    """Return `x` with its positions added; rotary ones are the business of `SelfAttention`. `kind`: see `POSITIONS`."""
    if kind == "learned":
        return PositionEmbedding(name=name)(x)
    return SinePositions(x.shape[1:2], name=name)(x) if kind == "sine" else x


def transformer_block(
    x, mask=None, *, context=None, heads, ratio, activation, norm="pre", rotary=False, dropout=0.0, name
):
    """Return `x` after one block: every step looks at all real ones, then is transformed by itself.

    Args:
        x: (batch, steps, width).
        mask: (batch, steps), which steps are real; with a `context`, which of its steps are.
        context: (batch, others, width), what steps look at instead of at each other.
        heads: Of attention; `width` is a multiple of it, twice so for rotary positions.
        ratio: How much wider the feed-forward layer is than `width`; one with a gate is 2/3 as wide.
        activation: One of `ACTIVATIONS`, see `feed_forward`.
        norm: ``"pre"`` or ``"post"``, see `residual`.
        rotary: Whether attention tells positions apart by turning queries and keys.
        dropout: Of both parts, and of what a step looks at.
        name: What the names of its layers begin with.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.
    """
    kind, seen = (SelfAttention, ()) if context is None else (CrossAttention, (context,))
    attention = kind(heads, rotary=rotary, dropout=dropout, name=f"{name}_attention")
    inner = inner_width(x.shape[-1], ratio, activation)

    def attend(y):
        return attention(y, *seen, real=mask)

    def transform(y):
        return feed_forward(y, inner, activation, name=f"{name}_mlp")

    x = residual(x, attend, norm, dropout, name=f"{name}_attention")
    return residual(x, transform, norm, dropout, name=f"{name}_mlp")


def residual(x, change, norm, dropout=0.0, *, name):
    """Return `x` plus what ``change(x)`` is, under dropout.

    Args:
        x: (batch, steps, width).
        change: ``(y) -> y`` of the same shape.
        norm: Where a layer normalization is: ``"pre"``, before `change`, so that there has to be one behind the last
            block; ``"post"``, after the addition, as in the original; or ``"none"``. Pre-norm trains without a warm-up
            (Xiong et al. 2020, arXiv:2002.04745).
        dropout: Of what is added.
        name: What the names of its layers begin with.
    """
    if norm not in ("pre", "post", "none"):
        raise ValueError(f"norm must be 'pre', 'post' or 'none'. Received: {norm!r}.")
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x) if norm == "pre" else x
    y = drop(change(y), dropout, name=f"{name}_dropout")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x) if norm == "post" else x


def feed_forward(x, inner, activation, dropout=0.0, *, name):
    """Return `x`, each step by itself, after two dense layers: `inner` features in between, under dropout.

    The first has an activation by name, or a gate: ``"geglu"``, ``"swiglu"`` and ``"reglu"`` multiply it with GELU,
    Swish and ReLU of another one (Shazeer 2020, arXiv:2002.05202).
    """
    gate = GATES.get(activation)
    y = layers.Dense(inner, activation=gate or activation, name=f"{name}_dense1")(x)
    if gate:
        value = layers.Dense(inner, name=f"{name}_value")(x)
        y = layers.Multiply(name=f"{name}_gate")([y, value])
    y = drop(y, dropout, name=f"{name}_inner_dropout")
    return layers.Dense(x.shape[-1], name=f"{name}_dense2")(y)


def inner_width(width, ratio, activation):
    """Return how wide a feed-forward layer is for `ratio`; with a gate 2/3 of it, which makes as many weights.

    Example:
        >>> inner_width(48, 2, "gelu"), inner_width(48, 2, "geglu")
        (96, 64)
    """
    return round(ratio * width * 2 / 3) if activation in GATES else ratio * width


def drop(x, rate, name):
    """Return `x` under dropout, where there is any."""
    return layers.Dropout(rate, name=name)(x) if rate > 0 else x


@keras.saving.register_keras_serializable(package="search_spaces")
class SelfAttention(layers.Layer):
    """Every step looks at all real ones: (batch, steps, width) -> the same shape.

    Args:
        heads: How many; they share out `width`.
        rotary: Turn queries and keys by their positions, so that a score depends on how far two steps are apart (Su et
            al. 2021, arXiv:2104.09864, section 3.2).
        dropout: Of what a step looks at.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """

    def __init__(self, heads, rotary=False, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.rotary, self.dropout = heads, rotary, dropout

    def build(self, input_shape):
        """Make the four projections, (width, width) each."""
        width = input_shape[-1]
        parts = self.heads * (2 if self.rotary else 1)
        if width % parts:
            raise ValueError(f"The width, {width}, must be a multiple of {parts} for {self.heads} heads.")
        self.query, self.key, self.value, self.output_projection = (
            layers.Dense(width, name=name) for name in ("query", "key", "value", "output")
        )
        for projection in (self.query, self.key, self.value, self.output_projection):
            projection.build(input_shape)
        self.drop = layers.Dropout(self.dropout) if self.dropout > 0 else None

    def call(self, inputs, real=None, training=None):
        """Return what each step has seen."""
        return self._look(inputs, inputs, real, training)

    def _look(self, inputs, context, real, training):
        """Return what each step of `inputs` has seen of the `real` ones of `context`."""
        _, steps, width = inputs.shape
        size = width // self.heads

        def split(x):
            return ops.reshape(x, (-1, x.shape[1], self.heads, size))

        query, key, value = split(self.query(inputs)), split(self.key(context)), split(self.value(context))
        if self.rotary:
            query, key = rotate(query), rotate(key)
        scores = ops.einsum("bqhs,bkhs->bhqk", query, key) / size**0.5
        if real is not None:
            scores = ops.where(real[:, None, None, :], scores, FAR)
        weights = ops.softmax(scores, axis=-1)
        if self.drop is not None:
            weights = self.drop(weights, training=training)
        seen = ops.einsum("bhqk,bkhs->bqhs", weights, value)
        return self.output_projection(ops.reshape(seen, (-1, steps, width)))

    def compute_output_shape(self, input_shape):
        """Return `input_shape`."""
        return input_shape

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "heads": self.heads, "rotary": self.rotary, "dropout": self.dropout}


@keras.saving.register_keras_serializable(package="search_spaces")
class CrossAttention(SelfAttention):
    """Every step looks at all real ones of a context: (batch, steps, width), (batch, others, width) -> like the first.

    Arguments are those of `SelfAttention`; `real`, (batch, others), is the context's. Source: as there.
    """

    def call(self, inputs, context, real=None, training=None):
        """Return what each step has seen of the context; zeros where none of it is real."""
        seen = self._look(inputs, context, real, training)
        return seen if real is None else seen * ops.cast(ops.any(real, axis=1), seen.dtype)[:, None, None]


def rotate(x):
    """Return `x`, (batch, steps, heads, size), with its pairs of features turned by an angle that grows with the step.

    Feature i and feature size/2 + i are a pair; the first turns by 1 a step, the last by nearly 1/10,000.
    """
    steps, size = x.shape[1], x.shape[-1]
    half = size // 2
    speeds = 10_000.0 ** (-ops.arange(half, dtype=x.dtype) / half)
    angles = ops.arange(steps, dtype=x.dtype)[:, None, None] * speeds
    cos, sin = ops.cos(angles), ops.sin(angles)
    first, second = x[..., :half], x[..., half:]
    return ops.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
