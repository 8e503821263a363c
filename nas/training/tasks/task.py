"""What a task is: what an encoder is to be good for, and how that is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from nas.data.source import Array, Examples, RawData
from nas.data.splits import Cut
from nas.data_card import Baseline, DataCard, Target

if TYPE_CHECKING:  # a task's names are read by the coordinator, which never loads Keras
    import keras
    import keras_tuner

Splits: TypeAlias = Mapping[str, Examples]
"""As they are stored: texts are tokens."""
View: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]
Features: TypeAlias = Literal["vector", "sequence", "map", "pair"]
"""What an encoder has to give: one vector an example (a head pools what has more); a vector for each step of its input;
a map of vectors over an image; or two vectors, one for each half of a pair."""
VALIDATION_BATCH = 512
"""Examples that are validated at once: among so many a task that compares examples with each other has to choose."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model gives for a whole split, for measures that no batch can tell by itself.

    `predict` ``(split) -> (examples, …)`` runs the model, `open` ``(split) -> Examples`` gives what is stored.
    """

    predict: Callable[[str], Array]
    open: Callable[[str], Examples]


class Task:
    """A head, a loss, metrics, the checks its labels have to pass, and what must be beaten.

    One task a file, listed in `nas.catalogue`. What most tasks have no use for has a default here.
    """

    objective: ClassVar[tuple[str, str]]
    """The metric a search goes by where the study file names none, and ``"maximize"`` or ``"minimize"``."""
    metrics: ClassVar[tuple[str, ...]]
    """The validation metrics that may be objectives."""
    features: ClassVar[Features] = "vector"
    cut: ClassVar[Cut] = "random"
    steps_have_labels: ClassVar[bool] = False
    """Whether a label belongs to a step of the input, so that an example must not be moved in time."""
    compares_examples: ClassVar[bool] = False
    """Whether `measure` compares the examples of a split with each other; what belongs together has the same label."""
    output: ClassVar[str] = "the task's output"
    """What the output of `attach_head` is, for those who use an exported model; empty for one that is thrown away."""
    silent: ClassVar[float] = 0.05
    """The share of a training's epochs in which its scores say little: nothing is pruned before."""
    embedding: ClassVar[str] = ""
    """The layer of the head that gives what examples are compared by, where that is not the encoder's features."""

    # ---- what the data have to be; without Keras

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels in this task's form (integers from 0 for classes, …), and what they are.

        Raises:
            DataError: The labels are not what this task needs; the message names the remedy.
        """
        raise NotImplementedError

    def target(self, target: Target, splits: Splits) -> Target:
        """Return what `check` said of the labels, with what only the splits tell (means of train)."""
        return target

    def counts(self, target: Target, splits: Splits) -> dict[str, tuple[int, ...]]:
        """Return how often each of ``target.names`` occurs, by split; nothing where labels name nothing."""
        return {}

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Return what can be had on the validation split without an encoder, under the names of `metrics`."""
        raise NotImplementedError

    @property
    def makes_labels(self) -> bool:
        """Whether labels are made from inputs as it trains, so that there is nothing to measure a trained model on."""
        return type(self).view is not Task.view

    # ---- what is trained

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``inputs ▶ the task's output``; features that are a sequence or a map are pooled where they need be.

        Raises:
            FamilyError: The features are not what this task needs.
        """
        raise NotImplementedError

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return a new loss for the output of `attach_head`. What it asks of `hp` is asked after the head's."""
        raise NotImplementedError

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return new metrics that batches add up to; their names, with ``val_`` before them, are among `metrics`."""
        return []

    def view(
        self, card: DataCard, hp: keras_tuner.HyperParameters
    ) -> Callable[[Any, Any, Any], tuple[Any, Any]] | None:
        """Return ``(x, y, seed) -> (x, y)``, what a batch becomes before each step, also of validation; in a graph.

        For tasks that make their labels from inputs. `x` is standardised, `seed` int32 (2,). It may change the number
        of examples. ``None``: batches stay as they are.
        """
        return None

    def together(self, outputs: Sequence[Array]) -> Array | None:
        """Return what several models say together, in the form in which one says it; ``None``: that has no meaning.

        Args:
            outputs: What each gives for the same examples, (examples, …).
        """
        return None

    def measure(self, outputs: Outputs, card: DataCard) -> dict[str, float]:
        """Return metrics, among `metrics`, that take the whole validation split; after every epoch.

        Where a task says nothing else these are its `ratios`.
        """
        return {name: ratio(above, below) for name, (above, below) in self.ratios(outputs, card).items()}

    def ratios(self, outputs: Outputs, card: DataCard) -> dict[str, tuple[Array, Array]]:
        """Return metrics that are a sum over the examples divided by another one: what each adds to both, (examples,).

        For measures that are costly: a bootstrap draws from these what it would else have to compute again and again.
        A task that has some leaves `measure` as it is. An example that does not count adds 0 to both.
        """
        return {}


def ratio(above: Array, below: Array) -> float:
    """Return the sum of `above` by that of `below`, (examples,) both; NaN of nothing by nothing."""
    total = float(below.sum())
    return float(above.sum()) / total if total else math.nan
