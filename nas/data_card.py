"""What a prepared data set is: its inputs, what is to be told of an example, and what must be beaten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

InputKind: TypeAlias = Literal["image", "vector", "sequence", "text", "audio", "ids"]


@dataclass(frozen=True, slots=True)
class Input:
    """One input of an encoder, as a model receives it. Shapes are without the batch axis.

    image     float32 (height, width, channels), standardised by `mean` and `std`, one a channel
    vector    float32 (features,), standardised; but the last ``len(categories)`` of them are whole numbers, column i
              of them from 0 to ``categories[i] - 1`` (0 is what train has not got), and are left as they are
    sequence  float32 (steps, channels), standardised by channel
    text      int32 (length,), tokens below `vocabulary`; 0 is padding, at the end
    audio     float32 (samples,) in [-1, 1], at `sample_rate` a second
    ids       int32 (length,), names of things below `vocabulary`; 0 is none

    `unknown` is the token of texts that stands for what the vocabulary lacks; `special` ones stand for no word:
    padding, the unknown one, and what the tokenizer of a pretrained encoder adds.

    `item` marks the inputs of a pair's second half: the item somebody looks for, the text that belongs to an image.

    `column` is what a table calls an only input, whose name here tells nothing, where it is one column.
    """

    kind: InputKind
    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    vocabulary: int = 0
    categories: tuple[int, ...] = ()
    sample_rate: int = 0
    unknown: int = 1
    special: tuple[int, ...] = (0, 1)
    item: bool = False
    column: str = ""

    @property
    def dtype(self) -> str:
        """What a model receives it as."""
        return "int32" if self.kind in ("text", "ids") else "float32"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be told of an example: a label of this `shape`, without the batch axis.

    `names` are those of the classes, tags or symbols that labels index, or of the columns of numbers. `mean` and `std`
    are those of numbers over the training split, one a column.
    """

    shape: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """What can be had without any encoder, measured on the validation split: what every trial has to beat."""

    name: str
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class DataCard:
    """What a prepared data set is: the only thing the coordinator ever learns about the data.

    `folder` holds the arrays, `fingerprint` is a SHA-256 of their content and of how they were split. An only input is
    called ``"x"``. `examples` counts by split (train, validation, test, and what else a task needs); `class_counts`
    counts labels by split, in the order of ``target.names``, where an example has one of them or several.
    """

    source: str
    fingerprint: str
    folder: str
    inputs: dict[str, Input]
    target: Target
    examples: dict[str, int]
    class_counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    baseline: Baseline | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of an example that has one input; ``()`` where there are several."""
        shapes = [given.shape for given in self.inputs.values()]
        return shapes[0] if len(shapes) == 1 else ()

    @property
    def classes(self) -> int:
        """How many names the target has."""
        return len(self.target.names)
