"""How much a study may still do."""

from __future__ import annotations

import time

EXHAUSTED_AFTER = 60
"""So many candidates in a row that cost nothing, drawn at random at last, and the space counts as exhausted."""
RANDOM_AFTER = 3
"""So many in a row, and the next are drawn at random: a sampler in love with one candidate must not end a study."""


class Budget:
    """Counts trials and hours over all sessions of a study.

    Duplicates and rejected candidates are free: no epoch was spent on them. `free_in_a_row` is how many of them
    earlier sessions ended with. `trials` are those of the search, after which its race has `racing` more trainings;
    of `hours`, which are all there is, the search leaves the share `reserved` to it.
    """

    def __init__(
        self,
        trials: int | None,
        hours: float | None,
        *,
        racing: int = 0,
        reserved: float = 0.0,
        seconds_before: float = 0.0,
        free_in_a_row: int = 0,
    ) -> None:
        self.trials = trials
        self._racing, self._reserved = racing, reserved
        self._seconds = None if hours is None else hours * 3600.0
        self._before = seconds_before
        self._started = time.monotonic()
        self.free_in_a_row = free_in_a_row

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent, earlier sessions included."""
        return self._before + time.monotonic() - self._started

    @property
    def out_of_time(self) -> bool:
        """Whether the hours are used up."""
        return self._seconds is not None and self.seconds >= self._seconds

    @property
    def time_for_trials(self) -> bool:
        """Whether new trials may begin: the last hours are the race's."""
        return self._seconds is None or self.seconds < self._seconds * (1.0 - self._reserved)

    @property
    def clock(self) -> float | None:
        """Wall-clock seconds there still are, ``None`` if nothing limits them."""
        return None if self._seconds is None else max(0.0, self._seconds - self.seconds)

    @property
    def exhausted(self) -> bool:
        """Whether the space seems to hold nothing new."""
        return self.free_in_a_row >= EXHAUSTED_AFTER

    @property
    def draw_at_random(self) -> bool:
        """Whether the sampler proposes the same again and again."""
        return self.free_in_a_row >= RANDOM_AFTER

    def leave_nothing(self) -> None:
        """There is nothing to race: all there is goes to the search."""
        if self.trials is not None:
            self.trials += self._racing
        self._racing, self._reserved = 0, 0.0

    def count(self, *, free: bool) -> None:
        """Note that a candidate was built: a `free` one or one that will be trained."""
        self.free_in_a_row = self.free_in_a_row + 1 if free else 0

    def allows(self, spent: int) -> bool:
        """Whether another trial may begin when `spent` have begun."""
        return (self.trials is None or spent < self.trials) and not self.exhausted and self.time_for_trials

    def seconds_left(self, spent: int) -> float | None:
        """Return an estimate from the pace so far, race included; ``None`` before there is one."""
        by_clock = self.clock
        if self.trials is None or spent < 2:
            return by_clock
        by_pace = (max(0, self.trials - spent) + self._racing) * self.seconds / spent
        return by_pace if by_clock is None else min(by_pace, by_clock)
