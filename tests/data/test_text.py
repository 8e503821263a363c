"""Texts become tokens: 0 is padding, 1 unknown, the same texts always give the same file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from nas.data.duplicates import hashes
from nas.data.options import DataSection, TextSection
from nas.data.prepared import open_split, prepare
from nas.data.source import Examples
from nas.data.text import (
    PADDING,
    UNKNOWN,
    encode,
    read_tokenizer,
    special_tokens,
    train_tokenizer,
    unknown_token,
    vocabulary_size,
    well_formed,
)
from nas.errors import DataError

KINDS = ("words", "subwords", "characters", "bytes")
LEARNED = KINDS[:3]
TEXTS = [
    "The cat sat on the mat.",
    "The cats sat, the cats sit; the cat sits.",
    "Größe, größer, am größten: Größe!",
    "שלום עולם שלום עולם",
    "漢字と漢字 😀😀 e\u0301e\u0301 é\x00\x00",
    "",
    "   \t\n ",
]
ANY_TEXT = st.text(st.characters(codec=None), max_size=40)  # surrogates among them


def options(tokens, **others):
    return TextSection(tokens=tokens, **others)


def tokens_of(tokenizer, text, length=32):
    """The tokens of one text, without padding."""
    row = encode(tokenizer, np.array([text], dtype=object), length)[0]
    return [tokenizer.id_to_token(token) for token in row if token]


@pytest.mark.parametrize("kind", KINDS)
def test_0_is_padding_and_1_unknown(kind):
    tokenizer = train_tokenizer(TEXTS, options(kind))
    assert (tokenizer.id_to_token(0), tokenizer.id_to_token(1)) == (PADDING, UNKNOWN)
    assert sorted(tokenizer.get_vocab().values()) == list(range(vocabulary_size(tokenizer)))


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("most", [3, 4, 5, 20, 10_000])
def test_a_vocabulary_is_no_larger_than_asked_for(kind, most):
    assert 2 <= vocabulary_size(train_tokenizer(TEXTS, options(kind, vocabulary=most))) <= most


def test_words_are_runs_of_letters_and_runs_of_signs():
    tokenizer = train_tokenizer(["Don't panic! Don't panic!"], options("words"))
    assert tokens_of(tokenizer, "don't  PANIC!") == ["don", "'", "t", "panic", "!"]


def test_what_was_seen_once_is_unknown():
    for kind in LEARNED:
        tokenizer = train_tokenizer(["aa bb aa bb c"], options(kind))
        assert tokens_of(tokenizer, "c") == [UNKNOWN]


def test_case_is_kept_if_it_is_asked():
    for kind in KINDS:
        kept = train_tokenizer(["Aa Aa aa aa"], options(kind, lowercase=False))
        folded = train_tokenizer(["Aa Aa aa aa"], options(kind))
        assert tokens_of(kept, "Aa") != tokens_of(kept, "aa")
        assert tokens_of(folded, "Aa") == tokens_of(folded, "aa")


def test_chinese_characters_are_words():
    assert tokens_of(train_tokenizer(["漢字x 漢字x"], options("words")), "漢字x字") == ["漢", "字", "x", "字"]


def test_subwords_that_go_on_a_word_have_a_prefix():
    tokenizer = train_tokenizer(["low lower lowest new newer newest"] * 3, options("subwords", vocabulary=40))
    assert tokens_of(tokenizer, "lower") == ["lower"]
    found = tokens_of(tokenizer, "wolwer")
    assert not found[0].startswith("##")
    assert all(piece.startswith("##") for piece in found[1:])
    assert "".join(piece.removeprefix("##") for piece in found) == "wolwer"
    assert tokenizer.decode(encode(tokenizer, ["newest lower"], 16)[0].tolist()).startswith("newest lower")


def test_padding_written_in_a_text_is_text():
    for kind in KINDS:
        tokenizer = train_tokenizer(["[PAD] [UNK] a"] * 3, options(kind, lowercase=False))
        (row,) = encode(tokenizer, ["[PAD] a"], 16)
        used = np.count_nonzero(row)
        assert row[:used].all()
        assert used >= 4


@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=8), length=st.integers(1, 24))
def test_any_texts_become_rows_of_tokens_with_padding_at_the_end(kind, texts, length):
    tokenizer = train_tokenizer(texts, options(kind))
    rows = encode(tokenizer, np.array(texts, dtype=object), length)
    assert rows.shape == (len(texts), length)
    assert rows.dtype == np.int32
    assert rows.min() >= 0
    assert rows.max() < vocabulary_size(tokenizer)
    for row, text in zip(rows, texts, strict=True):
        used = np.count_nonzero(row)
        assert row[:used].all()
        assert used or not text.strip() or kind in ("words", "subwords")


@given(text=ANY_TEXT)
def test_bytes_lose_nothing(text):
    tokenizer = train_tokenizer([], options("bytes", lowercase=False))
    (row,) = encode(tokenizer, [text], 200)
    whole = well_formed(text).encode()
    assert bytes((row[row > 0] - 2).tolist()) == whole  # byte b is token 2 + b
    assert tokenizer.decode(row[row > 0].tolist()).encode() == whole
    assert 1 not in row


def test_half_a_surrogate_pair_is_an_example_like_others():
    texts = Examples.of(np.array(["a\ud83d", "a", "a\ud83d"], dtype=object))
    first, second, third = hashes(texts)
    assert first == third != second


def test_surrogates_are_joined_or_replaced():
    assert well_formed("a\ud83d\ude00b") == "a😀b"
    assert well_formed("a\ud83db\udc00") == "a\ufffdb\ufffd"
    assert well_formed("\udfff") == "\ufffd"


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_of_a_megabyte(kind):
    line = np.array(["x" * 2**20, "x y " * 2**18], dtype=object)
    rows = encode(train_tokenizer(line, options(kind)), line, 8)
    assert (rows > 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_texts_at_all(kind):
    tokenizer = train_tokenizer(["", " "], options(kind))
    assert (encode(tokenizer, [""], 4) == 0).all()
    assert encode(tokenizer, [], 4).shape == (0, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_makes_of_a_text_what_a_model_receives(kind):
    tokenizer = train_tokenizer(TEXTS, options(kind))
    rows = encode(tokenizer, np.array(TEXTS, dtype=object), 6)
    again = Tokenizer.from_str(tokenizer.to_str())
    assert [again.encode(text).ids for text in TEXTS] == rows.tolist()


def test_two_processes_make_the_same_file():
    script = (
        "import hashlib, sys\n"
        "from nas.data.options import TextSection\n"
        "from nas.data.text import train_tokenizer\n"
        "texts = [f'{chr(97 + i % 26)}{chr(97 + i % 7)}ß{i % 13} {chr(0x430 + i % 30)}ж' for i in range(3000)]\n"
        f"for kind in {KINDS}:\n"
        "    file = train_tokenizer(texts, TextSection(tokens=kind, vocabulary=300)).to_str(pretty=True)\n"
        "    print(hashlib.sha256(file.encode()).hexdigest())\n"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env).stdout
        for env in ({**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2", "3"))
    }
    assert len(outputs) == 1
    assert len(outputs.pop().split()) == len(KINDS)


# ---------------------------------------------------------------- as part of a data set


def source(folder: Path) -> str:
    rng = np.random.default_rng(0)
    words = np.array(["good", "fine", "bad", "poor", "plain"])
    texts = [" ".join(rng.choice(words, 5)) for _ in range(60)]
    y = np.arange(60) % 2
    np.savez(folder / "t.npz", x=texts, y=y, x_test=["good novel good novel", "bad"], y_test=[0, 1])
    return "npz:t.npz"


def test_the_vocabulary_is_that_of_train(tmp_path):
    card, _ = prepare(DataSection(source=source(tmp_path)), "classification", tmp_path / "p", tmp_path)
    (given,) = card.inputs.values()
    assert (given.kind, given.shape, given.dtype, given.vocabulary) == ("text", (64,), "int32", 7)
    test = open_split(card, "test").only
    assert test[0, :6].tolist() == [test[0, 0], 1, test[0, 0], 1, 0, 0]
    assert test[0, 0] > 1
    file = Path(card.folder) / "x_tokenizer.json"
    assert Tokenizer.from_file(str(file)).encode("good novel good novel").ids == test[0].tolist()


def own(padding="[PAD]", **changes) -> Tokenizer:
    """A small BERT: it adds a token before and one behind every text."""
    names = ["[CLS]", "[SEP]", "[UNK]", "good", "bad"]
    names.insert(changes.get("place", 0), padding)
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([padding, "[CLS]", "[SEP]", "[UNK]"])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return tokenizer


def test_a_tokenizer_of_ones_own_starts_from_the_study_file(tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    own().save(str(tmp_path / "study/tokenizer.json"))
    section = DataSection(source=source(tmp_path / "study"), text=TextSection(tokenizer="tokenizer.json", length=4))
    monkeypatch.chdir("/")
    card, _ = prepare(section, "classification", tmp_path / "p", tmp_path / "study")
    (given,) = card.inputs.values()
    assert (given.shape, given.vocabulary) == ((4,), 6)
    test = open_split(card, "test").only
    assert test.tolist() == [[1, 4, 3, 2], [1, 5, 2, 0]]  # [CLS] good [UNK] [SEP], [CLS] bad [SEP]
    assert section.text.tokenizer == "tokenizer.json"


def test_a_path_from_the_root_stays(tmp_path):
    section = DataSection(source="npz:x", text=TextSection(tokenizer="/a/b.json"))
    assert section.starting_from(tmp_path).text.tokenizer == "/a/b.json"
    assert DataSection(source="npz:x").starting_from(tmp_path).text.tokenizer is None


def test_padding_elsewhere_is_refused(tmp_path):
    own("<pad>", place=2).save(str(tmp_path / "t.json"))
    with pytest.raises(DataError, match=r"its padding, '<pad>', is 2 and 0 is '\[CLS\]'"):
        read_tokenizer(tmp_path / "t.json")


def test_no_padding_is_refused(tmp_path):
    own("word").save(str(tmp_path / "t.json"))
    with pytest.raises(DataError, match="it has no padding token and 0 is 'word'"):
        read_tokenizer(tmp_path / "t.json")


def test_what_the_file_says_is_padding_is_believed(tmp_path):
    tokenizer = own("word")
    tokenizer.enable_padding(pad_token="word")
    tokenizer.save(str(tmp_path / "t.json"))
    assert encode(read_tokenizer(tmp_path / "t.json"), ["bad"], 5).tolist() == [[1, 5, 2, 0, 0]]


def test_numbers_left_out_count(tmp_path):
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "far": 99}
    Tokenizer(models.WordLevel(vocabulary, "[UNK]")).save(str(tmp_path / "t.json"))
    assert vocabulary_size(read_tokenizer(tmp_path / "t.json")) == 100


@pytest.mark.parametrize("content", [None, "", "{}", "[1", '{"model": 3}', "\x00"])
def test_what_is_no_tokenizer_is_refused(tmp_path, content):
    """A name that a hub would know is a file that is not there: nothing is looked up."""
    path = tmp_path / "bert-base-uncased"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"data\.text\.tokenizer: .*bert-base-uncased cannot be read: .*\. It must be"):
        read_tokenizer(path)


def test_a_length_without_room_for_text_is_refused():
    with pytest.raises(DataError, match=r"data\.text\.length is 2, but the tokenizer adds 2 tokens"):
        encode(own(), ["good"], 2)


def test_a_tokenizer_that_cannot_say_unknown_is_refused(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "good": 1}, "[UNK]"))
    with pytest.raises(DataError, match="the texts cannot be encoded"):
        encode(tokenizer, ["bad"], 4)


def test_what_stands_for_no_word_is_known_of_every_tokenizer():
    own = train_tokenizer(["a b c", "a b"], TextSection(tokens="words"))
    assert (unknown_token(own), special_tokens(own)) == (1, (0, 1))
    berts = Tokenizer(models.WordPiece({"[PAD]": 0, "[unused0]": 1, "[CLS]": 2, "[UNK]": 3, "a": 4}, unk_token="[UNK]"))
    berts.add_special_tokens(["[PAD]", "[UNK]", "[CLS]"])
    assert (unknown_token(berts), special_tokens(berts)) == (3, (0, 2, 3))
