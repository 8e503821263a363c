"""How numbers, times and other people's text look on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from nas.errors import plural as plural

if TYPE_CHECKING:
    from nas.store.records import StudyRecord

T = TypeVar("T")

UNKNOWN = "–"
COUNTED = ("weights", "macs", "memory")
"""Objectives that are whole numbers."""

# Controls, line separators, bidirectional overrides, invisible characters and lone surrogates: they hide or reorder
# what a reader sees, or cannot be written as UTF-8. They are shown by their number instead.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def clean(text: str) -> str:
    r"""Return `text` with every character that would mislead a reader replaced by its number.

    >>> clean("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _UNSHOWABLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n"))


def short(text: str, length: int = 80) -> str:
    """Return `text` on one line of at most `length` characters, the last one an ellipsis where some were left out."""
    text = " ".join(clean(text[: 4 * length]).split())
    return text if len(text) <= length else text[: length - 1] + "…"


def cut(text: str, length: int = 4000) -> str:
    """Return `text`, its middle left out (and counted) where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"


def score(value: float | None, objective: str = "") -> str:
    """Return an objective's value: four decimals for ordinary ones, four digits for the others, costs as counts."""
    if value is None or not isfinite(value):
        return UNKNOWN if value is None else str(value)
    if objective in COUNTED:
        return exact(round(value))
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 100 else f"{value:.4g}"


def count(number: int | None) -> str:
    """Return a count to three digits, in thousands (k), millions (M) or billions (G).

    >>> count(52_310), count(999), count(None)
    ('52.3 k', '999', '–')
    """
    if number is None:
        return UNKNOWN
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        # 999,950 is a thousand thousands once rounded, hence the margin
        if abs(number) >= unit * 0.9995:
            scaled = number / unit
            return f"{scaled:.{max(0, 2 - (abs(scaled) >= 9.995) - (abs(scaled) >= 99.95))}f} {name}"
    return str(number)


def exact(number: int | None) -> str:
    """Return a count with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: "3.2 s", "4 min 10 s", "2 h 05 min", "3 d 04 h"."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24:02} h"


def moment(at: datetime | None) -> str:
    """Return a point in time, to the second, in UTC."""
    if at is None:
        return UNKNOWN
    at = at.astimezone(UTC) + timedelta(microseconds=500_000)
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def shape(axes: Iterable[int | None]) -> str:
    """Return a shape without its batch axis, "8 × 8 × 32"; an axis of unknown length is "?"."""
    return " × ".join("?" if axis is None else f"{axis}" for axis in axes) or "scalar"


def setting(value: object) -> str:
    """Return the value of one choice or layer setting."""
    match value:
        case bool() | None:
            return {True: "yes", False: "no", None: "none"}[value]
        case float():
            return f"{value:.3g}"
        case list() | tuple():
            return "×".join(setting(item) for item in value)
        case _:
            return short(str(value), 40)


def settings(values: Mapping[str, object], joint: str = " · ", length: int = 120) -> str:
    """Return settings as "name value · name value", in their own order."""
    return short(joint.join(f"{name} {setting(value)}" for name, value in values.items()), length) or UNKNOWN


def thinned(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` (two or more) of `items`, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def listed(items: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def race_line(study: StudyRecord) -> str | None:
    """Return "4 of 9 trainings with new seeds"; nothing where there is no race and none is to come."""
    if not study.raced and not study.race_budget:
        return None
    if study.race_budget > study.raced and study.hours_bind:
        return f"{plural(study.raced, 'training')} with new seeds, as many as the hours allow"
    if study.race_budget >= study.raced:
        return f"{study.raced} of {plural(study.race_budget, 'training')} with new seeds"
    return f"{plural(study.raced, 'training')} with new seeds"
