"""How sure a score on a model card is. No TensorFlow."""

from __future__ import annotations

from nas.shares import wilson
from nas.training.tasks.ranks import MOST_QUESTIONS
from nas.training.tasks.shares import interval


def test_a_share_has_the_interval_of_the_examples_it_was_counted_on():
    assert interval("classification", "val_accuracy", 0.9, 100_000) == wilson(0.9, 100_000)
    assert interval("retrieval", "val_recall_at_10", 0.3, 200) == wilson(0.3, 200)
    assert interval("retrieval", "val_recall_at_10", 0.3, 100_000) == wilson(0.3, MOST_QUESTIONS)


def test_what_is_no_share_has_none():
    assert interval("classification", "val_loss", 0.3, 100) is None
    assert interval("retrieval", "val_ndcg_at_10", 0.3, 100) is None
    assert interval("regression", "val_accuracy", 0.3, 100) is None
    assert interval("classification", "val_accuracy", float("nan"), 100) is None
