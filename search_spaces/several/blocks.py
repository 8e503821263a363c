"""What families for several inputs share: an encoder chosen for each, and vectors of what it gives."""

import keras
from keras import layers, ops

from search_spaces.attention import pool


def refuse_unencoded(inputs, encoders):
    """Raise a ValueError if an input that is no ids has no family to be encoded by."""
    missing = [name for name, given in inputs.items() if given.kind != "ids" and not encoders.get(name)]
    if missing:
        raise ValueError(
            f"There is no family to encode {', '.join(missing)} by. Name one in the study file, under space.encoders."
        )


def choose_families(hp, encoders):
    """Return, by input, the name of the family that `hp` chooses among those of `encoders`."""
    return {
        name: hp.Choice(f"{name}_family", list(families), default=next(iter(families)))
        if len(families) > 1
        else next(iter(families))
        for name, families in encoders.items()
        if families
    }


def encode(hp, given, tensors, encoders, chosen, width, places=None):
    """Return what an encoder makes of each of the symbolic `tensors`: a vector, a sequence or a map.

    An encoder becomes one layer, named after its input, so that names of layers in two of them may be the same; its
    choices are asked under ``input/family``, or ``input/family/places``: to give something else it may ask for
    something else. Ids have no encoder: they are embedded in `width` features.

    Args:
        hp: Decides.
        given: By name, what the inputs are.
        tensors: By name.
        encoders: {name: {family: ``HyperModel``}}.
        chosen: {name: family}.
        width: Of the vectors of ids.
        places: Like `encoders`; those that are used instead, where there are any, to give a sequence or a map.
    """
    features = {}
    for name, tensor in tensors.items():
        if name not in chosen:
            features[name] = MeanEmbedding(given[name].vocabulary, width, name=f"{name}_embedding")(tensor)
            continue
        family, scope = chosen[name], f"{name}/{chosen[name]}"
        encoder = encoders[name][family]
        if family in (places or {}).get(name, {}):
            encoder, scope = places[name][family], f"{scope}/places"
        with hp.name_scope(scope):
            model = encoder.build(hp)
        model.name = f"{name}_{model.name}"
        features[name] = model(tensor)
    return features


def real_steps(given, tensors, features):
    """Return, by input, which steps of its `features` are real: (batch, steps), or ``None`` where all are.

    Texts end in padding; of an encoder that gives one step for each token it is known which of them are.
    """
    real = dict.fromkeys(features)
    for name, x in features.items():
        if given[name].kind == "text" and x.shape[1:-1] == tensors[name].shape[1:]:
            real[name] = ops.not_equal(tensors[name], 0)
    return real


def vectors_of(features, real):
    """Return a vector for each input, by name: the mean over the real steps of a sequence, or the places of a map."""
    return {name: pooled(x, real[name], f"{name}_pool") for name, x in features.items()}


def pooled(features, real, name):
    """Return (batch, width) of a vector, a sequence or a map."""
    if len(features.shape) == 3:
        return pool(features, "mean", real, name=name)
    if len(features.shape) == 4:
        return layers.GlobalAveragePooling2D(name=name)(features)
    return features


@keras.saving.register_keras_serializable(package="search_spaces")
class MeanEmbedding(layers.Layer):
    """The mean of the trained vectors of some ids: (batch, length) -> (batch, width). 0 is no id; of none it is 0."""

    def __init__(self, vocabulary, width, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary, self.width = vocabulary, width

    def build(self, input_shape):
        """Make the vectors, (vocabulary, width)."""
        normal = keras.initializers.RandomNormal(stddev=0.05)
        self.vectors = self.add_weight(shape=(self.vocabulary, self.width), initializer=normal, name="vectors")

    def call(self, inputs):
        """Return the mean over the ids that are not 0."""
        there = ops.cast(ops.not_equal(inputs, 0), self.vectors.dtype)
        total = ops.sum(ops.take(self.vectors, inputs, axis=0) * ops.expand_dims(there, -1), axis=1)
        return total / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)

    def compute_output_shape(self, input_shape):
        """Return (batch, width)."""
        return (input_shape[0], self.width)

    def get_config(self):
        """Return what `from_config` needs."""
        return {**super().get_config(), "vocabulary": self.vocabulary, "width": self.width}
