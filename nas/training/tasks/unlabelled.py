"""Data whose labels, if there are any, are not looked at: the task makes its own from the inputs, batch by batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nas.data.source import RawData
from nas.data_card import InputKind, Target
from nas.errors import DataError


def without_labels(data: RawData, kind: InputKind, task: str) -> RawData:
    """Return `data`, whose only input must be of `kind`, with labels that are all 0.

    Raises:
        DataError: There are several inputs, or the only one is of another kind; `task` says who wants it.
    """
    kinds = {name: known.kind for name, known in data.inputs.items()}
    if list(kinds.values()) != [kind]:
        received = ", ".join(f"{name} ({found})" for name, found in kinds.items())
        raise DataError(f"{task} learns from one input of kind {kind!r}. Received: {received}. Leave the others out.")
    splits = {name: replace(examples, y=np.zeros(len(examples), np.int8)) for name, examples in data.splits.items()}
    return data.with_splits(splits, Target())
