"""In which language people are told something: sentences from a gettext catalogue, numbers as its locale writes them.

English is the language of the source and needs no catalogue. Every other one is a folder ``nas/locale/<locale>`` with
a ``.po`` file, and its being there is all it takes: it is compiled in memory when it is first spoken, so that there is
no compiled copy to forget. What is spoken is a context, not an argument that every function hands on::

    with speaking("zh"):
        _("Trial {number} is the best.", number=3)

Values are filled in after the lookup and never looked at again: a study called ``{x}`` or ``%s`` stays what it is.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from string import Formatter

from nas.errors import UnknownName

SOURCE = "en"
_LOCALES = files("nas").joinpath("locale")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its `name` for people, its `tag` for browsers, and what it says for what the source says."""

    name: str
    tag: str
    translations: NullTranslations = field(repr=False)

    @property
    def locale(self) -> str:
        """The identifier that Babel knows it by."""
        return self.tag.replace("-", "_")

    def number(self, text: str) -> str:
        """Return a number, given as Python writes it ("1,234.50"), as this language does."""
        return text if self.name == SOURCE else _localized(text, self.locale)

    def moment(self, at: datetime) -> str:
        """Return a point in time, to the second; `at` is in UTC."""
        if self.name == SOURCE:
            return f"{at:%Y-%m-%d %H:%M:%S} UTC"
        from babel.dates import format_date, format_time

        day, time = format_date(at, "long", locale=self.locale), format_time(at, "medium", locale=self.locale)
        return f"{day} {time} UTC"

    def filled(self, message: str, values: Mapping[str, object]) -> str:
        """Return a message of this language with `values` for its ``{names}``."""
        if self.name == SOURCE:
            return message.format(**values)
        told = ""
        for text, name, spec, _conversion in Formatter().parse(message):
            told = _spaced(told, text)
            if name is not None:
                told = _spaced(told, format(values[name], spec or ""))
        return told


_ENGLISH = Language(SOURCE, SOURCE, NullTranslations())
_SPOKEN: ContextVar[Language] = ContextVar("language", default=_ENGLISH)


@cache
def languages() -> tuple[str, ...]:
    """Return the names of the languages there are, that of the source first."""
    return (SOURCE, *sorted(_folders()))


@contextmanager
def speaking(name: str) -> Iterator[Language]:
    """Speak the language `name` until the context ends.

    Raises:
        UnknownName: There is no such language; the error names those there are.
    """
    token = _SPOKEN.set(language(name))
    try:
        yield _SPOKEN.get()
    finally:
        _SPOKEN.reset(token)


def spoken() -> Language:
    """Return the language that is spoken."""
    return _SPOKEN.get()


@cache
def language(name: str) -> Language:
    """Return the language `name`, with its catalogue.

    Raises:
        UnknownName: There is no such language.
    """
    if name == SOURCE:
        return _ENGLISH
    folder = _folders().get(name)
    if folder is None:
        raise UnknownName("language", name, languages())
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with _LOCALES.joinpath(folder, "LC_MESSAGES", "nas.po").open("rb") as file:
        catalogue = read_po(file, locale=folder)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(name, folder.replace("_", "-"), GNUTranslations(compiled))


def _(message: str, /, **values: object) -> str:
    """Return `message` in the language that is spoken, with `values` for its ``{names}``."""
    spoken = _SPOKEN.get()
    told = spoken.translations.gettext(message)
    return spoken.filled(told, values) if values else told


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """Return the message for a `number` of something, which is ``{number}`` in it, thousands apart."""
    spoken = _SPOKEN.get()
    told = spoken.translations.ngettext(one, many, number)
    return spoken.filled(told, {"number": spoken.number(f"{number:,}"), **values})


def N_(message: str) -> str:  # noqa: N802, what every tool of gettext looks for
    """Mark `message` as one to be translated, where it is only kept: ``_`` says it later."""
    return message


@cache
def _folders() -> dict[str, str]:
    """Return by name the folder of each catalogue: "zh" is ``zh_Hans`` as long as there is no other Chinese."""
    found = sorted(entry.name for entry in _LOCALES.iterdir() if entry.joinpath("LC_MESSAGES", "nas.po").is_file())
    shared = Counter(folder.partition("_")[0] for folder in found)
    return {
        folder.replace("_", "-") if shared[folder.partition("_")[0]] > 1 else folder.partition("_")[0]: folder
        for folder in found
    }


_HAN = re.compile(r"[\u3400-\u9fff]")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NARROW = re.compile(r"[A-Za-z0-9]")


def _spaced(before: str, after: str) -> str:
    """Join a sentence and a value as Chinese is set: a space between a character and a letter or digit, none else.

    A sentence cannot know which of the two its value begins and ends with.
    """
    one, two = before.rstrip(" ")[-1:], after.lstrip(" ")[:1]
    if _WIDE.match(one) and _WIDE.match(two):
        return before.rstrip(" ") + after.lstrip(" ")
    ends = before[-1:], after[:1]
    mixed = (_HAN.match(ends[0]) and _NARROW.match(ends[1])) or (_NARROW.match(ends[0]) and _HAN.match(ends[1]))
    return f"{before} {after}" if mixed else before + after


@lru_cache(4096)
def _localized(text: str, locale: str) -> str:
    """Return a number as `locale` writes it. How it is rounded is settled: only its signs are another language's."""
    from babel import Locale
    from babel.numbers import format_decimal, get_decimal_symbol

    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return text
    if "e" in text or not value.is_finite():
        return text.replace(".", get_decimal_symbol(locale))
    pattern = Locale.parse(locale).decimal_formats[None].pattern.partition(";")[0].partition(".")[0]
    digits = len(text.partition(".")[2])
    told = format_decimal(value, pattern + f".{'0' * digits}" * bool(digits), locale, group_separator="," in text)
    return f"+{told}" if text.startswith("+") else str(told)


def gettext(message: str) -> str:
    """Return `message` in the language that is spoken, its placeholders as they are: what templates call."""
    return _SPOKEN.get().translations.gettext(message)


def plain_ngettext(one: str, many: str, number: int) -> str:
    """Return the message for a `number` of something, its placeholders as they are: what templates call."""
    return _SPOKEN.get().translations.ngettext(one, many, number)
