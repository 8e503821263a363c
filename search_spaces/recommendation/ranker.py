"""Rankers: everything about a user and an item ▶ one vector, from which a task tells a rating or a click.

Cross layers after Wang et al. 2020, arXiv:2008.13535 (DCN-v2; full or of low rank, before the deep layers or beside
them), which multiply features with features; products of embeddings after Rendle 2010, doi:10.1109/ICDM.2010.127
(factorization machines).

For 4,333 users, histories of 20 and 2,414 items with 23 features: 432,624 architectures, from 27 thousand weights and
no MACs to 406 thousand weights and 228 thousand MACs; by default 66 thousand weights and 12 thousand MACs.
"""

import itertools

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import named_inputs
from search_spaces.recommendation.blocks import (
    Tables,
    dense_layers,
    facts,
    is_history,
    items_of,
    join,
    read_history,
)


class Ranker(keras_tuner.HyperModel):
    """One encoder of all `inputs` by name, ids and vectors."""

    def __init__(self, inputs, features="vector", name=None):
        super().__init__(name=name)
        self.inputs = dict(inputs)
        if features != "vector":
            raise ValueError(f"A ranker gives a vector. Received: features={features!r}.")

    def build(self, hp):
        """Return the encoder `hp` describes: inputs by name -> (batch, width)."""
        given = self.inputs
        ids = [name for name, one in given.items() if one.kind == "ids"]
        histories = [name for name in ids if is_history(given[name])]

        embedding = hp.Choice("embedding", [4, 8, 16, 32], default=8)
        crosses = hp.Int("cross_layers", 0, 4, default=2)
        depth = hp.Int("depth", 0, 3, default=2)
        reader = hp.Choice("history", ["mean", "attention", "gru"]) if histories else None
        share = hp.Boolean("share_items", default=True) if any(items_of(given, name) for name in histories) else False
        products = hp.Boolean("products", default=True) if len(ids) > 1 else False
        rank = hp.Choice("cross_rank", ["full", "half", "quarter"], default="full") if crosses > 0 else "full"
        stacked = hp.Boolean("stacked", default=False) if crosses > 0 and depth > 0 else False
        style = {}
        if depth > 0:
            style["hidden"] = hp.Choice("hidden", [16, 32, 64, 128], default=64)
            style["activation"] = hp.Choice("activation", ["relu", "gelu"], default="relu")
            style["norm"] = hp.Choice("norm", ["none", "layer", "batch"], default="none")
            style["dropout"] = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)

        inputs = named_inputs(given)
        tables = Tables(given, embedding, share)
        embedded = {
            name: read_history(tables.look_up(name, inputs[name]), inputs[name], reader, name)
            if name in histories
            else tables.single(name, inputs[name])
            for name in ids
        }
        vectors = [part for name in given if name not in ids for part in facts(inputs[name], given[name], name)]
        start = join([*embedded.values(), *vectors], name="features")
        crossed = cross(start, crosses, rank)
        deep = dense_layers(crossed if stacked else start, depth, name="deep", **style) if depth > 0 else None
        ends = [x for x in (None if stacked else crossed, deep) if x is not None]
        if products:
            ends += [
                layers.Dot(axes=1, name=f"{one}_times_{other}")([embedded[one], embedded[other]])
                for one, other in itertools.combinations(ids, 2)
            ]
        return keras.Model(inputs, join(ends, name="all"), name=self.name or "ranker")


def cross(start, count, rank):
    """Return `start` behind so many layers ``x + start * dense(x)``; dense is of full rank, or of a part of it."""
    x, width = start, start.shape[-1]
    for layer in range(1, count + 1):
        y = x
        if rank != "full":
            low = max(1, width // {"half": 2, "quarter": 4}[rank])
            y = layers.Dense(low, use_bias=False, name=f"cross{layer}_low")(y)
        y = layers.Dense(width, name=f"cross{layer}_dense")(y)
        y = layers.Multiply(name=f"cross{layer}_times")([start, y])
        x = layers.Add(name=f"cross{layer}_add")([x, y])
    return x
