"""The one training loop.

One ``tf.function`` call is one epoch: a ``while_loop`` over Keras's own ``train_step``, with the data resident and a
fixed batch shape, so that a candidate is traced once and Python is left once an epoch. It computes what ``model.fit``
computes (a test holds the two equal on the same batches), 1.3 to 2.5 times faster on small nets.

The rows left over by the batch size sit an epoch out, others every epoch; validation uses every row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from nas.training.augmentation import Augment

Tensor: TypeAlias = Any
VALIDATION_BATCH = 512


class Loop:
    """Trains and validates one compiled model, epoch by epoch.

    Args:
        model: Compiled, so that ``train_step`` and ``test_step`` work.
        train: Inputs and labels to train on, resident tensors (examples, …).
        validation: Inputs and labels to validate on.
        batch_size: Examples a step; at most the number of training examples.
        seed: Decides the order of the examples and the augmentation, epoch by epoch: epoch 7 is the same
            whether or not the six before it were trained in this process.
        standardise: Applied to every batch of inputs.
        augment: Applied to every training batch after that.
        schedule: Sets the optimizer's learning rate at the beginning of every step, from how many went before. A
            schedule within the optimizer is traced once for every variable; this one is traced once.
    """

    def __init__(
        self,
        model: keras.Model,
        train: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        *,
        batch_size: int,
        seed: int,
        standardise: Callable[[Tensor], Tensor],
        augment: Augment | None = None,
        schedule: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._model = model
        self._train_data = train
        self._validation_data = validation
        self._examples = int(train[0].shape[0])
        self._batch_size = min(batch_size, self._examples)
        self._seed = seed
        self._standardise = standardise
        self._augment = augment
        self._schedule = schedule
        _create_variables(model, standardise(train[0][:2]), train[1][:2])
        self._train_epoch = tf.function(self._trace_epoch, autograph=False)
        self._validate_all = tf.function(self._trace_validation, autograph=False)

    @property
    def steps(self) -> int:
        """Training steps an epoch."""
        return self._examples // self._batch_size

    def train(self, epoch: int) -> dict[str, float]:
        """Train `epoch` (from 1) and return the model's training metrics; the loss is not finite if it diverged."""
        self._model.reset_metrics()
        order = tf.constant(batch_order(self._examples, self._batch_size, seed=self._seed, epoch=epoch))
        metrics = self._train_epoch(*self._train_data, order, tf.constant(epoch))
        return {name: float(value) for name, value in metrics.items()}

    def validate(self) -> dict[str, float]:
        """Return the validation metrics, each name with ``val_`` before it."""
        self._model.reset_metrics()
        metrics = self._validate_all(*self._validation_data)
        return {f"val_{name}": float(value) for name, value in metrics.items()}

    def _trace_epoch(self, x: Tensor, y: Tensor, order: Tensor, epoch: Tensor) -> dict[str, Tensor]:
        steps = tf.shape(order)[0]

        def step(index: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            rows = order[index]
            inputs = self._standardise(tf.gather(x, rows))
            if self._augment is not None:
                inputs = self._augment(inputs, tf.stack([self._seed, epoch * steps + index]))
            if self._schedule is not None:
                self._model.optimizer.learning_rate.assign(self._schedule(self._model.optimizer.iterations))
            logs = self._model.train_step((inputs, tf.gather(y, rows)))
            return index + 1, tf.cast(logs["loss"], tf.float32)

        def goes_on(index: Tensor, loss: Tensor) -> Tensor:
            return tf.logical_and(index < steps, tf.math.is_finite(loss))  # a diverged epoch is not trained to its end

        tf.while_loop(goes_on, step, [tf.constant(0), tf.constant(0.0)], parallel_iterations=1)
        return dict(self._model.get_metrics_result())

    def _trace_validation(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        examples = int(x.shape[0])
        batch = min(VALIDATION_BATCH, examples)

        def step(index: Tensor) -> tuple[Tensor]:
            rows = slice(index * batch, (index + 1) * batch)
            self._model.test_step((self._standardise(tf.ensure_shape(x[rows], [batch, *x.shape[1:]])), y[rows]))
            return (index + 1,)

        whole = examples // batch
        tf.while_loop(lambda index: index < whole, step, [tf.constant(0)], parallel_iterations=1)
        if examples % batch:
            self._model.test_step((self._standardise(x[whole * batch :]), y[whole * batch :]))
        return dict(self._model.get_metrics_result())


def batch_order(examples: int, batch_size: int, *, seed: int, epoch: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return which rows make up which batch of `epoch`: int32 (steps, batch_size), each row at most once."""
    steps = examples // batch_size
    rows = np.random.default_rng([seed, epoch]).permutation(examples)[: steps * batch_size]
    return rows.reshape(steps, batch_size).astype(np.int32)


def _create_variables(model: keras.Model, x: Tensor, y: Tensor) -> None:
    """Create the optimizer's and the metrics' variables now: inside a traced loop it is too late."""
    model.optimizer.build(model.trainable_variables)
    model.test_step((x, y))
    model.reset_metrics()
