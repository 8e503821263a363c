"""How a study stands at this moment, and how to say it in a few words."""

from __future__ import annotations

from dataclasses import dataclass

from nas.errors import plural
from nas.search.progress import duration


@dataclass(frozen=True, slots=True)
class SearchStanding:
    """How a search stands. `seconds` and `seconds_left` are wall clock; ``None`` is not known yet."""

    spent: int
    """Trials that count against the budget: all but the duplicates and the rejected."""
    budget: int | None
    running: int
    counts: dict[str, int]
    best: float | None
    best_trial: int | None
    seconds: float
    seconds_left: float | None

    @property
    def done(self) -> int:
        """Trials that are over."""
        return self.spent - self.running

    @property
    def total(self) -> int | None:
        """The budget."""
        return self.budget

    @property
    def line(self) -> str:
        """How many trials of how many, which is best, how long it takes."""
        done = plural(self.done, "trial")
        trials = f"{self.done:,} of {plural(self.budget, 'trial')}" if self.budget else done
        return f"{trials}{self._best}{left(self.seconds_left)}"

    @property
    def detail(self) -> str:
        """Trials by outcome, the best, how long it takes."""
        names = ("complete", "pruned", "failed")
        words = [f"{self.counts[name]} {name}" for name in names if self.counts.get(name)]
        return f"{' · '.join(words) or 'starting'}{self._best}{left(self.seconds_left)}"

    @property
    def _best(self) -> str:
        return "" if self.best is None else f", best {self.best:.4f} (trial {self.best_trial})"


@dataclass(frozen=True, slots=True)
class RaceStanding:
    """How a race stands: trainings that are over, of how many (``None``: as many as the time allows)."""

    done: int
    total: int | None
    tied: int
    """How many architectures cannot be told from the best."""
    best_trial: int | None
    estimate: float | None
    seconds_left: float | None

    @property
    def line(self) -> str:
        """How many trainings of how many, who is ahead, how long it takes."""
        done = plural(self.done, "training") if self.total is None else f"{self.done} of {self.total:,} trainings"
        return f"{done}{self.detail}"

    @property
    def detail(self) -> str:
        """Who is ahead, how long it takes."""
        ahead = ""
        if self.best_trial is not None and self.estimate is not None:
            others = f", {self.tied - 1} tied with it" if self.tied > 1 else ""
            ahead = f", trial {self.best_trial} is ahead with an estimated {self.estimate:.4f}{others}"
        return ahead + left(self.seconds_left)


def left(seconds: float | None) -> str:
    """Return ", about 7 min left", or nothing where it is not known."""
    return "" if seconds is None else f", about {duration(seconds)} left"
