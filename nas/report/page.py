"""Pages, as text: the same data and the same moment give the same bytes."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from nas import language
from nas.report import comparison, words
from nas.report.data import SHOWN, ReportData
from nas.report.document import report_document
from nas.report.embedded import embedded
from nas.report.figure import drawing
from nas.report.index import Entry, document
from nas.report.section import View
from nas.report.sections import SECTIONS
from nas.report.vocabulary import said
from nas.store.records import spent, state

SCRIPTS = ("report.js", "difference.js", "range.js", "live.js")
"""One after the other the script of the page."""
LONG_WORD = 30
"""Characters of a word of a command from which on it may break within."""


def render(data: ReportData, *, now: datetime, top: int | None = None, every: int | None = None) -> str:
    """Return the page about `data`, as of `now` (aware): one HTML file that loads nothing.

    Everything in `data` may come from anybody: it is escaped, and characters that would hide or reorder text are shown.

    Args:
        data: What was read.
        now: The moment it is about.
        top: How many architectures are told of, at most `SHOWN`.
        every: Seconds after which the page reloads itself, if the study is running.
    """
    view = View(data, now, min(top or SHOWN, SHOWN))
    environment = _environment()
    script = Markup("").join(map(_asset, SCRIPTS))
    sections = []
    with drawing():
        made = [make(view) for make in SECTIONS]
    for section in made:
        evidence = environment.get_template(f"{section.name}.html.j2").render(section.evidence)
        sections.append((section, Markup(evidence)))
    return environment.get_template("page.html.j2").render(
        study=data.study,
        every=every if data.study.running is not None else None,
        state=state(data.study),
        now=now,
        sections=sections,
        document=embedded(report_document(view, len(view.shown))),
        script=script,
        spoken=spoken_by(script),
        style=_asset("style.css"),
    )


def render_comparison(all_data: Sequence[ReportData], *, now: datetime) -> str:
    """Return the page that compares several studies."""
    views = [View(data, now) for data in all_data]
    with drawing():
        figures = comparison.figures(views)
    return (
        _environment()
        .get_template("comparison.html.j2")
        .render(
            lines=comparison.lines(views),
            question=comparison.question(views),
            answer=comparison.answer(views),
            figures=figures,
            difference=comparison.difference(views),
            now=now,
            script="",
            style=_asset("style.css"),
        )
    )


def render_index(entries: Sequence[Entry], *, now: datetime) -> str:
    """Return the page that lists studies."""
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            entries=entries,
            databases=len({one.database for one in entries}),
            data=embedded(document(entries)),
            now=now,
            script="",
            style=_asset("style.css"),
        )
    )


@cache
def _asset(name: str) -> Markup:
    return Markup(files("nas.report").joinpath("templates", name).read_text("utf-8"))


_MESSAGE = re.compile(r"""\b_\("([^"\\]+)\"""")


def spoken_by(script: str) -> str:
    """Return as JSON what a script says in the language that is spoken, by what is in its source; empty in English."""
    if language.spoken().name == language.SOURCE:
        return ""
    told = {message: language.gettext(message) for message in _MESSAGE.findall(script)}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    """Return the hash by which a content security policy allows exactly this text."""
    return b64encode(sha256(text.encode()).digest()).decode()


def command(text: str) -> Markup:
    """Return a command so that it breaks between words, and a script finds it to be copied."""
    found = words.clean(text).split(" ")
    parts = Markup(" ").join(
        Markup('<span class="long">{}</span>' if len(part) > LONG_WORD else "<span>{}</span>").format(part)
        for part in found
    )
    return Markup('<code class="command">{}</code>').format(parts)


def commands(text: str) -> Markup:
    """Return a sentence with what is a command in it, between backticks, as one."""
    parts = words.COMMAND.split(words.clean(text))
    return Markup("").join(command(part) if index % 2 else escape(part) for index, part in enumerate(parts))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nas.report"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    for word in (
        words.short, words.score, words.count, words.exact, words.duration, words.moment, words.shape, words.setting,
        words.settings, words.percent, words.interval, words.series, words.family, said, command, commands,
    ):  # fmt: skip
        environment.filters[word.__name__] = word
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["language"] = language.spoken
    environment.install_gettext_callables(language.gettext, language.plain_ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["hash"] = _hash
    environment.filters["trials_spent"] = spent
    return environment


def _finalize(value: Any) -> Any:
    """Clean what any template prints; escaping follows."""
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
