"""The frontier of a search with several objectives, kept up to date trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite


class Front:
    """Who is beaten by nobody: no other is as good in every objective and better in one.

    Trials with equal values do not beat each other. One that lacks a finite value is not on it.
    """

    def __init__(self, directions: Sequence[str]) -> None:
        self._signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]
        self._losses: dict[int, tuple[float, ...]] = {}

    @property
    def members(self) -> set[int]:
        """The numbers of the trials on it."""
        return set(self._losses)

    def add(self, number: int, values: Sequence[float]) -> None:
        """Take in a trial, one value an objective: those that it beats leave."""
        if not all(map(isfinite, values)):
            return
        losses = tuple(sign * value for sign, value in zip(self._signs, values, strict=True))
        if any(_beats(other, losses) for other in self._losses.values()):
            return
        self._losses = {at: other for at, other in self._losses.items() if not _beats(losses, other)}
        self._losses[number] = losses


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
