"""Pretrained encoders of images: (height, width, channels) -> features, from ``keras.applications``.

Of which is chosen: which checkpoint, at which resolution, how much of it is trained on, and the adapter
(`search_spaces.pretrained.tuning`): low-rank updates of the frozen convolutions, or a bottleneck after the last map.
The learning rate of the pretrained part is a training choice.

Up to 39 members a checkpoint: 13 ways to tune, three resolutions. From MobileNetV3Small (939 thousand weights) to what
``keras.applications`` has; by default all is frozen.
"""

from pathlib import Path

import keras
import keras_tuner
from keras import layers, ops

from search_spaces.pretrained.tuning import adapt, choose_tuning, mark_pretrained, trained_last

PREPROCESSING = {
    "MobileNetV3Small": None,
    "MobileNetV3Large": None,
    "EfficientNetB0": None,
    "EfficientNetB1": None,
    "EfficientNetV2B0": None,
    "EfficientNetV2B1": None,
    "ConvNeXtTiny": None,
    "MobileNet": "tf",
    "MobileNetV2": "tf",
    "ResNet50V2": "tf",
    "Xception": "tf",
    "InceptionV3": "tf",
    "NASNetMobile": "tf",
    "DenseNet121": "torch",
}
"""What each expects: values from 0 to 255 (``None``: it scales them itself), from -1 to 1, or by ImageNet's moments."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESOLUTIONS = (32, 64, 96, 128, 160, 192, 224)


class PretrainedImage(keras_tuner.HyperModel):
    """A checkpoint for images of `inputs`' only input, whose pixels count from 0 to 255.

    `checkpoints` are, by what they are called, names in ``keras.applications``, whose ImageNet weights lie in Keras's
    cache or are downloaded into it; or ``NAME=file``, with weights without the top.
    """

    def __init__(self, inputs, checkpoints, features="vector", name=None):
        super().__init__(name=name)
        (self.given,) = inputs.values()
        self.checkpoints, self.features = dict(checkpoints), features

    def build(self, hp):
        """Return the encoder `hp` describes: images -> (batch, features), or its last map."""
        names = list(self.checkpoints)
        checkpoint = hp.Choice("checkpoint", names) if len(names) > 1 else names[0]
        resolutions = self._resolutions()
        resolution = hp.Choice("resolution", resolutions) if len(resolutions) > 1 else resolutions[0]
        tuning = choose_tuning(hp)

        application, _, weights = self.checkpoints[checkpoint].partition("=")
        backbone = load_application(application, weights, resolution)
        frozen = trained_last([layer for layer in backbone.layers if layer.weights], tuning.share)
        mark_pretrained(backbone)
        if tuning.adapter == "lora":
            add_lora(frozen, tuning.size)

        inputs = keras.Input(self.given.shape)
        x = backbone(self._as_it_expects(inputs, PREPROCESSING[application], resolution))
        if tuning.adapter == "bottleneck":
            x = adapt(x, tuning.size, name="adapter")
        if self.features == "vector":
            x = layers.GlobalAveragePooling2D(name="pool")(x)
        encoder = keras.Model(inputs, x, name=self.name or "pretrained_image")
        encoder.starts_from = checkpoint
        return encoder

    def _resolutions(self):
        """Return the three sizes from the images' own upwards, of those that checkpoints take."""
        side = max(self.given.shape[:2])
        return [size for size in RESOLUTIONS if size >= side][:3] or [RESOLUTIONS[-1]]

    def _as_it_expects(self, x, preprocessing, resolution):
        """Return standardised images as pixels again, in the checkpoint's size, channels and range."""
        if self.given.mean:
            x = x * ops.array(self.given.std, "float32") + ops.array(self.given.mean, "float32")
        if x.shape[-1] == 1:
            x = layers.Concatenate(name="grey")([x, x, x])
        if tuple(x.shape[1:3]) != (resolution, resolution):
            x = layers.Resizing(resolution, resolution, name="resize")(x)
        if preprocessing == "tf":
            return layers.Rescaling(1 / 127.5, -1.0, name="scale")(x)
        if preprocessing == "torch":
            return (x / 255.0 - ops.array(IMAGENET_MEAN, "float32")) / ops.array(IMAGENET_STD, "float32")
        return x


def load_application(application, weights, resolution):
    """Return the model `application` of ``keras.applications`` without its top, with its weights.

    Raises:
        ValueError: There is none of that name here.
        FileNotFoundError: Its weights are not where they should be, or are another model's.
    """
    if application not in PREPROCESSING:
        raise ValueError(
            f"space.checkpoints: no image checkpoint is called {application!r}. Known: {', '.join(PREPROCESSING)}; "
            "with weights of one's own: NAME=file."
        )
    make = getattr(keras.applications, application)
    file = Path(weights).expanduser() if weights else None
    if file is not None and not file.is_file():
        raise FileNotFoundError(f"space.checkpoints: there is no file {file} with the weights of {application}.")
    try:
        model = make(include_top=False, weights=None if file else "imagenet", input_shape=(resolution, resolution, 3))
        if file is not None:
            model.load_weights(file)
    except Exception as error:
        where = f"the file {file}" if file else "Keras's cache (~/.keras/models, or $KERAS_HOME/models)"
        raise FileNotFoundError(
            f"The weights of {application} cannot be had from {where}: {type(error).__name__}: {str(error)[:300]}. "
            f"Put them there, or name a file: {application}=path/to/weights.h5."
        ) from error
    return model


def add_lora(frozen, rank):
    """Add low-rank updates to the plain convolutions among `frozen`."""
    for layer in frozen:
        if type(layer) is layers.Conv2D:
            layer.trainable = True
            layer.enable_lora(rank)
            if layer.use_bias:
                layer.bias.trainable = False
            layer.pretrained = False  # what is new in it gets the full learning rate; its kernel is frozen anyway
