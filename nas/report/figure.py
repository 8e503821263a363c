"""A picture with what it says: a caption, and the numbers it was drawn from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from nas.report import words
from nas.report.painter import paint

# What the page's style sheet recolours in the dark, by these very values.
INK, QUIET, GRID, BEHIND = "#1c2330", "#5b6472", "#e3e6eb", "#9db4cf"
# Okabe & Ito 2008: told apart by readers with any common colour vision, here with a mark and a dash of their own too.
BLUE, ORANGE, GREEN, PINK, YELLOW = COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
# Pictures are drawn for a phone: about 450 units across with letters that can be read there. Where there is more room
# the style sheet makes a picture larger and its letters smaller against it, which never makes them overlap.
WIDTH = 340
"""Of a plot with an axis on its left."""
WHOLE = 440
"""Of a picture, axes and all."""
PANEL = 135
"""The same of a small one, of which two are side by side on a phone."""
# Vega measures text without knowing the reader's fonts: the room on the right is for wider ones.
PADDING = {"left": 16, "top": 5, "bottom": 5, "right": 24}

_LABELS = {"labelColor": INK, "labelFontSize": 13}
_TITLES = {"titleFontSize": 13, "titleFontWeight": "normal"}
CONFIG = {
    "font": "system-ui, sans-serif",
    "axis": {
        **_LABELS, **_TITLES, "labelColor": QUIET, "titleColor": INK, "gridColor": GRID, "domainColor": QUIET,
        "tickColor": QUIET, "titlePadding": 8, "tickCount": 5,
    },
    "axisX": {"labelSeparation": 8},
    "legend": {**_LABELS, **_TITLES, "titleColor": QUIET, "labelLimit": 320},
    "title": {"color": INK, "fontSize": 13, "fontWeight": "normal", "anchor": "start"},
    "view": {"stroke": None},
}  # fmt: skip

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """Headers, of numbers with a ">" before them, and rows of text. The first column names its row."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def of_numbers(header: str) -> str:
    """Return the header of a column of numbers."""
    return f">{header}"


class Picture:
    """An SVG element that may still be drawn: whoever puts it into a page waits for it."""

    def __init__(self, drawn: Callable[[], Markup]) -> None:
        """Remember what gives the element, which is asked once."""
        self._drawn = cache(drawn)

    def __html__(self) -> str:
        """Return the element, for templates and `Markup`."""
        return self._drawn()

    __str__ = __html__

    def within(self, frame: str, *told: object) -> Picture:
        """Return the element in a `frame`, a format whose last place is its own and whose others are for `told`."""
        return Picture(lambda: Markup(frame).format(*told, self))


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture. `name` is unique on the page; `title` says what it shows, `caption` how to read it."""

    name: str
    title: str
    picture: Picture
    caption: str
    table: Table | None = None


def rendered(chart: Any, name: str, description: str, **data: Rows) -> Picture:
    """Return an Altair `chart` as an SVG element: whole without a script, no styles in it, ids that begin with `name`.

    Args:
        chart: Its data are ``alt.NamedData``: rows are handed over here, past Altair, which would copy and check each.
        name: Unique on the page.
        description: What a reader who cannot see the picture is told.
        data: Rows by their name. A mark whose description is ``"<trial>|<text>"`` is of that trial.
    """
    # What is the same for all goes in here: Altair would copy a chart as a whole for each of these settings.
    spec = chart.to_dict(validate=False) | {"background": "transparent", "padding": PADDING}
    spec["config"] = CONFIG
    spec["datasets"] = {key: [_rounded(row) for row in rows] for key, rows in data.items()}
    svg = paint(spec)
    return Picture(lambda: _embeddable(svg.result(), name, description))


def panels(pictures: Sequence[Picture]) -> Picture:
    """Return small pictures side by side, as many as there is room for."""
    return together(pictures).within('<div class="panels">{}</div>')


def together(pictures: Sequence[Picture]) -> Picture:
    """Return pictures one after the other."""
    return Picture(lambda: Markup("").join(pictures))


@contextmanager
def drawing() -> Iterator[None]:
    """Draw without Altair's checks of every part against the schema of Vega-Lite: they take longer than the drawing."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        yield


def named(data: str) -> Any:
    """Return what stands for the rows that `rendered` gets by this name."""
    import altair as alt

    return alt.NamedData(name=data)


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Six digits are more than a picture shows, and the same on every processor."""
    return {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in row.items()}


# A thousandth of a pixel cannot be seen; the digits after it are a sixth of a picture.
_PLACES = re.compile(r' (?:d|transform|points|[xyrc]{1,2}[12]?|width|height)="[^"]*"')
_LONG = re.compile(r"\d+\.\d{4,}")
_MARK = re.compile(r' aria-label="(\d+)\|([^"]*)"')
_TOLD = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
_NAMED = re.compile(r'(\bid="|url\(#|href="#)')


def _embeddable(svg: str, name: str, description: str) -> Markup:
    """Return Vega's `svg` as one picture with one description; what it says of each mark would drown a listener.

    Marks of trials keep what they tell, for whoever points at one.
    """
    svg = _PLACES.sub(lambda found: _LONG.sub(_thousandth, found[0]), svg)
    svg = _MARK.sub(r' data-trial="\1" data-tip="\2"', svg[svg.index("<svg") :])
    svg = _NAMED.sub(rf"\g<1>{name}-", _TOLD.sub("", svg))
    svg = svg.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1).replace(' version="1.1"', "", 1)
    head = Markup('<svg role="img" aria-label="{}"').format(words.clean(description))
    svg = svg.replace("<svg", head, 1).replace('class="marks"', 'class="chart"', 1)
    return Markup(_SIZE.sub(_as_wide_as_others, svg, count=1))


def _thousandth(number: re.Match[str]) -> str:
    return f"{float(number[0]):.3f}".rstrip("0").rstrip(".")


_SIZE = re.compile(r' width="(\d+)" height="(\d+)" viewBox="0 0 \1 \2"')


def _as_wide_as_others(found: re.Match[str]) -> str:
    """Return the size of a picture so that all are enlarged alike: panels are small, others `WHOLE` wide at least."""
    width, height = int(found[1]), int(found[2])
    if width > WHOLE / 2 + 20:
        width = max(width, WHOLE)
    return f' width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
