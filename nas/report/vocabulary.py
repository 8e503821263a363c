"""Words that other rooms give or store, each of a closed set: a page says them in its own language.

What is in no set (messages of errors, names of metrics, families and choices) is said as it was written.
"""

from __future__ import annotations

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
    # splits
    N_("train"), N_("validation"), N_("test"),
    # what can be had without an encoder
    N_("majority class"), N_("majority tag"), N_("mean of train"), N_("mean pixel"), N_("most frequent word"),
    N_("chance"), N_("cosine of the raw inputs"), N_("means of users and items"), N_("most popular items"),
    N_("the same labels for every example"),
}  # fmt: skip


def said(word: str) -> str:
    """Return `word` in the language that is spoken, or as it is where it belongs to no closed set."""
    return _(word) if word in _WORDS else word
