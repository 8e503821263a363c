"""Words that other rooms give or store, each of a closed set: a page says them in its own language.

What is in no set (messages of errors, names of metrics, families and choices) is said as it was written.
"""

from __future__ import annotations

import re
from functools import cache

from nas.language import N_, _

OUTCOMES = (
    N_("complete"), N_("pruned"), N_("failed"), N_("interrupted"), N_("running"), N_("over a limit"), N_("duplicate"),
)  # fmt: skip
"""How trials end or stand. No epoch was spent on the last two, which do not count against the budget."""

_WORDS = {
    *OUTCOMES,
    # studies
    N_("stopped"), N_("finished"), N_("maximize"), N_("minimize"),
    # how sessions ended, where there is no name and no number in it
    N_("The budget is used up."), N_("The race is over."), N_("ended by an unexpected error"),
    N_("The space is exhausted: the last candidates had all been built before, or were over a limit."),
    N_("The finalists are fine-tuned."), N_("No finalist could be trained."),
    N_("Not every finalist could be measured on the test split."), N_("The race is over, and every training failed."),
    # splits
    N_("train"), N_("validation"), N_("test"),
    # what can be had without an encoder
    N_("majority class"), N_("majority tag"), N_("mean of train"), N_("mean pixel"), N_("most frequent word"),
    N_("chance"), N_("cosine of the raw inputs"), N_("means of users and items"), N_("most popular items"),
    N_("the same labels for every example"),
}  # fmt: skip


_SENTENCES = (
    N_("Stopped by {signal}; {count} trial was interrupted and saved. Go on with `{command}`."),
    N_("Stopped by {signal}; {count} trials were interrupted and saved. Go on with `{command}`."),
    N_("Stopped by {signal}; {count} training of the race was interrupted and saved. Go on with `{command}`."),
    N_("Stopped by {signal}; {count} trainings of the race were interrupted and saved. Go on with `{command}`."),
    N_("Stopped by {signal}; what has been trained is saved. Go on with `{command}`."),
    N_("The hours are used up; {count} trial was interrupted and saved. Go on with `{command}`."),
    N_("The hours are used up; {count} trials were interrupted and saved. Go on with `{command}`."),
    N_("The hours are used up; {count} training of the race was interrupted and saved. Go on with `{command}`."),
    N_("The hours are used up; {count} trainings of the race were interrupted and saved. Go on with `{command}`."),
    N_("The hours were used up before a training was complete. Go on with `{command}`."),
    N_("The hours are used up before all was tried. Go on with `{command}`."),
    N_("The requirement {requirement} is met."),
    N_("The requirement {requirement} is not met: the best came to {score}, and the hours are used up."),
    N_("The requirement {requirement} is not met: the best came to {score}, and the trainings are used up."),
    N_("The requirement {requirement} is not met: the best came to {score}, and all there is to try is used up."),
)
"""How sessions ended, with what differs in braces."""


def said(word: str) -> str:
    """Return `word` in the language that is spoken, or as it is where it belongs to no closed set."""
    if word in _WORDS:
        return _(word)
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(word):
            return _(sentence, **found.groupdict())
    return word


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each of `_SENTENCES` with what reads its values from the text that was stored."""
    return tuple(
        (sentence, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^`;\\n]{1,300})", re.escape(sentence))))
        for sentence in _SENTENCES
    )
