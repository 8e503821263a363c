"""How numbers, times and other people's text look on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from nas.errors import plural as plural
from nas.language import N_, _, ngettext, spoken
from nas.report.vocabulary import said

if TYPE_CHECKING:
    from nas.store.records import StudyRecord

T = TypeVar("T")

UNKNOWN = "–"
COUNTED = ("weights", "macs", "memory")
"""Objectives that are whole numbers."""
LARGEST = 1e12
"""From here on powers of ten say more than digits."""

# Controls, line separators, bidirectional overrides, invisible characters and lone surrogates: they hide or reorder
# what a reader sees, or cannot be written as UTF-8. They are shown by their number instead.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


COMMAND = re.compile(r"`(nas [^`]+)`")
"""A command within a sentence."""


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


def middle(text: str, length: int = 80) -> str:
    """Return `text` like `short`, but with the ellipsis in its middle: of a path both ends tell.

    >>> middle("block_1/attention/heads", 15)
    'block_1…n/heads'
    """
    text = " ".join(clean(text).split())
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def family(name: str | None, length: int = 40) -> str:
    """Return what people call a family: its class, without the file or the package that it comes from."""
    return short((name or "").rpartition(":")[2], length)


def cut(text: str, length: int = 4000) -> str:
    """Return `text`, its middle left out (and counted) where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    half = length // 2
    left_out = ngettext("{number} character left out", "{number} characters left out", len(text) - 2 * half)
    return f"{text[:half]}\n… {left_out} …\n{text[-half:]}"


def score(value: float | None, objective: str = "") -> str:
    """Return an objective's value: four decimals for ordinary ones, four digits for the others, costs as counts."""
    if value is None or not isfinite(value):
        return UNKNOWN if value is None else str(value)
    if objective in COUNTED:
        return exact(round(value))
    return decimals(value) if value == 0 or 0.001 <= abs(value) < 100 else digits(value)


def decimals(value: float, places: int = 4) -> str:
    """Return a number to so many decimal places."""
    return spoken().number(f"{value:.{places}f}")


def digits(value: float, most: int = 4) -> str:
    """Return a number to so many digits, those that are zero at its end left out; a large one is written out."""
    if 10**most - 0.5 <= abs(value) < LARGEST:
        return spoken().number(f"{float(f'{value:.{most}g}'):,.0f}")
    return spoken().number(f"{value:.{most}g}")


def percent(share: float, places: int = 0, *, signed: bool = False) -> str:
    """Return a share of one as a percentage."""
    number = spoken().number(f"{100 * share:{'+' if signed else ''}.{places}f}")
    return _("{number}%", number=number)


def interval(low: float, high: float, objective: str = "") -> str:
    """Return "0.9012 to 0.9345"; what stands for the unknown, where an end is no number."""
    if not (isfinite(low) and isfinite(high)):
        return UNKNOWN
    return _("{low} to {high}", low=score(low, objective), high=score(high, objective))


def count(number: int | None) -> str:
    """Return a count to three digits, in thousands (k), millions (M) or billions (G).

    >>> count(52_310), count(999), count(None)
    ('52.3 k', '999', '–')
    """
    if number is None:
        return UNKNOWN
    # Translators: sizes of the units of rounded counts, ascending. Chinese counts in ten thousands.
    units = _("1000 = {number} k; 1000000 = {number} M; 1000000000 = {number} G")
    for unit in reversed(units.split(";")):
        size, name = unit.split(" = ")
        # 999,950 is a thousand thousands once rounded, hence the margin
        if abs(number) >= int(size) * 0.9995:
            scaled = number / int(size)
            return name.format(number=decimals(scaled, max(0, 2 - (abs(scaled) >= 9.995) - (abs(scaled) >= 99.95))))
    return str(number)


def exact(number: int | None) -> str:
    """Return a count with its thousands apart."""
    return UNKNOWN if number is None else spoken().number(f"{number:,}")


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: "3.2 s", "4 min 10 s", "2 h 05 min", "3 d 04 h"."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    if seconds < 59.95:
        return _("{seconds} s", seconds=decimals(seconds, 1))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("{minutes} min {seconds:02} s", minutes=minutes, seconds=rest)
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return _("{hours} h {minutes:02} min", hours=hours, minutes=minutes)
    return _("{days} d {hours:02} h", days=hours // 24, hours=hours % 24)


def moment(at: datetime | None) -> str:
    """Return a point in time, to the second, in UTC."""
    if at is None:
        return UNKNOWN
    return spoken().moment(at.astimezone(UTC) + timedelta(microseconds=500_000))


def shape(axes: Iterable[int | None]) -> str:
    """Return a shape without its batch axis, "8 × 8 × 32"; an axis of unknown length is "?"."""
    return " × ".join("?" if axis is None else f"{axis}" for axis in axes) or _("scalar")


def setting(value: object) -> str:
    """Return the value of one choice or layer setting."""
    match value:
        case bool() | None:
            return _({True: N_("yes"), False: N_("no"), None: N_("none")}[value])
        case float():
            return digits(value, 3)
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
    if len(items) < 2:
        return "".join(items)
    return _("{items} and {last}", items=series(items[:-1]), last=items[-1])


def series(items: Iterable[object]) -> str:
    """Return "a, b, c"."""
    # Translators: between the items of a list.
    return _(", ").join(map(str, items))


def sentences(*told: str) -> str:
    """Return sentences as one text; what is empty is left out."""
    # Translators: between two sentences. Chinese has no space there.
    found = [sentence for sentence in told if sentence] or [""]
    return reduce(lambda before, after: _("{before} {after}", before=before, after=after), found)


def outcomes(counts: Mapping[str, int]) -> str:
    """Return "2 failed, 1 interrupted"."""
    told = ((exact(number), said(outcome)) for outcome, number in counts.items())
    return series(_("{number} {outcome}", number=number, outcome=outcome) for number, outcome in told)


def race_line(study: StudyRecord) -> str | None:
    """Return "4 of 9 trainings with new seeds"; nothing where there is no race and none is to come."""
    if not study.raced and not study.race_budget:
        return None
    if study.race_budget > study.raced and study.hours_bind:
        return ngettext(
            "{number} training with new seeds, as many as the hours allow",
            "{number} trainings with new seeds, as many as the hours allow",
            study.raced,
        )
    if study.race_budget >= study.raced:
        return ngettext(
            "{done} of {number} training with new seeds",
            "{done} of {number} trainings with new seeds",
            study.race_budget,
            done=exact(study.raced),
        )
    return ngettext("{number} training with new seeds", "{number} trainings with new seeds", study.raced)
