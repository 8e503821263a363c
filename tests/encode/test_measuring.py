"""What embeddings are worth: neighbours, a linear probe, a projection."""

import numpy as np
import pytest

from nas.encode.measuring import measure, nearest, project, rows_of_all, spread_rows
from nas.errors import BadInput


def clusters(examples, spread=0.1, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(examples) % 3
    centres = np.array([[4.0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]])
    return (centres[y] + spread * rng.normal(size=(examples, 4))).astype(np.float32), np.array(["a", "b", "c"])[y]


def test_what_is_apart_is_told_apart():
    measured = measure(*clusters(90), *clusters(30, seed=1))
    assert measured.knn.value == measured.probe.value == 1.0
    assert measured.knn.low < 0.9 < measured.knn.high == 1.0
    assert measured.converged
    assert (measured.train, measured.validation, measured.width) == (90, 30, 4)
    assert len(measured.projection.x) == 30
    assert 0.95 < sum(measured.projection.explained) <= 1.0


def test_noise_is_told_by_chance():
    rng = np.random.default_rng(0)
    y, wanted = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    measured = measure(rng.normal(size=(400, 3)), y, rng.normal(size=(400, 3)), wanted)
    assert measured.knn.low < 0.5 < measured.knn.high
    assert measured.probe.low < 0.5 < measured.probe.high


def test_neighbours_are_by_cosine_and_the_nearest_decide_a_tie():
    train = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], float)
    y = np.array(["right", "right", "up", "up"])
    assert nearest(train, y, np.array([[100.0, 20], [0.01, 0.02]]), k=4).tolist() == ["right", "up"]
    assert nearest(train, y, np.array([[1.0, 0]]), k=9).tolist() == ["right"]  # no more than there are


def test_a_projection_does_not_depend_on_signs():
    train, _ = clusters(60)
    one, other = project(train, train[:5], np.arange(5)), project(train, train[:5], np.arange(5))
    assert one == other
    line = project(train[:, :1], train[:5, :1], np.arange(5))
    assert line.y == (0,) * 5
    assert line.explained == pytest.approx((1, 0))


def test_what_cannot_be_measured_is_refused():
    train, y = clusters(30)
    with pytest.raises(BadInput, match=r"1 classes that train lacks, e\.g\. 'd'"):
        measure(train, y, train[:2], np.array(["a", "d"]))
    with pytest.raises(BadInput, match="NaN or infinite"):
        measure(train * np.nan, y, train, y)
    with pytest.raises(BadInput, match="name another one"):
        measure(train[:, None], y, train[:, None], y)


def test_what_is_learned_from_knows_every_class_however_rare():
    labels = np.repeat(["a", "b", "c"], [6000, 3998, 2])
    rows = rows_of_all(labels, 100)
    assert rows.tolist() == sorted(set(rows.tolist())) == rows_of_all(labels, 100).tolist()
    assert [int((labels[rows] == name).sum()) for name in "abc"] == pytest.approx([60, 39, 1], abs=1)
    assert rows_of_all(labels, 20_000).tolist() == list(range(10_000))
    assert labels[rows_of_all(labels, 2)].tolist() == ["a", "b", "c"]  # no class is given up


def test_of_each_class_its_share_is_drawn():
    labels = np.repeat(["a", "b", "c"], [600, 300, 100])
    rows = spread_rows(labels, 100)
    assert rows.tolist() == sorted(set(rows.tolist())) == spread_rows(labels, 100).tolist()
    assert [int((labels[rows] == name).sum()) for name in "abc"] == pytest.approx([60, 30, 10], abs=1)
    assert spread_rows(labels, 2000).tolist() == list(range(1000))
