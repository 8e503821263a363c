"""What is missed by fine-tuning only the first of a ranking, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nas.language import _
from nas.report import words

LEAST = 0.00005
"""What four decimals still show."""


def regret_sentence(regret: Mapping[int, float], objective: str) -> str:
    """Return what is expected to be missed of `objective` by how many are fine-tuned; nothing where it is not known."""
    if not regret:
        return ""
    return _(
        "How far {objective} is expected to fall short of the best one’s: {regrets}.",
        objective=words.short(objective, 40),
        regrets=words.series(_told(regret)),
    )


def _told(regret: Mapping[int, float]) -> Iterator[str]:
    """Yield what is missed with the first so many, up to the first of which it is too little to be shown."""
    for count, missed in regret.items():
        much = words.decimals(missed) if missed >= LEAST else _("next to nothing")
        if count == 1:
            yield _("{much} if only the first is fine-tuned", much=much)
        else:
            yield _("{much} if the first {count} are", much=much, count=count)
        if missed < LEAST:
            return
