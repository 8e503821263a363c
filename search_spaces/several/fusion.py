"""Several inputs joined into one vector: inputs by name -> (features,).

Each input is encoded by a searched family of its own. How they are joined is searched too:

concatenate  vectors in a common width side by side, which is hard to beat where inputs tell different things
gated        a gate for each feature says which input it is taken from: the gated multimodal unit of Arevalo et al.
             2017, arXiv:1702.01992, section 3.1; a softmax over inputs, which for two of them is z and 1 - z
attention    tokens look at each other, in one or two pre-norm blocks (Vaswani et al. 2017, arXiv:1706.03762); then
             the means of each input's are put side by side

Where attention joins is a choice: early, over ``places``, before anything is pooled: the steps of a sequence or the
places of a map, at most 64 an input, and one token for an input that is encoded as a vector; or late, over the
``vectors``. So is who attends to whom: ``each`` input's tokens to those of the others, in blocks of its own (crossmodal
attention: Tsai et al. 2019, arXiv:1906.00295; Lu et al. 2019, arXiv:1908.02265), or all ``together`` to all (Kim et
al. 2021, arXiv:2102.03334). Two vectors are joined together: each would have but one thing to look at.

Ids, for which there are no families, are embedded here. Beside the encoders, for an image and a text that are encoded
in 64 features, 8×8 places and 16 tokens: 360 architectures, from 4,288 weights and 4,096 MACs to 608 thousand weights
and 25 million MACs; by default 16,832 weights and 16,384 MACs.
"""

import keras
import keras_tuner
from keras import layers

from search_spaces.blocks import named_inputs
from search_spaces.several.blocks import choose_families, encode, real_steps, refuse_unencoded, vectors_of
from search_spaces.several.join import attend_each, attend_together, concatenate, gated, means, project, tokens

JOINS = {"concatenate": concatenate, "gated": gated}
ATTEND = {"each": attend_each, "together": attend_together}


class Fusion(keras_tuner.HyperModel):
    """A joined encoder of `inputs`, {name: what it is}.

    Args:
        inputs: By name, what tells ``kind``, ``shape``, ``dtype`` and, of ids, ``vocabulary``.
        encoders: {name: {family: ``HyperModel`` that encodes this input alone}}; ids need none.
        places: The same, of families that can give a sequence or a map, made to do so.
        name: Of the models.
    """

    def __init__(self, inputs, encoders, places=None, name=None):
        super().__init__(name=name)
        refuse_unencoded(inputs, encoders)
        self.inputs, self.encoders, self.places = dict(inputs), encoders, places or {}

    def build(self, hp):
        """Return the encoder `hp` describes: a dict of inputs -> (batch, features)."""
        several = len(self.inputs) > 1
        join = hp.Choice("join", [*JOINS, "attention"], default="concatenate") if several else "none"
        width = hp.Choice("width", [32, 64, 128], default=64)
        depth = hp.Int("depth", 0, 2, default=1)
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        chosen = choose_families(hp, self.encoders)
        early = join == "attention" and self._ask_where(hp, chosen) == "places"
        blocks = hp.Int("blocks", 1, 2, default=1) if join == "attention" else 0

        tensors = named_inputs(self.inputs)
        features = encode(hp, self.inputs, tensors, self.encoders, chosen, width, self.places if early else None)
        real = real_steps(self.inputs, tensors, features)
        if not early:
            features, real = vectors_of(features, real), dict.fromkeys(features)
        if join == "attention":
            x = attention(hp, {name: tokens(x, real[name], width, name) for name, x in features.items()}, blocks)
        else:
            vectors = [project(vector, width, name=f"{name}_projection") for name, vector in features.items()]
            x = JOINS[join](vectors) if several else vectors[0]
        for layer in range(1, depth + 1):
            x = layers.Dense(width, activation="gelu", name=f"after{layer}")(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(tensors, x, name=self.name or "fusion")

    def _ask_where(self, hp, chosen):
        """Return what attends: a choice where an encoder can give both, else whatever encoders give."""
        able = any(family in self.places.get(name, {}) for name, family in chosen.items())
        return hp.Choice("where", ["places", "vectors"], default="places") if able else "places"


def attention(hp, inputs, blocks):
    """Return the means of the tokens of `inputs` side by side, after so many blocks of the attention that `hp` says.

    Of two inputs with one token each, each would have but one thing to look at: they attend together.
    """
    apart = len(inputs) > 2 or any(x.shape[1] > 1 for x, _ in inputs.values())
    attend = hp.Choice("attend", list(ATTEND), default="each") if apart else "together"
    return means(ATTEND[attend](inputs, blocks))
