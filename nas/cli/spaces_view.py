"""Families of encoders as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from nas.cli.spaces import Space
from nas.cli.tables import grid, table
from nas.conversation import Distribution
from nas.data_card import Input

if TYPE_CHECKING:
    from nas.training.asked import Asked

UNKNOWN = "What they take and give only they know"


def spaces_view(spaces: Sequence[Space], verbose: bool) -> Iterator[RenderableType]:
    """Yield the families in groups of the same inputs and features; their papers where `verbose`."""
    width = max((len(space.name) for space in spaces), default=0) + 2
    groups: dict[str, dict[str, RenderableType | None]] = {}
    for space in spaces:
        papers = f"\n{', '.join(space.papers)}" if verbose and space.papers else ""
        groups.setdefault(_heading(space), {})[space.name] = (space.problem or _what(space.summary)) + papers
    for number, (heading, rows) in enumerate(groups.items()):
        made = grid(rows)
        made.columns[0].min_width = width
        yield Text(heading if number == 0 else f"\n{heading}", style="bold")
        yield made


def _what(summary: str) -> str:
    """Return a summary without the shapes that it may end with: the heading has them."""
    what, _, shapes = summary.partition(": ")
    return what if "->" in shapes or "▶" in shapes else summary


def _heading(space: Space) -> str:
    return f"{space.takes} ▶ {' or '.join(space.gives)}" if space.gives else UNKNOWN


def space_view(space: Space) -> list[RenderableType]:
    """Return all that is known of a family without building it."""
    facts = {"takes": space.takes or None, "gives": " or ".join(space.gives) or None, "class": space.target}
    return [Text(space.name, style="bold"), grid(facts), "", Text(space.problem or _flowing(space.text))]


def _flowing(text: str) -> str:
    """Return `text` with its paragraphs as one line each, for any width; what is set in columns stays as it is."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(each if "  " in each else " ".join(each.splitlines()) for each in paragraphs)


def choices_table(asked: Sequence[Asked], inputs: Mapping[str, Input]) -> RenderableType:
    """Return what can be chosen, for an example of what a family takes."""
    shown = (f"{given.kind} {'×'.join(map(str, given.shape))}" for given in inputs.values())
    made = table("~Choice", "~Values", "~Default", title=f"Choices for {', '.join(shown)}")
    some = False
    for one in asked:
        some |= not one.always
        made.add_row(one.ask.name + ("" if one.always else " *"), _values(one.ask.distribution), str(one.ask.default))
    if some:
        made.caption, made.caption_justify = "* only where other choices ask for it", "left"
    return made


def _values(distribution: Distribution) -> str:
    if distribution.kind == "categorical":
        return ", ".join(map(str, distribution.choices))
    step = "" if distribution.step in (None, 1) else f", by {distribution.step:g}"
    return f"{distribution.low:g} to {distribution.high:g}{step}{', logarithmic' if distribution.log else ''}"
