"""Weights averaged over the last steps, and the weights of the best epoch: what fine-tuning keeps.

An exponential moving average of the weights, about an epoch long, often does better than those of the last step
(Polyak & Juditsky 1992, SIAM J. Control Optim. 30(4); for networks Izmailov et al. 2018, arXiv:1803.05407, and Morales-
Brotons et al. 2024, arXiv:2411.18704). Which of the two is better is measured, after every epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nas.conversation import AVERAGED, Epoch, Keep
from nas.training import checkpoint
from nas.worth import worth

LONGEST = 0.999


def momentum(steps: int) -> float:
    """Return the momentum of an average over about one epoch of so many `steps`."""
    return min(LONGEST, 1.0 - 1.0 / max(steps, 2))


class Average:
    """The averages that the optimizer of a compiled `model` makes, if it was told to."""

    def __init__(self, model: Any) -> None:
        self._pairs = list(zip(model.trainable_variables, model.optimizer._model_variables_moving_average, strict=True))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have its averaged weights within the context."""
        last = [np.asarray(variable) for variable, _ in self._pairs]
        for variable, average in self._pairs:
            variable.assign(average)
        try:
            yield
        finally:
            for (variable, _), value in zip(self._pairs, last, strict=True):
                variable.assign(value)


class BestWeights:
    """Keeps the weights of the best epoch, of the last step or averaged, in a file of their own."""

    def __init__(self, keep: Keep, identity: str, curve: Sequence[Epoch] = ()) -> None:
        self._keep, self._identity = keep, identity
        self._best = max((self._worth(epoch.metrics)[0] for epoch in curve), default=-math.inf)

    def offer(self, model: Any, encoder: Sequence[Any], average: Average | None, metrics: dict[str, float]) -> None:
        """Save the weights of `model` if `metrics`, of this epoch, are better than all before."""
        value, weights = self._worth(metrics)
        if value <= self._best:
            return
        self._best = value
        if average is not None and weights == AVERAGED:
            with average.in_place():
                self._save(model, encoder)
        else:
            self._save(model, encoder)

    def _worth(self, metrics: dict[str, float]) -> tuple[float, str]:
        return worth(metrics, self._keep.metric, self._keep.direction)

    def _save(self, model: Any, encoder: Sequence[Any]) -> None:
        checkpoint.save(Path(self._keep.weights), model, self._identity, (), encoder, optimizer=False)
