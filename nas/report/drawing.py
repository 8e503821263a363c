"""A graph as a picture: one card a stage, left to right, so that a person sees the shape of an encoder at a glance.

A card shows the output (drawn as a body: its height is the resolution or length, its depth the channels), what it
costs, and its blocks with their repeats. The picture is an SVG element without styles, scripts or ids: colours come
from the classes that the page's style sheet knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import log2

from markupsafe import Markup

from nas.architecture import Node
from nas.language import _, ngettext
from nas.report import words
from nas.report.layers import JOINT, Line, folded, lines
from nas.report.stages import Block, Stage, fold

WIDE, NARROW, GAP, MARGIN = 144, 104, 16, 2
MOST_WIDE = 908
"""Units across, which are pixels until the page shrinks it."""
PHONE_WIDE = 346
"""The same for a phone."""
BODY_HEIGHT, BODY_TOP = 56, 10
LINE, SMALL_LINE, PADDING = 17, 14, 8
MOST_STAGES = 15
MOST_LINES = 9
CHARACTERS = {WIDE: 17, NARROW: 11}
"""That fit on a line of a card."""
SMALLER = 2
"""So many more of the small ones."""


def draw(graph: Sequence[Node], *, title: str, most_wide: int = MOST_WIDE) -> Markup:
    """Return `graph` as an SVG element.

    An empty graph gives a picture that says so. Of more than `MOST_STAGES` stages the middle ones become one card.

    Args:
        graph: Layer calls in topological order.
        title: What a reader who cannot see the picture is told first.
        most_wide: Units across, at least a card's width.
    """
    stages = fold(graph)
    if not stages:
        unknown = _("The architecture is unknown.")
        return _svg(320, 40, title, unknown, [_text(8, 25, unknown, "quiet")])
    shown, hidden = _shown(stages)
    cards: list[_Card | _Gap] = [_Card(stage, stages) for stage in shown]
    if hidden:
        cards.insert(len(cards) - _tail(hidden), _Gap(hidden))
    parts: list[Markup] = []
    left, top, tallest, widest = MARGIN, float(MARGIN), 0.0, 0
    for index, card in enumerate(cards):
        if left + card.width > most_wide:
            left, top, tallest = MARGIN, top + tallest + GAP, 0.0
        parts.append(card.at(left, top))
        if index + 1 < len(cards):
            parts.append(_arrow(left + card.width, top + BODY_TOP + BODY_HEIGHT / 2))
        left += card.width + GAP
        tallest, widest = max(tallest, card.height), max(widest, left)
    return _svg(widest + MARGIN, top + tallest + MARGIN, title, summary(stages), parts)


def summary(stages: Sequence[Stage]) -> str:
    """Return the stages as one sentence: their shapes and the layers that shape them."""
    shown, hidden = _shown(stages)
    told = [f"{words.shape(stage.shape)} ({_named(stage)})" for stage in shown]
    if hidden:
        told.insert(len(told) - _tail(hidden), ngettext("{number} more stage", "{number} more stages", hidden))
    return " → ".join(told)


def _named(stage: Stage) -> str:
    names = [line.main for block in stage.blocks for line in lines(block.nodes, stage.shape) if line.main]
    return words.short(", ".join(name for name, _ in groupby(names)) or stage.nodes[0].layer, 60)


def _tail(hidden: int) -> int:
    """Return how many stages are shown after the card that stands for the hidden ones."""
    return MOST_STAGES // 3 if hidden else 0


def _shown(stages: Sequence[Stage]) -> tuple[list[Stage], int]:
    if len(stages) <= MOST_STAGES:
        return list(stages), 0
    hidden = len(stages) - MOST_STAGES + 1
    head = MOST_STAGES - 1 - _tail(hidden)
    return [*stages[:head], *stages[head + hidden :]], hidden


class _Card:
    """One stage, laid out: `width` and `height` are what it needs, `at` draws it."""

    def __init__(self, stage: Stage, stages: Sequence[Stage]) -> None:
        self._stage = stage
        self._largest = max((_extent(other.shape) for other in stages), default=1)
        self._share = stage.weights / max(1, sum(other.weights for other in stages))
        room = MOST_LINES + 1  # a note that one is left out would take its place
        if sum(len(folded(lines(block.nodes, stage.shape))) for block in stage.blocks) > room:
            room = MOST_LINES
        self._blocks: list[tuple[Block, list[tuple[Line, int]]]] = []
        self._left_out = 0
        for block in stage.blocks:
            told = folded(lines(block.nodes, stage.shape))
            if told[:room]:
                self._blocks.append((block, told[:room]))
            self._left_out += len(told[room:])
            room -= len(told[:room])
        shown = [line for _, told in self._blocks for line, times in told if times == 1]
        most = CHARACTERS[NARROW]
        fits = all(len(line.main) <= most and len(line.minor) <= most + SMALLER for line in shown)
        simple = len(shown) <= 3 and sum(block.times * len(told) for block, told in self._blocks) == len(shown)
        short = len(words.shape(stage.shape)) <= CHARACTERS[NARROW] - 1
        self.width = NARROW if fits and simple and short else WIDE
        self._head = BODY_TOP + BODY_HEIGHT + 76
        body = sum(_block_height(block, told, self.width) + 6 for block, told in self._blocks)
        self.height = self._head + body + (LINE if self._left_out else 0) + 4

    def at(self, left: float, top: float) -> Markup:
        """Return the card with its upper left corner there."""
        stage, centre, width = self._stage, left + self.width / 2, self.width - 2 * PADDING
        y = top + BODY_TOP + BODY_HEIGHT
        weights, macs = _cost(stage)
        parts = [
            _rect(left, top, self.width, self.height, "card", 8),
            _body(stage.shape, self._largest, centre, top + BODY_TOP),
            _text(centre, y + 18, words.shape(stage.shape), "shape", "middle"),
            _text(centre, y + 34, weights, "quiet", "middle"),
            _text(centre, y + 48, macs, "quiet", "middle"),
            _rect(left + PADDING, y + 56, width, 4, "track", 2),
        ]
        if self._share:
            parts.append(_rect(left + PADDING, y + 56, max(2.0, width * self._share), 4, "share", 2))
        y = top + self._head - 6
        for block, told in self._blocks:
            parts.append(_block(block, told, left + PADDING, y, self.width))
            y += _block_height(block, told, self.width) + 6
        if self._left_out:
            parts.append(_text(left + PADDING + 8, y + 10, _("… {count} more", count=self._left_out), "quiet"))
        return Markup("").join(parts)


class _Gap:
    """The card that stands for stages not shown."""

    width, height = NARROW, BODY_TOP + BODY_HEIGHT + 76

    def __init__(self, hidden: int) -> None:
        self._hidden = hidden

    def at(self, left: float, top: float) -> Markup:
        """Return the card with its upper left corner there."""
        middle = top + BODY_TOP + BODY_HEIGHT + 18
        return Markup("").join(
            [
                _rect(left, top, self.width, self.height, "card hidden", 8),
                _text(left + self.width / 2, middle, f"… {self._hidden} …", "shape", "middle"),
                _text(left + self.width / 2, middle + 16, _("more stages"), "quiet", "middle"),
            ]
        )


def _cost(stage: Stage) -> tuple[str, str]:
    """Return the two lines that say what a stage costs."""
    if not stage.weights and stage.macs == 0:
        return _("no weights"), ""
    return (
        _("{count} weights", count=words.count(stage.weights)),
        _("{count} MACs", count=words.count(stage.macs)),
    )


def _minor(line: Line, card: int) -> list[str]:
    """Return what accompanies a layer, on as many lines of a card of that width as it takes."""
    found: list[str] = []
    most = CHARACTERS[card] + SMALLER
    for part in line.minor.split(JOINT) if line.main and line.minor else ():
        if found and len(found[-1] + JOINT + part) <= most:
            found[-1] += JOINT + part
        else:
            found.append(words.short(part, most))
    return found


def _block_height(block: Block, told: Sequence[tuple[Line, int]], card: int) -> float:
    lines_height = sum(LINE + SMALL_LINE * len(_minor(line, card)) for line, _ in told)
    return lines_height + 8 + (SMALL_LINE if block.times > 1 else 0)


def _block(block: Block, told: Sequence[tuple[Line, int]], left: float, top: float, card: int) -> Markup:
    """Return a block: its lines, an arc over each residual branch, and its repeats."""
    width, height, most = card - 2 * PADDING, _block_height(block, told, card), CHARACTERS[card]
    indent = left + (14 if any(line.skip is not None for line, _ in told) else 8)
    parts = [_rect(left, top, width, height, "block repeated" if block.times > 1 else "block", 5)]
    y = top + 4
    starts: list[float] = []  # of every line, the folded ones too
    for line, times in told:
        starts += [y] * times
        text = f"{words.short(line.main or line.minor, most)}{f'  × {times}' if times > 1 else ''}"
        parts.append(_text(indent, y + 12, text, "layer" if line.main else "quiet"))
        if line.skip is not None:
            parts.append(_arc(left + 9, starts[line.skip] + 2, y + 8))
        y += LINE
        for small in _minor(line, card):
            parts.append(_text(indent, y + 8, small, "quiet"))
            y += SMALL_LINE
    if block.times > 1:
        parts.append(_text(left + width - 7, top + height - 6, f"× {block.times}", "times", "end"))
    return Markup("").join(parts)


def _extent(shape: tuple[int | None, ...]) -> int:
    """Return the longest axis of `shape` that is not the last: a resolution in pixels or a length in steps."""
    return max((axis or 1 for axis in shape[:-1]), default=0)


def _body(shape: tuple[int | None, ...], largest: int, centre: float, top: float) -> Markup:
    """Return an output's body: its height tells the resolution or length, its depth the channels, as logarithms."""
    channels = max(1, shape[-1] or 1) if shape else 1
    depth = 3 + min(1.0, log2(channels) / 11) * 24
    if len(shape) < 2:  # a vector: no extent, only features
        height, front = 12 + min(1.0, log2(channels) / 11) * 34, 7.0
        return _rect(centre - front / 2, top + (BODY_HEIGHT - height) / 2, front, height, "front", 1)
    height = 8 + 32 * log2(1 + _extent(shape)) / log2(1 + max(1, largest))
    front = height if len(shape) > 2 else 9.0
    x, y = centre - (front + depth) / 2, top + (BODY_HEIGHT - height + depth * 0.5) / 2
    dx, dy = depth, depth * 0.5
    roof = _polygon("roof", (x, y), (x + dx, y - dy), (x + front + dx, y - dy), (x + front, y))
    side = _polygon(
        "side", (x + front, y), (x + front + dx, y - dy), (x + front + dx, y + height - dy), (x + front, y + height)
    )
    return Markup("").join([roof, side, _rect(x, y, front, height, "front", 0)])


def _arrow(x: float, y: float) -> Markup:
    return Markup('<path class="arrow" d="M{:.1f} {:.1f}h{}m-4 -4l4 4l-4 4"/>').format(x + 2, y, GAP - 4)


def _arc(x: float, start: float, end: float) -> Markup:
    return Markup('<path class="skip" d="M{:.1f} {:.1f}q-6 0 -6 6V{:.1f}q0 6 6 6"/>').format(
        x, start, max(start + 6, end - 6)
    )


def _rect(x: float, y: float, width: float, height: float, name: str, radius: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{}"/>').format(
        name, x, y, width, height, radius
    )


def _polygon(name: str, *corners: tuple[float, float]) -> Markup:
    return Markup('<polygon class="{}" points="{}"/>').format(name, " ".join(f"{x:.1f},{y:.1f}" for x, y in corners))


def _text(x: float, y: float, text: str, name: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        name, x, y, anchor, words.clean(text)
    )


def _svg(width: float, height: float, title: str, description: str, parts: Iterable[Markup]) -> Markup:
    told = words.clean(_("{what}: {how}", what=title, how=description))
    return Markup(
        '<svg class="architecture" role="img" aria-label="{}" width="{:.0f}" height="{:.0f}" '
        'viewBox="0 0 {:.0f} {:.0f}">{}</svg>'
    ).format(told, width, height, width, height, Markup("").join(parts))
