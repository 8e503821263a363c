"""Data that a study was trained on, found again: where they were prepared, or prepared anew if they are gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nas.data.options import DataSection
from nas.data.prepared import open_split, prepare
from nas.data_card import DataCard
from nas.errors import DataError


def found_again(card: DataCard, data: DataSection, task: str, folder: Path, base: Path) -> DataCard:
    """Return `card` with the folder in which its arrays lie: its own, one under `folder`, or one made there now.

    Raises:
        DataError: They are gone and cannot be prepared again, or other data come of it.
    """
    for place in (card.folder, str(folder.resolve() / card.fingerprint[:16])):
        there = replace(card, folder=place)
        try:
            for split in card.examples:
                open_split(there, split)
        except DataError:
            continue
        return there
    made, _ = prepare(data, task, folder, base)
    if made.fingerprint != card.fingerprint:
        raise DataError(
            f"The prepared data of {card.source} are gone, and prepared anew they are others than those that the study "
            f"was trained on: {made.fingerprint[:16]}, and then {card.fingerprint[:16]}. Restore the data."
        )
    return replace(card, folder=made.folder)
