"""Two encoders, one for each half of a pair: inputs by name -> (width,) and (width,).

The inputs that are an item's (a text that belongs to an image, say) make one half, all others the query's. Each input
is encoded by a searched family of its own, what belongs to a half is put side by side, and a projection head ends both
halves in vectors of one width, to be compared by their product: Radford et al. 2021, arXiv:2103.00020, section 2.4,
whose heads are linear; with hidden layers after Chen et al. 2020, arXiv:2002.05709, section 4.2.

Beside the encoders, for two inputs that are encoded in 64 features each: 45 architectures, from 4,160 weights and
4,096 MACs to 233 thousand weights and 229 thousand MACs; by default 33,664 weights and 32,768 MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import named_inputs
from search_spaces.several.blocks import choose_families, encode, real_steps, refuse_unencoded, vectors_of


class Pair(keras_tuner.HyperModel):
    """A pair of encoders of `inputs`, {name: what it is}, of which those with ``item`` make the second half.

    Args:
        inputs: By name, what tells ``kind``, ``shape``, ``dtype``, ``item`` and, of ids, ``vocabulary``.
        encoders: {name: {family: ``HyperModel`` that encodes this input alone}}; ids need none.
        name: Of the models.
    """

    def __init__(self, inputs, encoders, name=None):
        super().__init__(name=name)
        refuse_unencoded(inputs, encoders)
        if len({bool(given.item) for given in inputs.values()}) != 2:
            raise ValueError(
                f"A pair has two halves, and of {', '.join(inputs)} {'all' if inputs else 'none'} belong to one."
            )
        self.inputs, self.encoders = dict(inputs), encoders

    def build(self, hp):
        """Return the encoder `hp` describes: a dict of inputs -> [query (batch, width), item (batch, width)]."""
        width = hp.Choice("width", [32, 64, 128], default=64)
        hidden = hp.Int("hidden", 0, 2, default=1)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        chosen = choose_families(hp, self.encoders)

        tensors = named_inputs(self.inputs)
        features = encode(hp, self.inputs, tensors, self.encoders, chosen, width)
        vectors = vectors_of(features, real_steps(self.inputs, tensors, features))
        halves = []
        for half, of_item in (("query", False), ("item", True)):
            own = [vectors[name] for name, given in self.inputs.items() if bool(given.item) == of_item]
            x = layers.Concatenate(name=f"{half}_join")(own) if len(own) > 1 else own[0]
            halves.append(project(x, width, hidden, dropout, name=half))
        return keras.Model(tensors, halves, name=self.name or "pair")


def project(x, width, hidden, dropout, name):
    """Return `x` in `width` features: hidden layers of twice as many, dropout, a linear layer."""
    for layer in range(1, hidden + 1):
        x = layers.Dense(2 * width, activation="gelu", name=f"{name}_hidden{layer}")(x)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_hidden{layer}_norm")(x)
    if dropout > 0:
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Dense(width, name=f"{name}_projection")(x)
