"""What a coordinator tells whoever watches it."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol


class Standing(Protocol):
    """How things stand at this moment."""

    @property
    def done(self) -> int:
        """How many trainings are over."""

    @property
    def total(self) -> int | None:
        """Of how many, if that is known."""

    @property
    def line(self) -> str:
        """All of it in a few words, for a log."""

    @property
    def detail(self) -> str:
        """What a bar has beside it."""


class Observer(Protocol):
    """Hears of everything; must not take long. `label` tells trainings apart: "trial 12", "race 3"."""

    def started(self, label: str, detail: str, *, resumed: bool) -> None:
        """A worker has been given one; `detail` is what a person wants to know of it, its family first."""

    def epoch(self, label: str, step: int, epochs: int, value: float) -> None:
        """It has trained epoch `step` of at most `epochs`."""

    def ended(self, label: str, line: str) -> None:
        """It is over; `line` says how."""

    def note(self, message: str) -> None:
        """Something a person should know."""

    def stands(self, standing: Standing) -> None:
        """The current state, a few times a second."""


class Silent:
    """An observer that looks away."""

    def started(self, label: str, detail: str, *, resumed: bool) -> None:
        """Ignore it."""

    def epoch(self, label: str, step: int, epochs: int, value: float) -> None:
        """Ignore it."""

    def ended(self, label: str, line: str) -> None:
        """Ignore it."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def stands(self, standing: Standing) -> None:
        """Ignore it."""


class Careful:
    """An observer that may not end a study: what it prints on may be gone."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def started(self, label: str, detail: str, *, resumed: bool) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.started(label, detail, resumed=resumed)

    def epoch(self, label: str, step: int, epochs: int, value: float) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.epoch(label, step, epochs, value)

    def ended(self, label: str, line: str) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.ended(label, line)

    def note(self, message: str) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.note(message)

    def stands(self, standing: Standing) -> None:
        """Pass it on."""
        with suppress(OSError):
            self._observer.stands(standing)
