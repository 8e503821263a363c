"""The training choices of a trial: a small search space of its own, the same for every family.

Ranges are wide enough to matter and tame enough that most draws train: learning rates around the defaults of
Kingma & Ba 2015 (Adam) and of He et al. 2016 (SGD with momentum); decoupled weight decay after Loshchilov &
Hutter 2019; cosine decay after Loshchilov & Hutter 2017 with a short warm-up after Goyal et al. 2017.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras

from nas.conversation import Scalar
from nas.data.source import ONLY
from nas.data_card import DataCard
from nas.training.hyperparameters import Answer, AnsweredHyperParameters

PREFIX = "training/"
TASK = "task_"
"""What the names of choices begin with, after the prefix, that the task asks for: its loss, its margin …"""
BATCH_SIZES = (32, 64, 128, 256)
STEPS = 16
"""An epoch has at least so many steps, where the data allow it: after fewer, moving averages mean nothing yet, and a
pruner that looks at the second epoch would prune large batches for it."""
IMBALANCED = 1.5
"""Weights of classes are a choice where the most frequent class has so many times the examples of the rarest."""
WARM_UP = 0.05
"""The share of all steps in which the learning rate rises from nothing."""


@dataclass(frozen=True, slots=True)
class Rates:
    """By what, up to 1, the learning rate of weights that were trained before may be multiplied."""

    lowest: float
    default: float


CHECKPOINTS = Rates(1e-3, 3e-2)
"""Of encoders that learned from very much: AdamW's 2e-3 is far too fast for them."""
OTHER_STUDIES = Rates(0.1, 1.0)
"""Of encoders of another study, as small as those that learn from nothing and as fast."""


@dataclass(frozen=True, slots=True)
class TrainingChoices:
    """How to train, as chosen for one trial. All but `batch_size` are ``None`` for a model that came compiled.

    `augmentation` is by input. `pretrained_rate` is what the learning rate of weights that were trained before is
    multiplied by.
    """

    batch_size: int
    optimizer: str | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    weight_decay: float | None = None
    augmentation: dict[str, str] | None = None
    class_weights: str | None = None
    pretrained_rate: float | None = None

    def as_dict(self) -> dict[str, Scalar]:
        """Return the choices that were made, by name."""
        made = asdict(self)
        for name, augmentation in (made.pop("augmentation") or {}).items():
            made[_augmentation_of(name)] = augmentation
        return {name: value for name, value in made.items() if value is not None}


def choose(
    answer: Answer,
    card: DataCard,
    *,
    compiled: bool,
    augment: Mapping[str, Sequence[str]],
    pretrained: Rates | None = None,
    fits_itself: bool = False,
) -> TrainingChoices:
    """Ask for the training choices; only for the batch size where the model came `compiled`.

    Args:
        answer: Decides.
        card: The prepared data.
        compiled: Whether the model has its own loss and optimizer.
        augment: By input, the augmentations there are for it.
        pretrained: If weights that were trained before are trained on, how fast they may be.
        fits_itself: Whether the family's own ``fit`` trains: it knows nothing of our augmentations and weights.
    """
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
        {name: hp.Choice(_augmentation_of(name), list(kinds)) for name, kinds in augment.items() if len(kinds) > 1},
        hp.Choice("class_weights", ["none", "balanced"]) if _is_imbalanced(card) and not fits_itself else None,
        hp.Float("pretrained_rate", pretrained.lowest, 1.0, sampling="log", default=pretrained.default)
        if pretrained
        else None,
    )


def _augmentation_of(name: str) -> str:
    """Return what the choice of an input's augmentation is called."""
    return "augmentation" if name == ONLY else f"{name}_augmentation"


def _is_imbalanced(card: DataCard) -> bool:
    """Whether an example has one class, and one class has so many more examples than another that weights matter."""
    counts = [count for count in card.class_counts.get("train", ()) if count]
    return card.target.shape == () and len(counts) > 1 and max(counts) >= IMBALANCED * min(counts)


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


def make_optimizer(
    choices: TrainingChoices, rate: Any, pretrained: Collection[Any] = (), average: float | None = None
) -> Any:
    """Return a new Keras optimizer; `rate` is its learning rate or its schedule.

    Variables in `pretrained` learn at ``choices.pretrained_rate`` times that rate (discriminative fine-tuning, Howard
    and Ruder 2018, arXiv:1801.06146, section 3.2), and do not decay. With `average`, the momentum of it, the optimizer
    keeps a moving average of the weights as well.
    """
    common = {"weight_decay": choices.weight_decay}
    if average is not None:
        common |= {"use_ema": True, "ema_momentum": average}
    if choices.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, **common)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **common)
    if pretrained and choices.pretrained_rate is not None:
        # On TensorFlow a step is given the variable within Keras's.
        slow = {id(one) for variable in pretrained for one in (variable, variable.value)}
        _slow_down(optimizer, slow, choices.pretrained_rate)
        optimizer.exclude_from_weight_decay(var_list=list(pretrained))  # it would pull them to 0 at the full rate
    return optimizer


def _slow_down(optimizer: Any, slow: Collection[int], factor: float) -> None:
    """Let `optimizer` update the variables with these ids at `factor` times its learning rate.

    Keras has one rate an optimizer; each variable's step, though, is a call of its own that is given the rate.
    """
    step = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        step(gradient, variable, learning_rate * factor if id(variable) in slow else learning_rate)

    optimizer.update_step = update_step
