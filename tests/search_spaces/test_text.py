"""Encoders of texts: what is padding does not count, what is a token does."""

import numpy as np
import pytest

pytestmark = pytest.mark.tf

VOCABULARY, LENGTH = 30, 9
MEMBERS = [
    ("bag", {}),
    ("bag", {"pooling": "mean+max", "depth": 2, "dropout": 0.2}),
    ("bag", {"pooling": "max", "depth": 0, "word_dropout": 0.0}),
    ("text_cnn", {}),
    ("text_cnn", {"pooling": "mean", "windows": 4, "smallest_window": 4}),
    ("text_cnn", {"style": "residual", "depth": 4, "pooling": "mean+max"}),
    ("text_cnn", {"style": "residual", "kernel": 7, "dilated": False, "pooling": "attention"}),
    ("text_rnn", {}),
    ("text_rnn", {"pooling": "last", "depth": 2, "cell": "lstm"}),
    ("text_rnn", {"pooling": "last", "bidirectional": False}),
    ("text_rnn", {"pooling": "mean", "bidirectional": False, "dropout": 0.0}),
    ("text_rnn", {"pooling": "attention", "cell": "lstm"}),
    ("text_transformer", {}),
    ("text_transformer", {"position": "rotary", "norm": "post", "activation": "swiglu"}),
    ("text_transformer", {"position": "sine", "pooling": "attention", "activation": "geglu", "dropout": 0.0}),
    ("text_transformer", {"pooling": "token", "activation": "relu"}),
    ("text_transformer", {"pooling": "token", "position": "rotary", "heads": 8}),
]
NAMES = sorted({name for name, _ in MEMBERS})


def build(name, choices=None, length=LENGTH, features="vector"):
    from nas import catalogue
    from nas.training.hyperparameters import AnsweredHyperParameters

    family = catalogue.families[name]((length,), vocabulary=VOCABULARY, features=features)
    known = choices or {}
    asked = []

    def answer(ask):
        asked.append(ask.name)
        return known.get(ask.name, ask.default)

    model = family.build(AnsweredHyperParameters(answer))
    assert set(known) <= set(asked)
    return model


def texts(length=LENGTH, used=(9, 5, 1, 0)):
    rng = np.random.default_rng(0)
    rows = np.zeros((len(used), length), "int32")
    for row, tokens in zip(rows, used, strict=True):
        row[:tokens] = rng.integers(1, VOCABULARY, tokens)
    return rows


def shake(model):
    """Random weights, so that nothing is zero or one by its initializer."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(scale=0.4, size=weight.shape) for weight in model.get_weights()])


def copy(longer, shorter):
    """Give `shorter` the weights of `longer`; of positions, those that it has."""
    pairs = zip(longer.get_weights(), shorter.get_weights(), strict=True)
    shorter.set_weights([weight[: len(known)] if weight.ndim else weight for weight, known in pairs])


def run(model, x):
    return np.asarray(model(x, training=False))


@pytest.mark.parametrize(("name", "choices"), MEMBERS, ids=str)
def test_padding_does_not_count(name, choices):
    shorter, longer = build(name, choices), build(name, choices, length=LENGTH + 8)
    shake(longer)
    copy(longer, shorter)
    x = texts()
    expected = run(shorter, x)
    assert np.isfinite(expected).all()
    assert np.ptp(expected, axis=0).max() > 0.01
    padded = np.pad(x, ((0, 0), (0, 8)))
    np.testing.assert_allclose(run(longer, padded)[:3], expected[:3], atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_for_each_token(name):
    shorter = build(name, length=LENGTH, features="sequence")
    longer = build(name, length=LENGTH + 8, features="sequence")
    shake(longer)
    copy(longer, shorter)
    x = texts()
    found = run(shorter, x)
    assert found.shape[:2] == x.shape
    padded = run(longer, np.pad(x, ((0, 0), (0, 8))))[:, :LENGTH]
    np.testing.assert_allclose(padded[x > 0], found[x > 0], atol=2e-5)


@pytest.mark.parametrize(("name", "choices"), MEMBERS, ids=str)
def test_every_token_counts_and_its_place_where_it_should(name, choices):
    model = build(name, choices)
    shake(model)
    x = texts(used=(9,) * 10)
    x[1:] = x[0]
    for place in range(LENGTH):
        x[place + 1, place] = x[0, place] % (VOCABULARY - 1) + 1
    features = run(model, x)
    if "max" not in (choices.get("pooling") or "max"):  # a maximum may be another token's
        assert (np.abs(features[1:] - features[0]).max(axis=1) > 1e-4).all()
    backwards = run(model, x[:1, ::-1].copy())
    assert np.allclose(backwards, features[:1], atol=1e-5) == (name == "bag")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@pytest.mark.parametrize(("name", "choices"), MEMBERS, ids=str)
def test_a_member_can_be_saved(name, choices, tmp_path):
    import keras

    model = build(name, choices)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(run(again, texts()), run(model, texts()), atol=1e-6)


def test_the_cost_of_a_recurrent_member():
    from nas.training.architecture import describe

    choices = {"cell": "lstm", "embedding": 32, "width": 16, "depth": 2, "bidirectional": True, "pooling": "mean"}
    cost = describe(build("text_rnn", choices)).cost
    layer = 2 * 4 * 16  # directions, gates, units
    assert cost.macs == LENGTH * layer * (32 + 16) + LENGTH * layer * (32 + 16)
    assert cost.weights == VOCABULARY * 32 + 2 * layer * (32 + 16 + 1)


def test_the_cost_of_a_transformer():
    from nas.training.architecture import describe

    choices = {"width": 32, "depth": 3, "mlp_ratio": 4, "pooling": "token", "position": "rotary"}
    cost = describe(build("text_transformer", choices)).cost
    steps = LENGTH + 1
    assert cost.macs == 3 * (4 * steps * 32**2 + 2 * steps**2 * 32 + 2 * steps * 32 * 128)
