"""Texts ▶ tokens. A vocabulary is learned from texts, or read from a ``tokenizer.json``.

Token 0 is padding and 1 stands for what the vocabulary lacks, in every vocabulary that is made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from nas.data.options import TextSection
from nas.data.source import Array
from nas.errors import DataError

PADDING, UNKNOWN = "[PAD]", "[UNK]"


def train_tokenizer(texts: Iterable[str], options: TextSection) -> Tokenizer:
    """Return a tokenizer whose vocabulary is made of `texts`, or the one that `options` name.

    Raises:
        DataError: The named ``tokenizer.json`` cannot be read.
    """
    if options.tokenizer is not None:
        return read_tokenizer(Path(options.tokenizer))
    special: dict[str, Any] = {
        "vocab_size": options.vocabulary,
        "special_tokens": [PADDING, UNKNOWN],
        "show_progress": False,
    }
    match options.tokens:
        case "words":
            tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
            tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # runs of letters and digits, runs of signs
            trainer: Any = trainers.WordLevelTrainer(**special)
        case "characters":
            tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
            tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("(?s)."), "isolated")
            trainer = trainers.WordLevelTrainer(**special)
        case "subwords":
            tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
            tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
            tokenizer.decoder = decoders.WordPiece()
            trainer = trainers.WordPieceTrainer(**special)
        case "bytes":
            return _bytes(options)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), *([normalizers.Lowercase()] if options.lowercase else [])]
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _bytes(options: TextSection) -> Tokenizer:
    """Return a tokenizer with one token for each of the 256 bytes of UTF-8; nothing is ever unknown."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate([PADDING, UNKNOWN, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    if options.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer in the ``tokenizer.json`` at `path`.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return Tokenizer.from_str(path.expanduser().read_text(encoding="utf-8"))
    except Exception as error:  # the library raises a bare Exception
        raise DataError(f"data.text.tokenizer: {path} cannot be read: {error}.") from None


def encode(tokenizer: Tokenizer, texts: Array, length: int) -> Array:
    """Return `texts` as int32 tokens (examples, length), cut off at the end or filled up with the padding token."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    rows = np.zeros((len(texts), length), dtype=np.int32)
    for row, found in enumerate(tokenizer.encode_batch_fast(list(texts))):
        rows[row, : len(found.ids)] = found.ids
    return rows
