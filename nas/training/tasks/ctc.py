"""Labels without times: connectionist temporal classification (CTC) of a row of frames. NumPy, but for beams.

Symbol 0 is the blank: between two of the same symbol there has to be one, and elsewhere blanks and repetitions say
nothing. Labels are filled up with it, at the end.

Source: Graves et al. 2006, Connectionist Temporal Classification, ICML, sections 3.1 and 3.2.
"""

from __future__ import annotations

import numpy as np

from nas.data.source import Array

BLANK = 0


def frames_needed(labels: Array) -> Array:
    """Return how many frames each of `labels` (examples, length) takes at least: one a symbol, one a repetition."""
    symbols = (labels != BLANK).sum(axis=1)
    repeated = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] != BLANK)
    needed: Array = symbols + repeated.sum(axis=1)
    return needed


def greedy(logits: Array) -> Array:
    """Return the labels of the likeliest path, int32 (examples, frames), filled up with blanks.

    Args:
        logits: (examples, frames, symbols).
    """
    path = logits.argmax(axis=-1).astype(np.int32)
    before = np.pad(path, ((0, 0), (1, 0)), constant_values=BLANK)[:, :-1]
    return _to_the_left(np.where(path == before, BLANK, path))


def beam_search(logits: Array, width: int = 16) -> Array:
    """Return the likeliest labels, all their paths taken together, int32 (examples, frames), filled up with blanks.

    The likeliest path need not be one of the likeliest labels. The search keeps the `width` best beginnings.

    Args:
        logits: (examples, frames, symbols).
        width: Of the beam.
    """
    import keras

    frames = np.full(len(logits), logits.shape[1], np.int32)
    decoded, _ = keras.ops.ctc_decode(
        logits.astype(np.float32), frames, strategy="beam_search", beam_width=width, top_paths=1, mask_index=BLANK
    )
    labels = np.asarray(decoded[0]).astype(np.int32)
    return np.where(labels < 0, BLANK, labels)


def edit_distances(labels: Array, others: Array) -> Array:
    """Return how many symbols have to be put in, left out or changed, (examples,), to make `others` of `labels`.

    Args:
        labels: (examples, length), filled up with blanks.
        others: (examples, another length), the same.

    Source: Levenshtein's distance by Wagner and Fischer 1974, a row of the table for all examples at once: what is put
    in costs 1 each, so that the least over all places before is that of a running minimum.
    """
    lengths, ends = (labels != BLANK).sum(axis=1), (others != BLANK).sum(axis=1)
    steps = np.arange(others.shape[1] + 1)
    row = np.tile(steps, (len(labels), 1))
    found = row.copy()  # of labels without a symbol
    for place in range(labels.shape[1]):
        symbol = labels[:, place, np.newaxis]
        changed = np.minimum(row[:, 1:] + 1, row[:, :-1] + (others != symbol))
        row = np.concatenate([row[:, :1] + 1, changed], axis=1)
        row = np.minimum.accumulate(row - steps, axis=1) + steps
        found[lengths == place + 1] = row[lengths == place + 1]
    distances: Array = found[np.arange(len(labels)), ends]
    return distances


def error_rate(labels: Array, others: Array) -> float:
    """Return the edit distances of `others` to `labels` over the number of symbols that `labels` have."""
    return float(edit_distances(labels, others).sum() / max(1, int((labels != BLANK).sum())))


def _to_the_left(labels: Array) -> Array:
    """Return `labels` with the blanks between symbols moved behind them."""
    order = np.argsort(labels == BLANK, axis=1, kind="stable")
    moved: Array = np.take_along_axis(labels, order, axis=1)
    return moved
