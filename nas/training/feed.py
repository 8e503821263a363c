"""What a worker trains on: the prepared splits, standardised, augmented, with labels as the loss wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nas.data.prepared import open_split
from nas.data.source import ONLY
from nas.data_card import DataCard, Input
from nas.machine import total_memory
from nas.training.augmentation import Augment, augmentations
from nas.training.loop import Rows
from nas.training.tasks.labels import labels_for
from nas.training.tasks.task import Task

RESIDENT_SHARE = 0.1
"""Of the memory there is: a worker holds data up to this size as tensors, larger ones it reads piece by piece."""

_held: dict[str, tuple[Rows, Rows]] = {}


def rows_of(card: DataCard) -> tuple[Rows, Rows]:
    """Return the train and validation split; a worker holds one data set, in its compact dtype, if memory allows."""
    if card.folder not in _held:
        _held.clear()
        parts = stored(card, "train"), stored(card, "validation")
        size = sum(rows.bytes_each * len(rows) for rows in parts)
        if size <= RESIDENT_SHARE * total_memory():
            parts = parts[0].take(slice(0, None)), parts[1].take(slice(0, None))
        _held[card.folder] = parts
    return _held[card.folder]


def stored(card: DataCard, split: str) -> Rows:
    """Return a split as it is mapped: a single input by itself, several by name."""
    examples = open_split(card, split)
    return Rows(examples.only if list(card.inputs) == [ONLY] else examples.x, examples.labels)


def standardiser(card: DataCard) -> Callable[[Any], Any]:
    """Return ``inputs -> inputs`` from what is stored to what a model receives; in a graph or out of it."""
    each = {name: _standardise_one(given) for name, given in card.inputs.items()}
    if list(each) == [ONLY]:
        return each[ONLY]
    return lambda x: {name: function(x[name]) for name, function in each.items()}


def _standardise_one(given: Input) -> Callable[[Any], Any]:
    if not given.mean:
        return lambda x: tf.cast(x, given.dtype)
    mean, std = tf.constant(given.mean, tf.float32), tf.constant(given.std, tf.float32)
    return lambda x: (tf.cast(x, tf.float32) - mean) / std


def augmentations_of(card: DataCard, task: Task) -> dict[str, dict[str, Augment]]:
    """Return, by input, the augmentations that leave its examples and their labels true."""
    return {name: augmentations(given, steps_have_labels=task.steps_have_labels) for name, given in card.inputs.items()}


def augment_of(card: DataCard, task: Task, chosen: dict[str, str]) -> Augment | dict[str, Augment] | None:
    """Return those `chosen`, by input, as the loop wants them."""
    known = augmentations_of(card, task)
    found = {name: known[name][augmentation] for name, augmentation in chosen.items() if augmentation != "none"}
    return found.get(ONLY) if list(card.inputs) == [ONLY] else found or None


def labelled(rows: Rows, model: keras.Model, card: DataCard) -> Rows:
    """Return `rows` with labels in the form that the loss of a model that came compiled wants."""
    if not card.classes or card.target.shape != ():
        return rows
    y = labels_for(model.loss, rows.y, card.classes)
    return Rows(rows.x, y if rows.resident else y.numpy())  # a tensor would say that the inputs are resident too


def balanced(card: DataCard) -> Any:
    """Return what an example of each class weighs where all classes are to weigh the same: mean 1 over examples.

    Classes that train has not got (identities that are held out) weigh nothing and take no part.
    """
    counts = np.array(card.class_counts["train"], dtype=np.float64)
    there = counts > 0
    weights = np.where(there, counts.sum() / (there.sum() * np.maximum(counts, 1.0)), 0.0)
    return tf.constant(weights, tf.float32)
