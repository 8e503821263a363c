"""What a coordinator tells whoever watches it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from nas.store.records import TrialRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """How a study stands at this moment. `seconds` and `seconds_left` are wall clock; ``None`` is not known yet."""

    spent: int
    """Trials that count against the budget: all but the duplicates and the rejected."""
    budget: int | None
    running: int
    counts: dict[str, int]
    best: float | None
    best_trial: int | None
    seconds: float
    seconds_left: float | None


class Observer(Protocol):
    """Hears of everything; must not take long."""

    def started(self, number: int, family: str, *, resumed: bool) -> None:
        """A worker has been given trial `number`."""

    def epoch(self, number: int, step: int, epochs: int, value: float) -> None:
        """Trial `number` has trained epoch `step` of at most `epochs`."""

    def ended(self, record: TrialRecord) -> None:
        """A trial has its outcome."""

    def note(self, message: str) -> None:
        """Something a person should know."""

    def stands(self, standing: Standing) -> None:
        """The current state, a few times a second."""


class Silent:
    """An observer that looks away."""

    def started(self, number: int, family: str, *, resumed: bool) -> None:
        """Ignore it."""

    def epoch(self, number: int, step: int, epochs: int, value: float) -> None:
        """Ignore it."""

    def ended(self, record: TrialRecord) -> None:
        """Ignore it."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def stands(self, standing: Standing) -> None:
        """Ignore it."""


class Careful:
    """An observer that may not end a study: what it prints on may be gone."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def started(self, number: int, family: str, *, resumed: bool) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.started(number, family, resumed=resumed)

    def epoch(self, number: int, step: int, epochs: int, value: float) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.epoch(number, step, epochs, value)

    def ended(self, record: TrialRecord) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.ended(record)

    def note(self, message: str) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.note(message)

    def stands(self, standing: Standing) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.stands(standing)
