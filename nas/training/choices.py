"""The training choices of a trial: a small search space of its own, the same for every family.

Ranges are wide enough to matter and tame enough that most draws train: learning rates around the defaults of
Kingma & Ba 2015 (Adam) and of He et al. 2016 (SGD with momentum); decoupled weight decay after Loshchilov &
Hutter 2019; cosine decay after Loshchilov & Hutter 2017 with a short warm-up after Goyal et al. 2017.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import keras

from nas.conversation import DataCard, Scalar
from nas.training.augmentation import AUGMENTATIONS
from nas.training.hyperparameters import Answer, AnsweredHyperParameters

PREFIX = "training/"
BATCH_SIZES = (32, 64, 128, 256)
STEPS = 16
"""An epoch has at least so many steps, where the data allow it: after fewer, moving averages mean nothing yet, and a
pruner that looks at the second epoch would prune large batches for it."""
WARM_UP = 0.05
"""The share of all steps in which the learning rate rises from nothing."""


@dataclass(frozen=True, slots=True)
class TrainingChoices:
    """How to train, as chosen for one trial. All but `batch_size` are ``None`` for a model that came compiled."""

    batch_size: int
    optimizer: str | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    weight_decay: float | None = None
    augmentation: str | None = None

    def as_dict(self) -> dict[str, Scalar]:
        """Return the choices that were made, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def choose(answer: Answer, card: DataCard, *, compiled: bool) -> TrainingChoices:
    """Ask for the training choices; only for the batch size where the model came `compiled`."""
    hp = AnsweredHyperParameters(answer, prefix=PREFIX)
    sizes = [size for size in BATCH_SIZES if size * STEPS <= card.examples["train"]] or [BATCH_SIZES[0]]
    batch_size = hp.Choice("batch_size", sizes, default=sizes[min(1, len(sizes) - 1)])
    if compiled:
        return TrainingChoices(batch_size)
    optimizer = hp.Choice("optimizer", ["adamw", "sgd"])
    # One name for each optimizer: their ranges have nothing in common.
    if optimizer == "adamw":
        learning_rate = hp.Float("adamw_learning_rate", 3e-4, 1e-2, sampling="log", default=2e-3)
        weight_decay = hp.Float("adamw_weight_decay", 1e-4, 1e-1, sampling="log", default=1e-3)
    else:
        learning_rate = hp.Float("sgd_learning_rate", 1e-2, 5e-1, sampling="log", default=1e-1)
        weight_decay = hp.Float("sgd_weight_decay", 1e-6, 1e-3, sampling="log", default=1e-5)
    return TrainingChoices(
        batch_size,
        optimizer,
        learning_rate,
        hp.Choice("schedule", ["cosine", "constant"]),
        weight_decay,
        hp.Choice("augmentation", list(AUGMENTATIONS["image" if len(card.input_shape) == 3 else "vector"])),
    )


def make_schedule(choices: TrainingChoices, steps: int) -> Any:
    """Return a new Keras learning-rate schedule over `steps`, the full horizon whatever a pruner decides.

    ``None`` where the rate is constant.
    """
    if choices.schedule != "cosine":
        return None
    warm_up = math.ceil(WARM_UP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warm_up, 1), warmup_target=choices.learning_rate, warmup_steps=warm_up
    )


def make_optimizer(choices: TrainingChoices, rate: Any) -> Any:
    """Return a new Keras optimizer; `rate` is its learning rate or its schedule."""
    if choices.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=choices.weight_decay)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=choices.weight_decay)
