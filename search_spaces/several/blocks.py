"""What families for several inputs share: an encoder chosen for each, vectors of one width."""

import keras
from keras import layers, ops


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


def encode(hp, given, tensors, encoders, chosen, width):
    """Return a vector for each of the symbolic `tensors`: what the encoder makes of it that `hp` describes.

    An encoder becomes one layer, named after its input, so that names of layers in two of them may be the same; its
    choices are asked under ``input/family``. Ids have no encoder: they are embedded in `width` features.
    """
    vectors = {}
    for name, tensor in tensors.items():
        if name not in chosen:
            embed = MeanEmbedding(given[name].vocabulary, width, name=f"{name}_embedding")
            vectors[name] = embed(tensor)
            continue
        with hp.name_scope(f"{name}/{chosen[name]}"):
            encoder = encoders[name][chosen[name]].build(hp)
        encoder.name = f"{name}_{encoder.name}"
        vectors[name] = pooled(encoder(tensor), f"{name}_pool")
    return vectors


def pooled(features, name):
    """Return (batch, width): the mean over the places of a sequence or a map, a vector as it is."""
    if len(features.shape) == 3:
        return layers.GlobalAveragePooling1D(name=name)(features)
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
