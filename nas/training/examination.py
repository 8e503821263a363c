"""Measure trained models on the validation and the test split, alone or together, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import tensorflow as tf

from nas import catalogue
from nas.conversation import Examine, Examined, Member
from nas.data.origins import names_of
from nas.data.prepared import open_split
from nas.data.source import Array, Examples
from nas.data_card import DataCard
from nas.errors import BadInput
from nas.metrics import bounds
from nas.training.candidate import Candidate
from nas.training.feed import labelled, standardiser, stored
from nas.training.loop import Rows, predictor
from nas.training.restored import restore
from nas.training.tasks.shares import interval
from nas.training.tasks.task import VALIDATION_BATCH, Outputs, Task, ratio

Found: TypeAlias = dict[str, float]
ROUNDS = 12
"""How many members an ensemble has at most, repetitions included."""
SUSPECTS = 10


def examine(order: Examine) -> Examined:
    """Return what `order` asks for.

    Raises:
        BadInput: The task has no measure without training, there is no test split, or several models of a task whose
            outputs cannot be averaged.
        NASError: A model cannot be built any more, or its weights cannot be read.
    """
    card = order.members[0].order.data
    if "test" not in card.examples:
        raise BadInput("The data have no test split, so there is nothing to measure on that nothing was chosen by.")
    models = [_Model.of(member) for member in order.members]
    kind = order.members[0].order.task
    panel = _Panel(models[0].candidate, kind, card, [model.outputs for model in models])
    counts = panel.choose(order) if len(models) > 1 else (1,)
    rng = np.random.default_rng(order.seed)
    validation = panel.interval("validation", counts, order.resamples, rng)
    test = panel.interval("test", counts, order.resamples, rng)
    doubtful, suspects = panel.doubts(counts)
    return Examined(counts, validation, test, card.examples["test"], doubtful, suspects)


@dataclass(frozen=True, slots=True)
class _Model:
    candidate: Candidate
    outputs: Callable[[str], Array]

    @classmethod
    def of(cls, member: Member) -> _Model:
        """Build it and load its weights; what it gives for a split is computed once."""
        if catalogue.tasks[member.order.task].makes_labels:
            raise BadInput(
                f"The task {member.order.task!r} makes its labels as it trains: there is nothing to measure on a test "
                "split. Fine-tune an encoder that starts from this one for the task it is for."
            )
        restored = restore(member.order, Path(member.weights), member.fingerprint)
        card = member.order.data
        predict = predictor(restored.model, standardiser(card))
        known: dict[str, Array] = {}

        def outputs(split: str) -> Array:
            if split not in known:
                known[split] = predict(stored(card, split))
            return known[split]

        outputs("validation"), outputs("test")  # now: the next model clears the session
        return cls(restored.candidate, outputs)


@dataclass(frozen=True, slots=True)
class _Panel:
    """Some models of one task on one data set."""

    candidate: Candidate
    kind: str
    """The task's name."""
    card: DataCard
    outputs: Sequence[Callable[[str], Array]]

    @property
    def task(self) -> Task:
        return self.candidate.task

    def together(self, split: str, counts: Sequence[int]) -> Array:
        """Return what the members give, each counted so many times."""
        chosen = [outputs(split) for outputs, count in zip(self.outputs, counts, strict=True) for _ in range(count)]
        if len(chosen) == 1:
            return chosen[0]
        found = None if self.candidate.came_compiled else self.task.together(chosen)
        if found is None:
            raise BadInput("The outputs of several models of this task cannot be averaged: there is no ensemble of it.")
        return found

    def choose(self, order: Examine) -> tuple[int, ...]:
        """Add, one after the other, the member with which they do best together; a member may come several times.

        Greedy selection with replacement (Caruana et al. 2004, ICML, section 2), up to the best size.
        """
        sign = 1.0 if order.direction == "maximize" else -1.0
        examples = open_split(self.card, "validation")
        counts = [0] * len(self.outputs)
        best: tuple[float, tuple[int, ...]] = (-np.inf, (1, *[0] * (len(counts) - 1)))
        for _ in range(ROUNDS):
            tried = []
            for member in range(len(counts)):
                more = [count + (member == index) for index, count in enumerate(counts)]
                found = _Measure(self, "validation", self.together("validation", more), examples).whole
                tried.append((sign * found[order.metric], -member, more))
            score, _, counts = max(tried)
            if score > best[0]:
                best = (score, tuple(counts))
        return best[1]

    def interval(
        self, split: str, counts: Sequence[int], resamples: int, rng: np.random.Generator
    ) -> dict[str, tuple[float, float, float]]:
        """Return each metric with the percentile interval of `resamples` draws of examples with replacement.

        Where a measure compares examples, none may be drawn twice, or it finds itself: halves of the labels are drawn,
        whose results scatter as much, and their interval is put around the value. Draws that a metric says nothing of
        (NaN: no two examples of one identity, say) are left out. Draws that all come to the same (nothing was wrong,
        so nothing can be drawn wrongly) tell nothing of how sure the value is: of a share of examples their number
        does, and of other metrics both ends are NaN.

        Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3; for halves McCarthy 1969,
        Rev. Int. Stat. Inst. 37(3).
        """
        examples = open_split(self.card, split)
        measure = _Measure(self, split, self.together(split, counts), examples)
        whole = measure.whole
        drawn: dict[str, list[float]] = {name: [] for name in whole}
        halves = self.task.compares_examples
        for _ in range(resamples):
            rows = _half(examples.labels, rng) if halves else rng.integers(0, len(examples), len(examples))
            for name, value in measure.of(rows).items():
                if name in drawn and np.isfinite(value):
                    drawn[name].append(value)
        found = {}
        for name, value in whole.items():
            ends = _ends(value, drawn[name], around=halves) or interval(self.kind, name, value, len(examples))
            low, high = ends or (np.nan, np.nan)
            within = bounds(name).holding((value,))
            found[name] = (value, within.clip(low), within.clip(high))
        return found

    def doubts(self, counts: Sequence[int]) -> tuple[float | None, tuple[str, ...]]:
        """Return the share of validation labels that look wrong, and what the likeliest examples are called.

        Confident learning: an example is counted where another class has at least the probability that the examples
        labelled as that class have on average (Northcutt et al. 2021, JAIR 70, section 3.1). Examples that are merely
        hard are counted as well: it is nearer an upper bound.
        """
        labels = open_split(self.card, "validation").labels
        if (
            self.candidate.came_compiled
            or self.task.cut != "class"
            or self.card.target.shape != ()
            or len(labels.shape) != 1
        ):
            return None, ()
        shares = _softmax(self.together("validation", counts))
        own = shares[np.arange(len(labels)), labels]
        usual = np.array(
            [own[labels == label].mean() if (labels == label).any() else np.inf for label in range(shares.shape[1])]
        )
        others = np.where(shares >= usual, shares, 0.0)
        others[np.arange(len(labels)), labels] = 0.0
        likelier = (others.max(axis=1) > own) & (others.max(axis=1) > 0)
        rows = np.flatnonzero(likelier)
        rows = rows[np.argsort(own[rows], kind="stable")][:SUSPECTS]
        return float(likelier.mean()), names_of(self.card, rows)


def _ends(value: float, drawn: Sequence[float], *, around: bool) -> tuple[float, float] | None:
    """Return the interval that resamples `drawn` give, put `around` `value` or not; ``None`` where all are alike."""
    if not drawn or min(drawn) == max(drawn):
        return None
    low, middle, high = np.quantile(drawn, (0.025, 0.5, 0.975))
    if around:
        low, high = low + value - middle, high + value - middle
    return float(min(low, value)), float(max(high, value))


class _Measure:
    """Measures what was given for a split: all of it, or some rows. Metrics have the names they have in a search.

    They are the task's, or those that a model came compiled with.
    """

    def __init__(self, panel: _Panel, split: str, outputs: Array, examples: Examples) -> None:
        self._panel, self._split, self._outputs, self._examples = panel, split, outputs, examples
        self._task, self._model, self._loss = panel.task, panel.candidate.model, panel.candidate.loss
        self._compiled = panel.candidate.came_compiled
        labels = tf.constant(examples.labels)
        self._y = labelled(Rows((), labels), self._model, panel.card).y if self._compiled else labels
        self._given = tf.constant(outputs)
        self._metrics = [] if self._compiled else self._task.keras_metrics(panel.card)
        rows = np.arange(len(examples))
        self._ratios = {} if self._compiled else self._task.ratios(self._at(rows), panel.card)
        self.whole = self._all(rows, self._in_batches)  # eagerly, once: what makes variables has made them then
        self._run = self._in_batches if self._task.compares_examples else tf.function(self._in_batches, autograph=False)

    def of(self, rows: Array) -> Found:
        """Return what these rows come to."""
        return self._all(rows, self._run)

    def _all(self, rows: Array, run: Callable[[Any], dict[str, Any]]) -> Found:
        found = {name: float(value) for name, value in run(tf.constant(rows)).items()}
        return found if self._compiled else found | self._at_once(rows)

    def _in_batches(self, rows: Any) -> dict[str, Any]:
        """Return what batches add up to, in batches as the search validates."""
        for metric in self._metrics:
            metric.reset_state()
        found: dict[str, Any] = {}
        losses = []
        if self._compiled:
            self._model.reset_metrics()
        for start in range(0, rows.shape[0], VALIDATION_BATCH):
            batch = rows[start : start + VALIDATION_BATCH]
            y, given = tf.gather(self._y, batch), tf.gather(self._given, batch)
            for metric in self._metrics:
                metric.update_state(y, given)
            share = batch.shape[0] / rows.shape[0]
            if self._compiled:
                losses.append(share * self._model.compute_loss(None, y, given))
                found = {f"val_{name}": value for name, value in self._model.compute_metrics(None, y, given).items()}
            elif "val_loss" in self._task.metrics:
                losses.append(share * tf.reduce_mean(self._loss(y, given)))
        found |= {f"val_{metric.name}": metric.result() for metric in self._metrics}
        return found | ({"val_loss": tf.add_n(losses)} if losses else {})

    def _at_once(self, rows: Array) -> Found:
        """Return what takes the whole split."""
        if self._ratios:
            return {name: ratio(above[rows], below[rows]) for name, (above, below) in self._ratios.items()}
        return self._task.measure(self._at(rows), self._panel.card)

    def _at(self, rows: Array) -> Outputs:
        """Return what a task measures, as if these rows were its validation split."""
        outputs, examples = self._outputs[rows], _drawn(self._examples, rows)

        def predict(name: str) -> Array:
            return outputs if name == "validation" else self._panel.outputs[0](name)

        def open_(name: str) -> Examples:
            return examples if name == "validation" else open_split(self._panel.card, name)

        return Outputs(predict, open_)


class _Rows(Mapping[str, Array]):
    """Inputs at some rows, which are taken when they are looked at: most measures look at labels alone."""

    def __init__(self, x: Mapping[str, Array], rows: Array) -> None:
        self._x, self._rows = x, rows

    def __getitem__(self, name: str) -> Array:
        return self._x[name][self._rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._x)

    def __len__(self) -> int:
        return len(self._x)


def _half(labels: Array, rng: np.random.Generator) -> Array:
    """Return the rows of half of the labels there are, two of them at least."""
    known = np.unique(labels)
    return np.flatnonzero(np.isin(labels, rng.choice(known, max(min(2, len(known)), len(known) // 2), replace=False)))


def _drawn(examples: Examples, rows: Array) -> Examples:
    columns = (None if column is None else column[rows] for column in (examples.y, examples.group, examples.time))
    return Examples(cast("dict[str, Array]", _Rows(examples.x, rows)), *columns)


def _softmax(logits: Any) -> Array:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
