"""Whether a shipped family can take the data at all, said before any trial."""

from __future__ import annotations

from nas import catalogue
from nas.conversation import DataCard
from nas.errors import BadInput

RANKS = {"image": (3,)}
"""Axes an example must have for the families of a modality; those not named here take anything."""
WANTED = {"image": "images, (height, width, channels)"}


def refuse_misfits(families: tuple[str, ...], card: DataCard) -> None:
    """Check the shipped ones among `families` against the data; what a family of one's own takes, only it knows.

    Raises:
        BadInput: One of them cannot take examples of that shape; the message names those that can.
    """
    shipped = {family: _modality(family) for family in catalogue.families}
    rank = len(card.input_shape)
    able = [family for family, modality in shipped.items() if rank in RANKS.get(modality, (rank,))]
    for family in families:
        if family in shipped and family not in able:
            raise BadInput(
                f"space.families: {family!r} is for {WANTED[shipped[family]]}; an example of {card.source} has the "
                f"shape {card.input_shape}. For these data: {', '.join(able)}, or a family of your own."
            )


def _modality(family: str) -> str:
    """Return the folder a family's file lies in, e.g. ``"image"``."""
    return catalogue.families.target(family).partition(":")[0].split(".")[-2]
