"""Which architectures did best, and how far that can be trusted: pure functions. No database, no Keras, no Optuna.

Today's order of what a search has seen is in `architectures`. A `race` (`racing`) trains the foremost anew and says who
is best, by how much, and how sure that is. What needs numpy is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nas.ranking.architectures import (
    Bar,
    Directions,
    Ranked,
    are_all_alike,
    bar,
    fewest_macs,
    frontier,
    is_better,
    perfect,
    rank,
    ranking_of,
)
from nas.ranking.trusted import Raced, Trust, raced
from nas.ranking.tunings import best_first, places_of

if TYPE_CHECKING:
    from nas.ranking.racing import Evaluation, Race, Ranking, race

__all__ = [
    "Bar",
    "Directions",
    "Evaluation",
    "Race",
    "Raced",
    "Ranked",
    "Ranking",
    "Trust",
    "are_all_alike",
    "bar",
    "best_first",
    "fewest_macs",
    "frontier",
    "is_better",
    "perfect",
    "places_of",
    "race",
    "raced",
    "rank",
    "ranking_of",
]

_WITH_NUMPY = ("Evaluation", "Race", "Ranking", "race")


def __getattr__(name: str) -> Any:
    if name not in _WITH_NUMPY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nas.ranking import racing

    return getattr(racing, name)
