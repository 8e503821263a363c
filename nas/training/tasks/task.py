"""What a task is: what an encoder is to be good for, and how that is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nas.conversation import DataCard
from nas.data.source import RawData

if TYPE_CHECKING:  # a task's names are read by the coordinator, which never loads Keras
    import keras


class Task(Protocol):
    """A head, a loss, metrics, and the checks its labels have to pass. One task a file, listed in `nas.catalogue`."""

    @property
    def objective(self) -> tuple[str, str]:
        """The metric a search goes by where the study file names none, and ``"maximize"`` or ``"minimize"``."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The validation metrics that may be objectives."""

    def check(self, data: RawData) -> RawData:
        """Return `data` with labels in this task's form (integers from 0 for classes, …).

        Raises:
            DataError: The labels are not what this task needs; the message names the remedy.
        """

    def attach_head(self, encoder: keras.Model, card: DataCard) -> keras.Model:
        """Return ``inputs ▶ the task's output``; features that are a sequence or a map are pooled first."""

    def loss(self, card: DataCard) -> keras.losses.Loss:
        """Return a new loss for the output of `attach_head`."""

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return new metrics; their names, with ``val_`` before them, are `metrics`."""
