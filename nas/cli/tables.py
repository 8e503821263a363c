"""Tables that are whole in any terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

STYLES = {
    "running": "cyan",
    "finished": "green",
    "stopped": "yellow",
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "interrupted": "yellow",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}


def styled(word: str) -> Text:
    """Return a state or an outcome in its colour; the word itself says everything."""
    return Text(word, style=STYLES.get(word, ""))


def grid(rows: Mapping[str, RenderableType | None]) -> Table:
    """Return ``name  value`` lines; those without a value are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value is not None:
            table.add_row(f"  {name}", value)
    return table


class WholeTable(Table):
    """A table whose cells are never cut. Where there is no room, headers are folded, and the cells of `folding`."""

    folding: frozenset[int] = frozenset()

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row; what must stay on one line widens its column."""
        super().add_row(*cells, **options)
        for index, cell in enumerate(cells):
            if index not in self.folding:
                column = self.columns[index]
                column.min_width = max(column.min_width or 1, cell_len(str(cell)))


def table(*headers: str, title: str | None = None) -> WholeTable:
    """Return an empty table. A header that starts with ``>`` is of numbers; one with ``~`` has cells to be folded."""
    made = WholeTable(
        box=None, padding=(0, 2, 0, 0), header_style="bold", title=title, title_justify="left", title_style="bold"
    )
    made.folding = frozenset(index for index, header in enumerate(headers) if header.startswith("~"))
    for header in headers:
        made.add_column(
            header.lstrip(">~"), justify="right" if header.startswith(">") else "left", overflow="fold", min_width=1
        )
    return made


@dataclass(frozen=True, slots=True)
class FirstThatFits:
    """The first of `views` that the terminal is wide enough for, or else the last."""

    views: tuple[RenderableType, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        unlimited = options.update(width=10_000)
        fitting = (v for v in self.views if Measurement.get(console, unlimited, v).maximum <= options.max_width)
        yield next(fitting, self.views[-1])
