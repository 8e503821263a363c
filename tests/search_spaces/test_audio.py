"""Encoders of sounds: the spectrogram they begin with, its masks, and how many steps are left."""

import keras
import keras_tuner
import numpy as np
import pytest

from nas.data_card import Input
from nas.testing import check_family
from nas.training.architecture import describe
from search_spaces.audio.blocks import LONGEST_STEP, SoundEncoder
from search_spaces.audio.cnn import AudioCNN
from search_spaces.audio.conformer import Conformer
from search_spaces.audio.crnn import CRNN
from search_spaces.audio.front_end import (
    BANDS,
    FEWEST_FRAMES,
    HOPS,
    MOST_FRAMES,
    WINDOWS,
    LogMel,
    SpecAugment,
    log_mel,
    mel_filters,
    scale,
    standardise,
)
from search_spaces.audio.wave_cnn import WaveCNN
from search_spaces.blocks import pool_steps

pytestmark = pytest.mark.tf

FAMILIES = [AudioCNN, CRNN, Conformer, WaveCNN]
RATE = 8000


def sines(*hertz, rate=RATE, seconds=1.0):
    return np.stack([np.sin(2 * np.pi * f * np.arange(round(rate * seconds)) / rate) for f in hertz]).astype("float32")


def chosen(**values):
    hp = keras_tuner.HyperParameters()
    hp.values |= values
    return hp


# ---------------------------------------------------------------- the spectrogram


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("bands", BANDS)
def test_no_band_is_empty_however_narrow(rate, bands):
    for window in WINDOWS:
        filters = mel_filters(rate, 2 * round(window * rate / 2000), bands)
        np.testing.assert_allclose(filters.sum(axis=0), 1, rtol=1e-5)
        assert (filters >= 0).all()
        centres = (filters * np.arange(len(filters))[:, None]).sum(axis=0)
        assert (np.diff(centres) > 0).all()  # and they rise


def test_a_tone_is_loudest_in_its_own_band():
    layer = LogMel(RATE, window=256, hop=128, bands=32)
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([40, 4000]) / 700)), 34) / 2595) - 1)
    centres = edges[1:-1][4::4]
    loudest = np.array(layer(sines(*centres))).mean(axis=1).argmax(axis=1)
    np.testing.assert_array_equal(loudest, np.arange(32)[4::4])


def test_decibels_are_those_of_a_full_scale_sine():
    layer = LogMel(RATE, window=200, hop=100, bands=24, floor=-80)
    tone = sines(1000)
    loud, softer, silent = (np.array(layer(gain * tone))[0, 5:-5] for gain in (1.0, 0.1, 0.0))
    np.testing.assert_allclose(loud.max(), 4.0, atol=0.7)  # ten decibels each, from the middle of the range
    np.testing.assert_allclose(loud.max() - softer.max(), 2.0, atol=1e-3)
    np.testing.assert_allclose(silent, -4.0, atol=1e-5)


def test_a_spectrogram_does_not_depend_on_its_neighbours():
    layer = LogMel(RATE, window=256, hop=128, bands=24)
    alone, beside = layer(1e-4 * sines(500)), layer(np.concatenate([1e-4 * sines(500), sines(900)]))
    np.testing.assert_allclose(alone[0], beside[0], atol=1e-5)


@pytest.mark.parametrize("samples", [256, 1279, 1280, 4000])
@pytest.mark.parametrize(("window", "hop"), [(161, 77), (200, 80), (64, 64)])
def test_the_shape_that_is_promised_is_the_one_there_is(samples, window, hop):
    layer = LogMel(RATE, window, hop, bands=24)
    promised = layer(keras.Input((samples,))).shape
    assert promised[1:] == layer(np.zeros((2, samples), "float32")).shape[1:] == (1 + samples // hop, 24)


def test_macs_of_the_spectrogram():
    inputs = keras.Input((4000,))
    model = keras.Model(inputs, LogMel(RATE, window=256, hop=80, bands=40)(inputs))
    assert describe(model).cost.macs == (1 + 4000 // 80) * (256 * 8 + 129 * 40)


@pytest.mark.parametrize("how", ["batch", "clip"])
def test_bands_are_standardised(how):
    x = np.random.default_rng(0).normal(3, 2, (8, 50, 5)).astype("float32") * np.arange(1, 6, dtype="float32")
    inputs = keras.Input((50, 5))
    model = keras.Model(inputs, standardise(inputs, how, name="standardise"))
    assert not model.trainable_weights
    out = np.array(model(x, training=True))
    axes = (0, 1) if how == "batch" else 1
    np.testing.assert_allclose(out.mean(axis=axes), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=axes), 1, atol=1e-2)


def test_in_inference_an_example_is_standardised_by_what_train_was_like():
    inputs = keras.Input((50, 5))
    model = keras.Model(inputs, standardise(inputs, "batch", name="standardise"))
    x = np.random.default_rng(0).normal(3, 2, (8, 50, 5)).astype("float32")
    np.testing.assert_allclose(model(x)[:1], model(x[:1]), atol=1e-6)


@pytest.mark.parametrize("features", ["vector", "sequence"])
@pytest.mark.parametrize("samples", [256, 700, 4000, 16000, 240_000])
@pytest.mark.parametrize("rate", [4000, 16000, 44100])
def test_there_are_enough_frames_and_not_too_many(samples, rate, features):
    factor = scale(samples, rate, features)
    duration = 1000 * samples / rate
    fewest, middle = (1 + int(duration / (hop * factor)) for hop in (HOPS[-1], HOPS[2]))
    assert fewest >= FEWEST_FRAMES
    if features == "vector":
        assert middle <= MOST_FRAMES + 1
    else:
        assert factor <= 1


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("window", WINDOWS)
def test_windows_and_hops_are_milliseconds(window, hop):
    hp = chosen(window_ms=window, hop_ms=hop, mel_bands=24)
    x, in_ms = log_mel(hp, keras.Input((16000,)), 16000, "vector")
    assert in_ms == hop <= window
    assert x.shape[1:] == (1 + 16000 // round(16 * hop), 24)


# ---------------------------------------------------------------- SpecAugment


def test_nothing_is_hidden_in_inference():
    x = np.random.default_rng(0).normal(size=(4, 50, 40)).astype("float32")
    np.testing.assert_array_equal(SpecAugment(2)(x, training=False), x)
    np.testing.assert_array_equal(SpecAugment(2)(x), x)


@pytest.mark.parametrize("masks", [1, 2])
def test_stretches_of_time_and_frequency_are_hidden_in_training(masks):
    x = np.random.default_rng(0).normal(size=(200, 50, 40)).astype("float32")
    keras.utils.set_random_seed(0)
    out = np.array(SpecAugment(masks)(x, training=True))
    hidden = out == 0
    np.testing.assert_array_equal(out[~hidden], x[~hidden])
    frames, bands = hidden.all(axis=2), hidden.all(axis=1)
    np.testing.assert_array_equal(
        hidden, frames[:, :, None] | bands[:, None, :]
    )  # whole frames and bands, nothing else
    for stretches, most in ((frames, 5), (bands, 8)):
        assert stretches.sum(axis=1).max() <= masks * most
        begins = np.diff(stretches.astype(int), axis=1, prepend=0) == 1
        assert begins.sum(axis=1).max() == masks
    assert len(np.unique(frames, axis=0)) > 50  # each example has its own
    assert frames.any(axis=0)[[0, -1]].all()  # they reach the ends
    assert frames.any(axis=1).mean() > 0.5


def test_each_step_hides_something_else():
    x = np.ones((8, 50, 40), "float32")
    layer = SpecAugment(1)
    assert (np.array(layer(x, training=True)) != np.array(layer(x, training=True))).any()


def test_it_is_part_of_the_model_only_where_it_is_chosen():
    def names(masks):
        model = AudioCNN((4000,), RATE).build(chosen(spec_augment=masks))
        return {layer.name for layer in model.layers}

    assert "spec_augment" not in names(0)
    assert "spec_augment" in names(1)


# ---------------------------------------------------------------- steps


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("rate", "seconds"), [(8000, 0.5), (16000, 1.5)])
def test_a_sequence_has_25_steps_a_second_at_least(family, rate, seconds):
    given = Input("audio", (round(rate * seconds),), sample_rate=rate)
    for architecture in check_family(family, given, features="sequence", members=3, seed=1):
        steps, width = architecture.graph[-1].shape
        assert 1000 / LONGEST_STEP * seconds <= steps <= 130 * seconds
        assert width > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shortest_sounds_are_encoded(family):
    check_family(family, Input("audio", (256,), sample_rate=RATE), members=3)


@pytest.mark.parametrize("samples", [4000, 480_000])
def test_long_sounds_become_no_longer_spectrograms_without_end(samples):
    family = AudioCNN((samples,), 16000)
    assert family.build(chosen()).get_layer("log_mel").output.shape[1] <= 2 * MOST_FRAMES


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (((100,), 8000), "at least 256 samples. Received: 100"),
        (((8000,), 0), "sample rate must be known"),
        (((8000,), 8000, "map"), "'vector' or a 'sequence'. Received: 'map'"),
    ],
)
def test_what_cannot_be_encoded_is_refused(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        SoundEncoder(*arguments)


def test_attention_weighs_steps():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    inputs = keras.Input((6, 3))
    model = keras.Model(inputs, pool_steps(inputs, "attention"))
    scores = x @ model.get_layer("pool_scores").get_weights()[0]
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), (weights * x).sum(axis=1), rtol=1e-4)


def test_the_last_state_of_both_directions_has_read_everything():
    model = CRNN((4000,), RATE).build(chosen(pooling="last", bidirectional=True, units=16))
    assert model.output.shape == (None, 32)
