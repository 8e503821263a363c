"""Sound files as people keep them: every format, rate and depth, and every way to be broken."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from nas.data import audio_folder
from nas.data.options import AudioSection, DataSection
from nas.data.prepared import prepare
from nas.data.sound import FULL, fit_sound, read_sound
from nas.errors import DataError

RATE = 8000


def sine(hertz, rate, seconds=1.0, level=0.5):
    return level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def pitch(sound, rate=RATE):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return spectrum.argmax() * rate / len(sound)


def write(path, sound, rate=RATE, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("name", "subtype", "rate"),
    [
        ("a.wav", "PCM_16", 44100),
        ("a.wav", "PCM_24", 48000),
        ("a.wav", "PCM_32", 11025),
        ("a.wav", "FLOAT", 22050),
        ("a.wav", "PCM_U8", 8000),
        ("a.flac", "PCM_24", 16000),
        ("a.ogg", "VORBIS", 44100),
        ("a.ogg", "OPUS", 48000),
        ("a.mp3", "MPEG_LAYER_III", 44100),
        ("a.aiff", "PCM_16", 44101),
    ],
)
def test_every_format_keeps_its_pitch_and_its_level(tmp_path, name, subtype, rate):
    stereo = np.stack([sine(440, rate), sine(440, rate) / 2], axis=1)
    sound = read_sound(write(tmp_path / name, stereo, rate, subtype), RATE, RATE)
    assert (sound.shape, sound.dtype) == ((RATE,), np.int16)
    assert pitch(sound) == pytest.approx(440, abs=1)
    middle = sound[RATE // 4 : 3 * RATE // 4] / FULL
    assert np.sqrt(2 * np.mean(np.square(middle))) == pytest.approx(0.375, rel=0.03)


def test_16_bits_at_the_wanted_rate_are_left_as_they_are(tmp_path):
    samples = np.random.default_rng(0).integers(-FULL, FULL, RATE).astype(np.int16)
    np.testing.assert_array_equal(read_sound(write(tmp_path / "a.wav", samples), RATE, RATE), samples)


def test_channels_are_averaged():
    stereo = np.array([[1000, 3000], [-500, 500]], dtype=np.int16)
    np.testing.assert_array_equal(fit_sound(stereo, RATE, RATE, 2), [2000, 0])


@pytest.mark.parametrize(
    ("dtype", "loud"), [(np.int8, 64), (np.uint8, 192), (np.int16, 2**14), (np.int32, 2**30), (np.float64, 0.5)]
)
def test_integers_are_of_full_scale(dtype, loud):
    np.testing.assert_array_equal(fit_sound(np.full(4, loud, dtype), RATE, RATE, 4), [2**14] * 4)


def test_what_is_beyond_full_scale_is_clipped():
    np.testing.assert_array_equal(fit_sound(np.array([2.0, -2.0]), RATE, RATE, 2), [FULL - 1, -FULL])


def test_what_would_alias_is_gone():
    high = fit_sound(sine(6000, 48000), 48000, RATE, RATE)
    assert np.abs(high[100:-100]).max() < 0.01 * FULL


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_long_sounds_are_cut_off_and_short_ones_filled_up_with_silence(rate):
    long = fit_sound(sine(440, rate, 3.0), rate, RATE, RATE)
    np.testing.assert_array_equal(long, fit_sound(sine(440, rate, 1.5), rate, RATE, RATE))
    short = fit_sound(sine(440, rate, 0.25), rate, RATE, RATE)
    assert np.abs(short[: RATE // 4]).max() > FULL / 3
    assert not short[RATE // 4 + 50 :].any()


@given(
    st.integers(1000, 200_000),
    st.integers(1000, 192_000),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["int16", "float32"]),
)
def test_any_rates_and_lengths_give_the_wanted_length(rate, wanted_rate, length, samples, dtype):
    sound = fit_sound(np.ones((length, 2), dtype), rate, wanted_rate, samples)
    assert (sound.shape, sound.dtype) == ((samples,), np.int16)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(tmp_path, bad):
    path = write(tmp_path / "a.wav", np.array([0.0, bad, 0.0]), subtype="FLOAT")
    with pytest.raises(DataError, match=r"a\.wav cannot be used: some of its samples are NaN or infinite"):
        read_sound(path, RATE, 10)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", r"a\.wav is empty \(0 bytes\)"),
        (b"hello", r"a\.wav is no sound that can be decoded"),
        (bytes(range(256)) * 8, r"a\.wav is no sound that can be decoded"),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path, content, problem):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read_sound(tmp_path / "a.wav", RATE, RATE)


def test_a_sound_without_samples_is_refused(tmp_path):
    with pytest.raises(DataError, match="there are no samples in it"):
        read_sound(write(tmp_path / "a.wav", np.zeros(0)), RATE, RATE)


def test_what_is_not_there_or_no_file_is_refused(tmp_path):
    for path in (tmp_path / "missing.wav", tmp_path):
        with pytest.raises(DataError, match="cannot be opened"):
            read_sound(path, RATE, RATE)


def test_a_rate_that_cannot_be_is_not_believed(tmp_path):
    with pytest.raises(DataError, match="says that it has 8 samples a second"):
        read_sound(write(tmp_path / "a.wav", sine(1, 8), 8), RATE, RATE)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.aiff", "PCM_16"), ("a.flac", "PCM_16")],
)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.01])
def test_a_file_that_was_cut_off_is_refused(tmp_path, name, subtype, share):
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE)
    path = write(tmp_path / name, noise, subtype=subtype)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"cut off|no sound that can be decoded"):
        read_sound(path, RATE, 4 * RATE)


def test_a_file_whose_length_was_not_known_when_it_was_begun_is_read(tmp_path):
    path = write(tmp_path / "a.wav", sine(440, RATE))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4  # as ffmpeg writes to a pipe
    path.write_bytes(content)
    assert pitch(read_sound(path, RATE, RATE)) == pytest.approx(440, abs=1)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_refused_in_words(tmp_path_factory, place, junk):
    path = write(tmp_path_factory.mktemp("damaged") / "a.flac", sine(440, RATE, 0.1))
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(junk)] = junk
    path.write_bytes(content)
    try:
        sound = read_sound(path, RATE, 800)
    except DataError as error:
        told = str(error)
    else:
        told = f"{path} has {len(sound)}"
    assert "a.flac" in told


# ---------------------------------------------------------------- folders


def section(bad=0.0, **audio):
    audio = {"sample_rate": RATE, "seconds": 0.1} | audio
    return DataSection(source="audio:sounds", audio=AudioSection(**audio), bad=bad)


def load(base, **options):
    return audio_folder.load("sounds", base, section(**options))


@pytest.fixture
def sounds(tmp_path):
    for place in range(6):
        write(tmp_path / "sounds" / "low" / f"{place}.wav", sine(200 + place, 44100, 0.2), 44100)
        write(tmp_path / "sounds" / "high" / "more" / f"{place}.flac", sine(2000 + place, 16000, 0.05), 16000)
    return tmp_path


def test_subfolders_are_labels_in_sorted_order(sounds):
    raw = load(sounds)
    assert raw.train.y.tolist() == ["high"] * 6 + ["low"] * 6
    assert (raw.train.only.shape, raw.train.only.dtype) == ((12, 800), np.int16)
    assert isinstance(raw.train.only, np.memmap)
    assert (raw.inputs["x"].kind, raw.inputs["x"].sample_rate) == ("audio", RATE)
    assert pitch(raw.train.only[0]) == pytest.approx(2000, abs=20)
    assert pitch(raw.train.only[-1]) == pytest.approx(200, abs=20)
    assert raw.notes == ()


def test_it_is_prepared_and_is_the_same_every_time(sounds):
    cards = [prepare(section(), "classification", sounds / name, sounds)[0] for name in "ab"]
    assert cards[0].fingerprint == cards[1].fingerprint
    given = cards[0].inputs["x"]
    assert (given.kind, given.shape, given.sample_rate, given.std) == ("audio", (800,), RATE, (float(FULL),))


@pytest.mark.parametrize("word", ["validation", "val"])
def test_splits_may_be_given(tmp_path, word):
    for split in ("train", word, "test"):
        for label in ("low", "high"):
            write(tmp_path / "sounds" / split / label / "a.wav", sine(300, RATE, 0.1))
    raw = load(tmp_path)
    assert {name: len(examples) for name, examples in raw.splits.items()} == {"train": 2, "validation": 2, "test": 2}


def test_what_says_that_it_is_no_sound_is_left_out(sounds):
    for name in ("labels.txt", ".hidden.wav", "cover.png", "Thumbs.db"):
        (sounds / "sounds" / "low" / name).write_text("not a sound")
    assert len(load(sounds).train) == 12


def test_a_few_bad_files_are_left_out_and_listed(sounds):
    (sounds / "sounds" / "low" / "broken.wav").write_bytes(b"RIFF nonsense")
    write(sounds / "sounds" / "low" / "nothing.wav", np.zeros(0))
    raw = load(sounds, bad=0.2)
    assert len(raw.train) == 12
    (note,) = raw.notes
    assert "2 of 14 sounds cannot be read and are left out" in note
    assert "broken.wav is no sound that can be decoded" in note
    assert "nothing.wav cannot be used: there are no samples in it" in note


def test_more_of_them_are_refused(sounds):
    for name in ("broken.wav", "film.m4a"):
        (sounds / "sounds" / "low" / name).write_bytes(b"RIFF nonsense")
    with pytest.raises(DataError, match=r"2 of 14 sounds cannot be read, more than the 10 %") as error:
        load(sounds, bad=0.1)
    assert "film.m4a" in str(error.value)
    assert "data.bad" in str(error.value)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], "has no folders in it"),
        (["a.wav", "b.wav"], "has 2 files, but no folders"),
        (["low/notes.txt"], "no sounds in the folders"),
        (["low/a.wav"], "has sounds of only one class, low"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path, names, problem):
    (tmp_path / "sounds").mkdir()
    for name in names:
        (tmp_path / "sounds" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "sounds" / name).write_bytes(b"")
    with pytest.raises(DataError, match=problem):
        load(tmp_path)


def test_a_folder_that_is_not_there_has_a_neighbour(sounds):
    with pytest.raises(DataError, match=r"does not exist\. Did you mean 'sounds'\?"):
        audio_folder.load("soudns", sounds, section())
