"""Two towers: a query (user and history, say) and an item, each ▶ a vector of one width, for a task to compare.

Towers after Yi et al. 2019, doi:10.1145/3298689.3346996; a user as the mean of what they took after Covington et al.
2016, doi:10.1145/2959100.2959190; histories read in order after Hidasi et al. 2015, arXiv:1511.06939 (GRU) and Kang and
McAuley 2018, arXiv:1808.09781 (SASRec), which also let history and items share their embeddings.

For 4,333 users, histories of 20 and 2,414 items with 23 features: 211,744 architectures, from 39 thousand weights and
624 MACs to 1.7 million weights and 4.5 million MACs; by default 83 thousand weights and 5,856 MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.recommendation.blocks import (
    Tables,
    dense_layers,
    facts,
    is_history,
    items_of,
    join,
    make_inputs,
    read_history,
)


class TwoTower(keras_tuner.HyperModel):
    """A pair of encoders, of queries and items, for `inputs` by name: ids and vectors, some of which are the item's."""

    def __init__(self, inputs, features="pair", name=None):
        super().__init__(name=name)
        self.inputs = dict(inputs)
        if features != "pair" or len({bool(one.item) for one in self.inputs.values()}) < 2:
            raise ValueError(
                "Two towers give a pair of features, and need inputs of both halves, some of which are the item's. "
                f"Received: features={features!r}, inputs {', '.join(self.inputs)}."
            )

    def build(self, hp):
        """Return the encoders `hp` describes: inputs by name -> [query vector, item vector], (batch, width) each."""
        given = self.inputs
        queries = [name for name, one in given.items() if not one.item]
        histories = [name for name in queries if is_history(given[name])]
        people = [name for name in queries if given[name].kind == "ids" and name not in histories]

        width = hp.Choice("width", [16, 32, 64, 128], default=32)
        query_depth = hp.Int("query_depth", 0, 3, default=1)
        item_depth = hp.Int("item_depth", 0, 2, default=0)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        reader = hp.Choice("history", ["mean", "attention", "gru", "transformer"]) if histories else None
        share = hp.Boolean("share_items", default=True) if any(items_of(given, name) for name in histories) else False
        # A table of users has as many weights as all else together, and a history tells a user better.
        use_people = hp.Boolean("user_table", default=False) if people and len(queries) > len(people) else True
        reading = {"dropout": dropout}
        if reader in ("gru", "transformer"):
            reading["depth"] = hp.Int("history_depth", 1, 2, default=1)
        if reader == "transformer":
            reading["heads"] = hp.Choice("heads", [1, 2, 4], default=2)
        style = {"dropout": dropout}
        if query_depth + item_depth > 0:
            style["hidden"] = hp.Choice("hidden", [32, 64, 128, 256], default=64)
            style["activation"] = hp.Choice("activation", ["relu", "gelu"], default="relu")
            style["norm"] = hp.Choice("norm", ["none", "layer", "batch"], default="layer")

        inputs = make_inputs(given)
        tables = Tables(given, width, share)

        def parts(name):
            one, x = given[name], inputs[name]
            if one.kind != "ids":
                return facts(x, one, name)
            if is_history(one):
                how = ("mean", {}) if one.item else (reader, reading)
                return [read_history(tables.look_up(name, x), x, how[0], name, **how[1])]
            return [tables.single(name, x)] if use_people or one.item else []

        query = [part for name in queries for part in parts(name)]
        item = [part for name in given if name not in queries for part in parts(name)]
        query = tower(query, query_depth, width, style, name="query")
        item = tower(item, item_depth, width, style, name="item")
        return keras.Model(inputs, [query, item], name=self.name or "two_tower")


def tower(parts, depth, width, style, name):
    """Return the vector, (batch, width), that `depth` dense layers make of `parts` and a last one projects."""
    x = join(parts, name=f"{name}_parts")
    if depth > 0:
        x = dense_layers(x, depth, name=name, **style)
    if depth == 0 and x.shape[-1] == width:
        return x
    return layers.Dense(width, name=f"{name}_vector")(x)
