"""Texts ▶ tokens. A vocabulary is learned from texts, or read from a ``tokenizer.json``.

Token 0 is padding and 1 stands for what the vocabulary lacks, in every vocabulary that is made here. Neither is
declared special: a text that has ``[PAD]`` written in it has three words there, not padding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from nas.data.options import TextSection
from nas.data.source import Array
from nas.errors import DataError, plural

PADDING, UNKNOWN = "[PAD]", "[UNK]"
CONTINUES = "##"
"""Before a subword that does not begin its word, as in BERT."""
SEEN = 2
"""Times that a token must be there. What train has once stands in for what it has never: ``[UNK]`` is trained by it."""
PADDING_NAMES = (PADDING, "<pad>", "<PAD>", "[pad]", "<|pad|>", "<|padding|>")
"""What padding is called in the wild, where a file does not say it."""
LONGEST = 100
"""Characters of a word; what goes on is another word. A line without blanks would else be one word to learn from."""
BATCH = 4096
"""Texts encoded at once, to hold a few of the library's records at a time."""


def train_tokenizer(texts: Iterable[str], options: TextSection) -> Tokenizer:
    """Return a tokenizer whose vocabulary is made of `texts`, or the one that `options` name.

    The same texts in the same order always give the same tokenizer, byte by byte.

    Raises:
        DataError: The named ``tokenizer.json`` cannot be read, or is not to be used here.
    """
    if options.tokenizer is not None:
        return read_tokenizer(Path(options.tokenizer))
    if options.tokens == "bytes":
        return _bytes(options)
    texts = [well_formed(text) for text in texts]
    return {"words": _words, "characters": _characters, "subwords": _subwords}[options.tokens](texts, options)


def _words(texts: list[str], options: TextSection) -> Tokenizer:
    """Runs of letters and digits, and runs of signs; the most frequent ones."""
    draft = _dressed(Tokenizer(models.WordLevel(unk_token=UNKNOWN)), _word_splitter(), options)
    draft.train_from_iterator(texts, trainers.WordLevelTrainer(**_asked(options)))
    return _dressed(Tokenizer(models.WordLevel(draft.get_vocab(), UNKNOWN)), draft.pre_tokenizer, options)


def _characters(texts: list[str], options: TextSection) -> Tokenizer:
    """Unicode code points, blanks among them; the most frequent ones."""
    draft = _dressed(Tokenizer(models.WordLevel(unk_token=UNKNOWN)), _character_splitter(), options)
    draft.train_from_iterator(texts, trainers.WordLevelTrainer(**_asked(options)))
    tokenizer = _dressed(Tokenizer(models.WordLevel(draft.get_vocab(), UNKNOWN)), draft.pre_tokenizer, options)
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _subwords(texts: list[str], options: TextSection) -> Tokenizer:
    """WordPiece, as in BERT: a frequent word is one token, a rare one several (Devlin et al. 2018, arXiv:1810.04805).

    The library numbers the letters that go on a word in the order of a hash table, which is another one in every
    process, and breaks ties of merges by those numbers. So the letters are chosen and numbered here.
    """
    draft = _dressed(Tokenizer(models.WordPiece(unk_token=UNKNOWN)), _word_splitter(), options)
    counts = Counter(letter for text in texts for letter in draft.normalizer.normalize_str(text))
    often = sorted((-count, letter) for letter, count in counts.items() if count >= SEEN and not letter.isspace())
    letters = [letter for _, letter in often][: (options.vocabulary - 2) // 2]  # each of them begins and goes on
    asked = _asked(options, *letters, *(CONTINUES + letter for letter in letters))
    trainer = trainers.WordPieceTrainer(
        **asked, initial_alphabet=letters, limit_alphabet=len(letters), continuing_subword_prefix=CONTINUES
    )
    draft.train_from_iterator(texts, trainer)
    model = models.WordPiece(draft.get_vocab(), unk_token=UNKNOWN, continuing_subword_prefix=CONTINUES)
    tokenizer = _dressed(Tokenizer(model), draft.pre_tokenizer, options)
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUES)
    return tokenizer


def _bytes(options: TextSection) -> Tokenizer:
    """The bytes of UTF-8: byte b is token 2 + b. Nothing is ever unknown, nothing lost but capitals, if it is asked."""
    vocabulary = {token: place for place, token in enumerate([PADDING, UNKNOWN, *_byte_names()])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    if options.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def _byte_names() -> Iterator[str]:
    """Yield what the library calls each of the 256 bytes: itself if it is visible, a letter from U+0100 on if not.

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners", ``bytes_to_unicode``.
    """
    alphabet = set(pre_tokenizers.ByteLevel.alphabet())
    others = iter(sorted(alphabet - {chr(byte) for byte in range(256)}))
    for byte in range(256):
        yield chr(byte) if chr(byte) in alphabet else next(others)


def _asked(options: TextSection, *known: str) -> dict[str, Any]:
    """Return what every trainer is asked for; `known` are tokens that it must number next after the first two."""
    return {
        "vocab_size": options.vocabulary,
        "min_frequency": SEEN,
        "special_tokens": [PADDING, UNKNOWN, *known],
        "show_progress": False,
    }


def _dressed(tokenizer: Tokenizer, splitter: Any, options: TextSection) -> Tokenizer:
    """Return `tokenizer` with what comes before the vocabulary: Unicode's compatible forms, small letters, a cut."""
    steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if options.lowercase else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = splitter
    return tokenizer


def _word_splitter() -> Any:
    """Cut at blanks and between letters and signs; Chinese characters are words by themselves, as in BERT."""
    run = f"{{1,{LONGEST}}}"
    words = rf"\p{{Han}}|[\w&&[^\p{{Han}}]]{run}|[^\w\s]{run}"
    return pre_tokenizers.Split(Regex(words), "removed", invert=True)


def _character_splitter() -> Any:
    return pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")


def well_formed(text: str) -> str:
    """Return `text` as Unicode can be written: surrogates joined in pairs, single ones replaced by U+FFFD.

    Example:
        >>> well_formed("\\ud83d\\ude00 \\ud83d") == "😀 �"
        True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def read_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer in the ``tokenizer.json`` at `path`: a file, never a name to be looked up anywhere.

    Raises:
        DataError: It cannot be read, or its padding is not token 0.
    """
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises a bare Exception
        raise DataError(
            f"data.text.tokenizer: {path} cannot be read: {str(error).rstrip('.')}. "
            "It must be a tokenizer.json as Hugging Face's tokenizers writes it."
        ) from None
    vocabulary = tokenizer.get_vocab()
    said = [tokenizer.padding["pad_token"]] if tokenizer.padding else []
    padding = next((name for name in (*said, *PADDING_NAMES) if name in vocabulary), None)
    if padding is None or vocabulary[padding] != 0:
        what = "it has no padding token" if padding is None else f"its padding, {padding!r}, is {vocabulary[padding]}"
        raise DataError(
            f"data.text.tokenizer: {path}: token 0 must be padding, but {what} and 0 is {tokenizer.id_to_token(0)!r}. "
            "Number its tokens anew, or leave data.text.tokenizer out to have a vocabulary made of the texts."
        )
    return tokenizer


def vocabulary_size(tokenizer: Tokenizer) -> int:
    """Return how many rows a table needs that is to be indexed by tokens: numbers may be left out in between."""
    return 1 + max(tokenizer.get_vocab().values())


def encode(tokenizer: Tokenizer, texts: Array, length: int) -> Array:
    """Return `texts` as int32 tokens (examples, length), cut off at the end or filled up with 0.

    `tokenizer` is left set to do so by itself: written to a file, it makes of a text what a model receives.

    Raises:
        DataError: There is no room for a text beside the tokens that `tokenizer` adds, or it cannot encode one.
    """
    added = tokenizer.num_special_tokens_to_add(is_pair=False)
    if length <= added:
        raise DataError(f"data.text.length is {length}, but the tokenizer adds {plural(added, 'token')} to every text.")
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=0, pad_token=tokenizer.id_to_token(0))
    rows = np.zeros((len(texts), length), dtype=np.int32)
    for start in range(0, len(texts), BATCH):
        batch = [well_formed(text) for text in texts[start : start + BATCH]]
        try:
            found = tokenizer.encode_batch_fast(batch)
        except Exception as error:  # a file of one's own may lack a token for what it does not know
            raise DataError(f"data.text.tokenizer: the texts cannot be encoded: {error}.") from None
        rows[start : start + len(found)] = [one.ids for one in found]
    return rows


def unknown_token(tokenizer: Tokenizer) -> int:
    """Return the token that stands for what the vocabulary of `tokenizer` lacks."""
    names = (getattr(tokenizer.model, "unk_token", None), UNKNOWN, "<unk>")
    found = (tokenizer.token_to_id(name) for name in names if name)
    return next((token for token in found if token is not None), 1)


def special_tokens(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return the tokens that stand for no word: padding, the unknown one, and those `tokenizer` calls special."""
    added = tokenizer.get_added_tokens_decoder()
    declared = {token for token, what in added.items() if what.special}
    return tuple(sorted({0, unknown_token(tokenizer), *declared}))
