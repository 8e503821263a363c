"""A study's page, as text: the same data and the same moment give the same bytes."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nas.ranking import rank
from nas.report import words
from nas.report.data import ReportData
from nas.report.section import View
from nas.report.sections import SECTIONS
from nas.store.records import state


def render(data: ReportData, *, now: datetime) -> str:
    """Return the page about `data`, as of `now` (aware): one HTML file that loads nothing.

    Everything in `data` may come from anybody: it is escaped, and characters that would hide or reorder text are shown.
    """
    view = View(data, tuple(rank(data.trials, data.study.directions, data.evaluations)), now)
    environment = _environment()
    sections = []
    for make in SECTIONS:
        section = make(view)
        evidence = environment.get_template(f"{section.name}.html.j2").render(section.evidence)
        sections.append((section, Markup(evidence)))
    style = files("nas.report").joinpath("templates", "style.css").read_text("utf-8")
    return environment.get_template("page.html.j2").render(
        study=data.study,
        state=state(data.study),
        now=now,
        sections=sections,
        style=Markup(style),
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nas.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    for word in (
        words.short, words.score, words.count, words.exact, words.duration, words.moment, words.shape, words.setting,
        words.settings, words.plural,
    ):  # fmt: skip
        environment.filters[word.__name__] = word
    return environment


def _finalize(value: Any) -> Any:
    """Clean what any template prints; escaping follows."""
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
