"""Trained models on the validation and the test split: the search's own numbers, with intervals; alone or together."""

from dataclasses import replace

import numpy as np
import pytest

from nas import catalogue
from nas.data.options import DataSection
from nas.data.prepared import prepare
from nas.errors import BadInput, Conflict, NASError
from nas.shares import wilson
from nas.training.examination import _ends
from tests.training.test_retrieval import log  # noqa: F401  (a fixture)
from tests.training.test_tasks import EXAMPLES, TASKS, prepared
from tests.training.tuned import SMALL, look, train

pytestmark = pytest.mark.tf


def measured(task, tuner, keep, member):
    """Look at a model, and compare what is found with what its training told."""
    found, best = look(keep, member), tuner.best(keep)
    assert set(catalogue.tasks[task].metrics) <= set(found.validation)
    assert set(found.test) == set(found.validation)
    for metric, (value, low, high) in found.validation.items():
        assert value == pytest.approx(best[metric], rel=1e-4, abs=1e-4), metric
        assert low <= value <= high
    assert found.validation[keep.metric][1] < found.validation[keep.metric][2]
    assert found.examples == member.order.data.examples["test"]
    assert found.counts == (1,)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_metrics_are_those_of_the_search_and_lie_within_their_interval(task, tmp_path):
    card = prepared(task, tmp_path)
    _, family, _ = EXAMPLES[task]
    found = measured(task, *train(tmp_path, card, task, family, epochs=2))
    assert (found.doubtful is not None) == (task == "classification")
    assert found.test != found.validation


@pytest.mark.parametrize(("task", "family"), [("retrieval", "two_tower"), ("rating", "ranker")])
def test_users_and_items_are_measured_as_in_the_search(task, family, log, tmp_path):  # noqa: F811
    folder, section = log
    card = prepare(section, task, tmp_path / "data", folder)[0]
    measured(task, *train(tmp_path, card, task, family, epochs=1))


def test_an_interval_is_as_wide_as_chance_has_it(tmp_path):
    card = prepared("classification", tmp_path)
    _, keep, member = train(tmp_path, card, "classification", epochs=1, training__adamw_learning_rate=3e-4)
    value, low, high = look(keep, member, resamples=400).test[keep.metric]
    expected = 1.96 * np.sqrt(value * (1 - value) / card.examples["test"])
    assert (high - low) / 2 == pytest.approx(expected, rel=0.2)


def test_an_ensemble_is_no_worse_on_validation_than_its_best_member(tmp_path):
    for task in ("classification", "regression"):
        folder = tmp_path / task
        folder.mkdir()
        card = prepared(task, folder)
        members, alone = [], []
        for seed in range(3):
            _, keep, member = train(folder, card, task, epochs=1 + seed, name=f"m{seed}", seed=seed)
            members.append(member)
            alone.append(look(keep, member, resamples=2).validation[keep.metric][0])
        found = look(keep, *members, resamples=2)
        sign = 1 if keep.direction == "maximize" else -1
        assert sign * found.validation[keep.metric][0] >= max(sign * value for value in alone) - 1e-6
        assert len(found.counts) == 3
        assert 1 <= sum(found.counts) <= 12


def test_outputs_that_have_no_mean_make_no_ensemble(tmp_path):
    card = prepared("metric_learning", tmp_path)
    _, keep, member = train(tmp_path, card, "metric_learning", epochs=1)
    with pytest.raises(BadInput, match="there is no ensemble"):
        look(keep, member, member)


def test_labels_that_were_flipped_are_doubted_and_honest_ones_are_not(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 3000)
    x = (rng.normal(size=(3000, 6)) * 0.5 + 3 * np.eye(6)[y]).astype("float32")
    wrong = rng.random(3000) < 0.1
    given = np.where(wrong, (y + rng.integers(1, 4, 3000)) % 4, y)
    doubted = {}
    for name, labels in (("flipped", given), ("honest", y)):
        folder = tmp_path / name
        folder.mkdir()
        validation = slice(2000, 2500)
        np.savez(
            folder / "data.npz",
            x=x[:2000], y=labels[:2000], x_val=x[validation], y_val=labels[validation],
            x_test=x[2500:], y_test=labels[2500:],
        )  # fmt: skip
        card = prepare(DataSection(source="npz:data.npz"), "classification", folder / "prepared", folder)[0]
        _, keep, member = train(folder, card, "classification", epochs=6)
        doubted[name] = look(keep, member, resamples=2)
    assert doubted["flipped"].doubtful == pytest.approx(wrong[2000:2500].mean(), abs=0.02)
    rows = [int(name.removeprefix("example ").removesuffix(" of validation")) for name in doubted["flipped"].suspects]
    assert len(rows) == 10
    assert wrong[2000:2500][rows].all()
    assert doubted["honest"].doubtful < 0.01


def test_a_model_that_came_compiled_is_measured_by_its_own_metrics(tmp_path):
    card = prepared("classification", tmp_path)
    tuner, keep, member = train(tmp_path, card, "classification", "tests.families:Compiled", epochs=2)
    found = look(keep, member)
    best = max((epoch.metrics for epoch in tuner.epochs), key=lambda metrics: metrics["val_accuracy"])
    assert set(found.validation) == {"val_accuracy", "val_loss"}
    for metric, (value, low, high) in found.validation.items():
        assert value == pytest.approx(best[metric], rel=1e-4)
        assert low <= value <= high
    assert found.doubtful is None
    with pytest.raises(BadInput, match="there is no ensemble"):
        look(keep, member, member)


def test_what_cannot_be_measured_says_why(tmp_path):
    card = prepared("classification", tmp_path)
    _, keep, member = train(
        tmp_path, card, "classification", epochs=1, **{k.replace("/", "__"): v for k, v in SMALL.items()}
    )
    with pytest.raises(BadInput, match="no test split"):
        look(keep, replace(member, order=replace(member.order, data=replace(card, examples={"train": 1}))))
    with pytest.raises(BadInput, match="'simclr' makes its labels as it trains"):
        look(keep, replace(member, order=replace(member.order, task="simclr")))
    with pytest.raises(Conflict, match="have changed since"):
        look(keep, replace(member, fingerprint="0" * 64))
    with pytest.raises(NASError, match=r"gone\.npz"):
        look(keep, replace(member, weights=str(tmp_path / "gone.npz")))


def test_tasks_that_make_their_labels_are_told_from_the_others():
    made = {name for name in catalogue.tasks if catalogue.tasks[name].makes_labels}
    assert made == {"masked_tokens", "masked_patches", "simclr"}


def test_what_a_beam_finds_is_searched_for_once_however_many_examples_are_drawn(tmp_path, monkeypatch):
    from nas.training.tasks import transcription

    card = prepared("transcription", tmp_path)
    _, family, _ = EXAMPLES["transcription"]
    _, keep, member = train(tmp_path, card, "transcription", family, epochs=1)
    searched = []
    search = transcription.beam_search
    monkeypatch.setattr(transcription, "beam_search", lambda *given: searched.append(len(given[0])) or search(*given))
    found = look(keep, member, resamples=30)
    assert searched == [card.examples["validation"], card.examples["test"]]
    for value, low, high in (found.test["val_cer"], found.test["val_beam_cer"]):
        assert low <= value <= high


def test_resamples_that_are_all_alike_give_no_interval_of_no_width():
    assert _ends(1.0, [1.0] * 50, around=False) is None
    assert _ends(1.0, [], around=False) is None
    assert _ends(0.9, [0.8, 0.9, 1.0], around=False) == pytest.approx((0.805, 0.995))


def test_a_test_split_without_an_error_is_no_certainty(tmp_path):
    """Of 40 examples without an error up to 9 % may be wrong; of F1 and the loss nothing is known."""
    x = np.repeat(np.eye(4, dtype="float32") * 4, 50, axis=0)
    np.savez(tmp_path / "data.npz", x=x, y=np.repeat(np.arange(4), 50))
    card = prepare(DataSection(source="npz:data.npz"), "classification", tmp_path / "prepared", tmp_path)[0]
    _, keep, member = train(tmp_path, card, "classification", epochs=12)
    found = look(keep, member, resamples=30).test
    assert found["val_accuracy"] == pytest.approx((1.0, wilson(1.0, card.examples["test"])[0], 1.0))
    value, low, high = found["val_macro_f1"]
    assert value == 1.0
    assert np.isnan(low)
    assert np.isnan(high)
