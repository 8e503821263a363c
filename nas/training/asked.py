"""Which choices a registered family asks for: it is built, for an example of what it takes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keras_tuner.errors import FailedTrialError

from nas.conversation import Ask, Scalar
from nas.data_card import DataCard, Input, Target
from nas.training.families import make_family
from nas.training.hyperparameters import Answer, AnsweredHyperParameters, drawn, of_default

DRAWS = 12
"""So many members are built beside the default one: some choices are asked only where others have been made."""
CLASSES = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice as it was met first; `always` if every member has made it."""

    ask: Ask
    always: bool


def example_card(inputs: Mapping[str, Input]) -> DataCard:
    """Return what a family may know of data with such `inputs`, of which there are none."""
    names = tuple(str(label) for label in range(CLASSES))
    return DataCard("example", "0" * 64, "", dict(inputs), Target(names=names), {"train": 8, "validation": 8})


def asked_by(
    name: str, inputs: Mapping[str, Input], features: str, encoders: Mapping[str, tuple[str, ...]] | None = None
) -> list[Asked]:
    """Return the choices that the default and some random members of family `name` make, in the order they are met.

    Args:
        name: A registered family.
        inputs: What it is to encode, by name.
        features: What it is to give: "vector", "sequence", "map" or "pair".
        encoders: For a family that joins several inputs: by input, which families it may be encoded by.
    """
    family = make_family(name, Path(), example_card(inputs), features, encoders or {})
    rng = random.Random(0)
    first: dict[str, Ask] = {}
    members: list[set[str]] = []
    for answer in (of_default, *[drawn(rng)] * DRAWS):
        told: dict[str, Ask] = {}
        with suppress(FailedTrialError):  # there is no such member; what it was asked for is a choice all the same
            family.build(AnsweredHyperParameters(_remembering(answer, told)))
            members.append(set(told))
        for choice, ask in told.items():
            first.setdefault(choice, ask)
    return [Asked(ask, all(choice in made for made in members)) for choice, ask in first.items()]


def _remembering(answer: Answer, told: dict[str, Ask]) -> Answer:
    def remember(ask: Ask) -> Scalar:
        told[ask.name] = ask
        return answer(ask)

    return remember
