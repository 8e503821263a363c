"""A candidate that starts from another study's encoder: it begins with those weights, and only they are pretrained."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

from nas.conversation import Evaluate, Start
from nas.data_card import DataCard, Input, Target
from nas.errors import FamilyError
from nas.training import checkpoint
from nas.training.candidate import Candidate, build

pytestmark = pytest.mark.tf

IMAGES = Input("image", (8, 8, 1), (0.0,), (1.0,))
TEXTS = Input("text", (12,), vocabulary=30)


def built(task: str, family: str, given: Input, folder: Path, start: Start | None = None) -> Candidate:
    """Build the default member of `family` for `task`."""
    keras.utils.clear_session()
    examples = {"train": 60, "validation": 20}
    card = DataCard("toy", "0", ".", {"x": given}, Target(names=("a", "b", "c")), examples)
    order = Evaluate(0, family, card, task, 0, 1, 1, "", str(folder), start=start)
    return build(order, lambda ask: ask.default)


def kept(path: Path, candidate: Candidate) -> Start:
    """Keep the checkpoint of `candidate`, as if it had been trained."""
    for weight in candidate.encoder:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    candidate.model.compile("adam", candidate.loss or "mse")
    candidate.model.optimizer.build(candidate.model.trainable_variables)
    checkpoint.save(path, candidate.model, "print", (), candidate.encoder)
    return Start("old/3", "", {}, str(path))


NO_GRAPH = """
import keras, keras_tuner

class Encoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.flatten = keras.layers.Dense(5), keras.layers.Flatten()

    def call(self, x):
        return self.hidden(self.flatten(x))

class NoGraph(keras_tuner.HyperModel):
    def build(self, hp):
        return Encoder()

class Compiled(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("sgd", "mse")
        return model
"""


@pytest.mark.parametrize("family", ["cnn", "resnet", "mine.py:NoGraph"])
def test_the_encoder_begins_with_the_weights_and_the_head_is_new(tmp_path, family):
    (tmp_path / "mine.py").write_text(NO_GRAPH)
    old = built("simclr", family, IMAGES, tmp_path)
    start = kept(tmp_path / "old.npz", old)
    values = [np.asarray(weight) for weight in old.encoder]
    new = built("classification", family, IMAGES, tmp_path, start)
    assert new.starts_from == "old/3"
    for weight, value in zip(new.encoder, values, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)
    head = {id(weight) for weight in new.model.get_layer("head").weights}
    pretrained = {id(weight) for weight in new.pretrained}
    assert pretrained == {id(weight) for weight in new.model.trainable_weights} - head
    assert built("classification", family, IMAGES, tmp_path).pretrained == []


@pytest.mark.parametrize("family", ["text_cnn", "text_rnn", "text_transformer"])
def test_what_learned_from_texts_alone_goes_on_with_labels(tmp_path, family):
    old = built("masked_tokens", family, TEXTS, tmp_path)
    start = kept(tmp_path / "old.npz", old)
    values = {weight.path: np.asarray(weight) for weight in old.encoder}
    new = built("classification", family, TEXTS, tmp_path, start)
    found = {weight.path: np.asarray(weight) for weight in new.encoder}
    assert set(values) <= set(found)  # a vector may take weights more than a sequence
    for path, value in values.items():
        np.testing.assert_array_equal(found[path], value)
    pretrained = {weight.path for weight in new.pretrained}
    assert pretrained <= set(values)
    assert "head/kernel" not in pretrained


def test_images_that_learned_from_patches_go_on_with_labels(tmp_path):
    start = kept(tmp_path / "old.npz", built("masked_patches", "cnn", IMAGES, tmp_path))
    new = built("classification", "cnn", IMAGES, tmp_path, start)
    assert {weight.path for weight in new.pretrained} >= {"stage1_block1_conv/kernel"}


def test_a_model_that_comes_compiled_has_nothing_to_start_with(tmp_path):
    (tmp_path / "mine.py").write_text(NO_GRAPH)
    start = kept(tmp_path / "old.npz", built("classification", "mine.py:NoGraph", IMAGES, tmp_path))
    with pytest.raises(FamilyError, match="has no encoder to start from"):
        built("classification", "mine.py:Compiled", IMAGES, tmp_path, start)


def test_an_encoder_of_another_shape_is_no_candidate(tmp_path):
    start = kept(tmp_path / "old.npz", built("simclr", "resnet", IMAGES, tmp_path))
    with pytest.raises(keras_tuner.errors.FailedTrialError, match="for which this one has no place"):
        built("classification", "cnn", IMAGES, tmp_path, start)
