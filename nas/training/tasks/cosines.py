"""What ArcFace's head is made of: layers that Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nas")
class CosineClasses(keras.layers.Layer):  # type: ignore[misc]
    """The cosines of vectors of length 1 to the direction of each class: (batch, width) -> (batch, classes).

    Source: Deng et al. 2019, arXiv:1801.07698, section 3.1.
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the directions, (width, classes)."""
        self.directions = self.add_weight(
            shape=(input_shape[-1], self.classes), initializer="glorot_uniform", name="directions"
        )

    def call(self, inputs: Any) -> Any:
        """Return the cosines."""
        return ops.matmul(inputs, ops.normalize(self.directions, axis=0))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, classes)."""
        return (input_shape[0], self.classes)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="nas")
class FilledUp(keras.layers.Layer):  # type: ignore[misc]
    """Puts zeros behind vectors: (batch, less) -> (batch, width)."""

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width

    def call(self, inputs: Any) -> Any:
        """Return `inputs` and zeros."""
        return ops.pad(inputs, ((0, 0), (0, self.width - inputs.shape[-1])))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return (batch, width)."""
        return (input_shape[0], self.width)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "width": self.width}
