"""What a person sees while a study runs: bars on a terminal, one line an event anywhere else. All on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from nas.errors import plural
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
        self._ended: list[str] = []  # said as soon as it is known how the study stands after them

    def started(self, number: int, family: str, *, resumed: bool) -> None:
        """Say which trial begins."""
        self._say(f"trial {number}: {'goes on' if resumed else 'begins'} ({family})")

    def epoch(self, number: int, step: int, epochs: int, value: float) -> None:
        """Say nothing: epochs are many, and a log is read by people."""

    def ended(self, record: TrialRecord) -> None:
        """Keep how a trial ended for the next `stands`."""
        self._ended.append(f"trial {record.number}: {outcome_line(record)}")

    def note(self, message: str) -> None:
        """Say it."""
        self._say(message)

    def stands(self, standing: Standing) -> None:
        """Say which trials have ended, and how the study stands after them."""
        for line in self._ended:
            self._say(f"{line}  [{_trials(standing)}{_best(standing)}{_left(standing)}]")
        self._ended.clear()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars:
    """A bar for the study, one for every running trial, and a line for each that ended."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._study = progress.add_task(f"[bold]{escape(name)}", total=None, detail="preparing the data")
        self._trials: dict[int, TaskID] = {}

    def started(self, number: int, family: str, *, resumed: bool) -> None:
        """Add a bar; one that goes on after its worker was lost has one already."""
        if number in self._trials:
            self._progress.remove_task(self._trials[number])
        self._trials[number] = self._progress.add_task(f"  trial {number}", total=None, detail=escape(family))

    def epoch(self, number: int, step: int, epochs: int, value: float) -> None:
        """Move a bar."""
        if number in self._trials:
            self._progress.update(self._trials[number], completed=step, total=epochs)
            family = self._progress.tasks[self._progress.task_ids.index(self._trials[number])].fields["detail"]
            self._progress.update(self._trials[number], detail=f"{family.split(' ')[0]} {value:.4f}")

    def ended(self, record: TrialRecord) -> None:
        """Replace a bar by a line."""
        if record.number in self._trials:
            self._progress.remove_task(self._trials.pop(record.number))
        self._progress.console.print(f"trial {record.number}: {outcome_line(record)}", markup=False, highlight=False)

    def note(self, message: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(message, markup=False, highlight=False)

    def stands(self, standing: Standing) -> None:
        """Move the study's bar."""
        self._progress.update(
            self._study,
            completed=standing.spent - standing.running,
            total=standing.budget,
            detail=f"{_outcomes(standing)}{_best(standing)}{_left(standing)}",
        )


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


def _trials(standing: Standing) -> str:
    done = standing.spent - standing.running
    return f"{done:,} of {plural(standing.budget, 'trial')}" if standing.budget else plural(done, "trial")


def _outcomes(standing: Standing) -> str:
    counts = standing.counts
    words = [f"{counts[name]} {name}" for name in ("complete", "pruned", "failed") if counts.get(name)]
    return " · ".join(words) or "starting"


def _best(standing: Standing) -> str:
    return "" if standing.best is None else f", best {standing.best:.4f} (trial {standing.best_trial})"


def _left(standing: Standing) -> str:
    return "" if standing.seconds_left is None else f", about {duration(standing.seconds_left)} left"
