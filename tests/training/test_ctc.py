"""CTC against every path there is, edit distances against the definition."""

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.training.tasks import ctc

LABELS = st.lists(st.integers(1, 3), max_size=6)


def rows(*labels: list[int], length: int = 7) -> np.ndarray:
    return np.array([[*label, *[0] * (length - len(label))] for label in labels], np.int32)


def read(path) -> tuple[int, ...]:
    """What a path over frames says."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != ctc.BLANK)


def of_all_paths(logits: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every label under `logits` (frames, symbols), summed over all of its paths."""
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        label = read(path)
        found[label] = found.get(label, 0.0) + float(np.prod(shares[np.arange(len(path)), path]))
    return found


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=5))
def test_edit_distances_are_levenshteins(pairs):
    @cache
    def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
        if not one or not other:
            return len(one) + len(other)
        changed = distance(one[1:], other[1:]) + (one[0] != other[0])
        return min(changed, distance(one[1:], other) + 1, distance(one, other[1:]) + 1)

    expected = [distance(tuple(one), tuple(other)) for one, other in pairs]
    assert ctc.edit_distances(rows(*(one for one, _ in pairs)), rows(*(o for _, o in pairs))).tolist() == expected


def test_the_error_rate_is_over_all_symbols():
    labels, said = rows([1, 2, 3], [1]), rows([1, 3], [2])
    assert ctc.error_rate(labels, said) == 2 / 4
    assert ctc.error_rate(labels, np.zeros((2, 1), np.int32)) == 1.0
    assert ctc.error_rate(labels, rows([1] * 6, [1])) == 5 / 4


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8))
def test_greedy_reads_the_likeliest_path(path):
    logits = np.eye(3)[path][None]
    assert tuple(symbol for symbol in ctc.greedy(logits)[0] if symbol) == read(path)


@given(LABELS)
def test_so_many_frames_are_needed_and_are_enough(label):
    needed = int(ctc.frames_needed(rows(label))[0])
    if 0 < needed <= 5:
        assert all(read(path) != tuple(label) for path in itertools.product(range(4), repeat=needed - 1))
    path: list[int] = []
    for symbol in label:
        path += [0, symbol] if path and path[-1] == symbol else [symbol]
    assert len(path) == needed
    assert read(path) == tuple(label)


@pytest.mark.tf
def test_the_loss_of_a_symbol_is_minus_the_logarithm_of_all_paths_and_keras_agrees():
    import keras

    from nas.training.tasks.losses import CTC

    rng = np.random.default_rng(0)
    for frames in (1, 3, 5):
        logits = rng.normal(scale=2, size=(frames, 3)).astype("float32")
        shares = {label: share for label, share in of_all_paths(logits).items() if label}
        labels = rows(*map(list, shares), length=frames)
        batch = np.tile(logits, (len(labels), 1, 1))
        expected = -np.log(list(shares.values()))
        symbols = (labels > 0).sum(axis=1)
        np.testing.assert_allclose(CTC(reduction=None)(labels, batch), expected / symbols, rtol=1e-4)
        np.testing.assert_allclose(keras.losses.CTC(reduction=None)(labels, batch), expected, rtol=1e-4)


@pytest.mark.tf
def test_a_beam_finds_the_likeliest_label_where_the_likeliest_path_is_of_another():
    # Of two frames, (0.6 blank, 0.4 "1") each: the path of blanks has 0.36, the three paths of "1" have 0.64 in all.
    logits = np.log(np.array([[[0.6, 0.4], [0.6, 0.4]]]))
    assert ctc.greedy(logits).tolist() == [[0, 0]]
    assert ctc.beam_search(logits).tolist() == [[1, 0]]
    rng = np.random.default_rng(0)
    differing = 0
    for _ in range(30):
        logits = rng.normal(scale=2, size=(4, 3))
        shares = of_all_paths(logits)
        found = tuple(symbol for symbol in ctc.beam_search(logits[None], width=100)[0].tolist() if symbol)
        assert found == max(shares, key=shares.get)
        differing += found != tuple(symbol for symbol in ctc.greedy(logits[None])[0].tolist() if symbol)
    assert differing


@pytest.mark.tf
def test_beams_are_measured_beside_the_greedy_transcripts_on_the_same_few_examples(monkeypatch):
    from nas.data.source import Examples
    from nas.data_card import DataCard, Target
    from nas.training.tasks import transcription
    from nas.training.tasks.task import Outputs

    # The likeliest path says nothing, and all paths of "1" together are likelier.
    logits = np.tile(np.log(np.array([[0.6, 0.4], [0.6, 0.4]])), (4, 1, 1))
    labels = rows([1], [1], [1], [1], length=2)
    searched = []

    def search(logits, width):
        searched.append(len(logits))
        return ctc.beam_search(logits, width)

    monkeypatch.setattr(transcription, "beam_search", search)
    outputs = Outputs(lambda split: logits, lambda split: Examples.of(labels, labels))
    card = DataCard("test", "0", ".", {}, Target((2,), ("", "1")), {})
    assert transcription.TRANSCRIPTION.measure(outputs, card) == {"val_cer": 1.0, "val_beam_cer": 0.0}
    monkeypatch.setattr(transcription, "MOST_BEAMED", 3)
    assert transcription.TRANSCRIPTION.measure(outputs, card) == {"val_cer": 1.0, "val_beam_cer": 0.0}
    assert searched == [4, 3]
    few = transcription._beamed(100)
    assert len(set(few.tolist())) == 3
    assert few.tolist() == transcription._beamed(100).tolist()


@pytest.mark.tf
def test_an_encoder_with_too_few_frames_is_turned_away(tmp_path):
    import keras
    from keras_tuner.errors import FailedTrialError

    from nas.data_card import DataCard, Input, Target
    from nas.errors import FamilyError
    from nas.training.tasks.transcription import TRANSCRIPTION

    card = DataCard("test", "0", ".", {"x": Input("sequence", (4, 2))}, Target((5,), ("", "a", "b")), {})
    inputs = keras.Input((4, 2))
    with pytest.raises(FailedTrialError, match="4 frames, and the longest label needs 5"):
        TRANSCRIPTION.attach_head(keras.Model(inputs, keras.layers.Dense(2)(inputs)), card, None)
    with pytest.raises(FamilyError, match="features='sequence'"):
        TRANSCRIPTION.attach_head(keras.Model(inputs, keras.layers.Flatten()(inputs)), card, None)


@pytest.mark.tf
def test_a_head_begins_with_how_often_each_symbol_is_heard():
    import keras

    from nas.data_card import DataCard, Input, Target
    from nas.training.tasks.transcription import TRANSCRIPTION

    rng = np.random.default_rng(0)
    labels = np.pad(rng.choice([1, 2, 2, 2], (64, 8)), ((0, 0), (0, 3))).astype(np.int32)
    counts = (0, int((labels == 1).sum()), int((labels == 2).sum()))
    card = DataCard(
        *("test", "0", ".", {"x": Input("sequence", (100, 2))}),
        *(Target((11,), ("", "a", "b")), {"train": 64}),
        class_counts={"train": counts},
    )
    inputs = keras.Input((100, 2))
    model = TRANSCRIPTION.attach_head(keras.Model(inputs, inputs), card, None)
    head = model.get_layer("head")
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(head.bias))
    np.testing.assert_allclose(shares, np.array([6400 - 512, *counts[1:]]) / 6400, rtol=1e-5)
    assert keras.layers.Dense.from_config(head.get_config()).get_config() == head.get_config()

    loss = TRANSCRIPTION.loss(card, None)
    silence = np.zeros((64, 100, 2), np.float32)
    begun = float(loss(labels, model(silence)))
    head.bias.assign(np.zeros(3))
    assert begun < float(loss(labels, model(silence))) / 3
