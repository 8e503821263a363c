"""What a person sees while a study runs: bars on a terminal, one line an event anywhere else. All on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from nas.search.observer import Careful, Observer, Standing
from nas.store.records import TrialRecord


@contextmanager
def watching(console: Console, name: str) -> Iterator[Observer]:
    """Show how study `name` gets on, on `console`, for as long as the context lasts."""
    if not console.is_terminal:
        yield Careful(Lines(console))
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with progress:
        yield Careful(Bars(progress, name))


class Lines:
    """One line for each thing that happens: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ended: list[str] = []  # said as soon as it is known how things stand after them

    def started(self, label: str, detail: str, *, resumed: bool) -> None:
        """Say which training begins."""
        self._say(f"{label}: {'goes on' if resumed else 'begins'} ({detail})")

    def epoch(self, label: str, step: int, epochs: int, value: float) -> None:
        """Say nothing: epochs are many, and a log is read by people."""

    def ended(self, label: str, line: str) -> None:
        """Keep how it ended for the next `stands`."""
        self._ended.append(f"{label}: {line}")

    def note(self, message: str) -> None:
        """Say it."""
        self._say(message)

    def stands(self, standing: Standing) -> None:
        """Say which trainings have ended, and how things stand after them."""
        for line in self._ended:
            self._say(f"{line}  [{standing.line}]")
        self._ended.clear()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars:
    """A bar for the whole, one for every training that runs, and a line for each that ended."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._whole = progress.add_task(f"[bold]{escape(name)}", total=None, detail="preparing the data")
        self._bars: dict[str, TaskID] = {}
        self._details: dict[str, str] = {}

    def started(self, label: str, detail: str, *, resumed: bool) -> None:
        """Add a bar; one that goes on after its worker was lost has one already."""
        if label in self._bars:
            self._progress.remove_task(self._bars[label])
        self._details[label] = escape(detail)
        self._bars[label] = self._progress.add_task(f"  {label}", total=None, detail=escape(detail))

    def epoch(self, label: str, step: int, epochs: int, value: float) -> None:
        """Move a bar."""
        if label in self._bars:
            detail = f"{self._details[label]} {value:.4f}"
            self._progress.update(self._bars[label], completed=step, total=epochs, detail=detail)

    def ended(self, label: str, line: str) -> None:
        """Replace a bar by a line."""
        if label in self._bars:
            self._progress.remove_task(self._bars.pop(label))
        self._progress.console.print(f"{label}: {line}", markup=False, highlight=False, soft_wrap=True)

    def note(self, message: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def stands(self, standing: Standing) -> None:
        """Move the bar of the whole."""
        self._progress.update(self._whole, completed=standing.done, total=standing.total, detail=standing.detail)


def outcome_line(record: TrialRecord) -> str:
    """Return how a trial ended in a few words: outcome, value, family, epochs and what they took."""
    outcome = record.outcome or "interrupted"
    words = [outcome if record.kind is None else f"{outcome} ({record.kind})"]
    if record.values:
        words.append(" ".join(f"{value:.4f}" if abs(value) < 1e6 else f"{value:.3g}" for value in record.values))
    if record.family:
        words.append(record.family)
    if record.duplicate_of is not None:
        words.append(f"as trial {record.duplicate_of}")
    elif record.epochs:
        words.append(f"{record.epochs} {'epoch' if record.epochs == 1 else 'epochs'} in {record.seconds:.1f} s")
    if record.outcome == "failed" and record.message:
        words.append(record.message.splitlines()[0][:160])
    return ", ".join(words)


def duration(seconds: float) -> str:
    """Return ``"42 s"``, ``"7 min"`` or ``"3 h 05 min"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
