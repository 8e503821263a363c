"""``babel:languages``: in which language is this name? Texts that are part of an installed library: no download.

Babel carries Unicode's Common Locale Data: what languages, territories and currencies are called in each language
("Deutschland" in German, "Németország" in Hungarian). A text is a name, its label the language. The 30 languages are
written in Latin letters or in Cyrillic ones, so that single letters do not give them away; Czech and Slovak, Danish
and Norwegian, Spanish and Portuguese are hard to tell apart. Some 22,000 names, from 350 to 1,040 a language; to say
the most frequent language every time is right for 5 in 100. Another version of Babel has slightly other names: another
data set, by its fingerprint.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.options import DataSection
from nas.data.source import ONLY, Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError, did_you_mean

LANGUAGES = (
    *("bg", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "hr", "hu", "is"),
    *("it", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk"),
)
"""Babel's identifiers of locales."""
KNOWN = ("languages",)


def load(rest: str, base: Path, options: DataSection) -> RawData:
    """Return the names and their languages, sorted by language and name.

    A name that several of the languages share ("Angola"), large and small letters the same, is left out: it has no
    right answer. A language that uses a name twice has it once.

    Raises:
        DataError: Babel has no such data set.
    """
    if rest not in KNOWN:
        raise DataError(f"Babel has no data set {rest!r}.{did_you_mean(rest, KNOWN)} Known: {', '.join(KNOWN)}.")
    from babel import Locale

    locales = {language: Locale.parse(language) for language in LANGUAGES}
    names = {language: _names(locale) for language, locale in locales.items()}
    users = defaultdict(set)
    for language, known in names.items():
        for name in known:
            users[name.casefold()].add(language)
    texts, labels = [], []
    for label, known in enumerate(names.values()):
        own = {name.casefold(): name for name in sorted(known, reverse=True) if len(users[name.casefold()]) == 1}
        texts += sorted(own.values())
        labels += [label] * len(own)
    shared = sum(len(languages) > 1 for languages in users.values())
    called = tuple(str(locale.english_name) for locale in locales.values())
    return RawData(
        Examples.of(np.array(texts, dtype=object), np.array(labels)),
        inputs={ONLY: RawInput("text")},
        target=Target(names=called),
        notes=(f"{shared:,} names that several languages share are left out.",),
    )


def _names(locale: Any) -> set[str]:
    """Return what languages, territories and currencies are called in `locale`."""
    tables = (locale.languages, locale.territories, locale.currencies)
    return {name.strip() for table in tables for name in table.values()} - {""}
