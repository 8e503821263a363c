"""The same report as JSON, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from nas.language import _
from nas.ranking import Ranked
from nas.report import words
from nas.report.document import report_document
from nas.report.section import View
from nas.report.sections.choices import choices
from nas.report.sections.failures import failures
from nas.report.sections.health import health
from nas.report.sections.progress import progression
from nas.report.sections.ranking import ranking
from nas.report.sections.tradeoffs import tradeoffs
from nas.report.sections.trust import trust
from nas.report.sections.verdict import verdict

MARKDOWN_ROWS = 20


def as_json(view: View, top: int | None) -> str:
    """Return the document of ``docs/report.schema.json``."""
    return json.dumps(report_document(view, top), indent=2, allow_nan=False) + "\n"


def as_csv(view: View, top: int | None) -> str:
    """Return the ranking, a line for each architecture, with all choices of its best trial. Numbers are not rounded."""
    rows = [_row(view, entry) for entry in view.ranked[:top]]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["place"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({_cell(name): _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _row(view: View, entry: Ranked) -> dict[str, Any]:
    trial, trust = entry.trial, entry.trust
    row: dict[str, Any] = {
        "place": entry.place,
        "frontier": entry.front,
        "trial": trial.number,
        "trials": " ".join(map(str, entry.trials)),
        "fingerprint": trial.fingerprint,
        "family": trial.family,
    }
    row |= {_cell(name): value for name, value in zip(view.data.study.objectives, entry.values, strict=True)}
    if trust is not None:
        row |= {
            f"trust.{name}": getattr(trust, name) for name in ("estimate", "low", "high", "seeds", "p_best", "tied")
        }
    row |= {name: getattr(trial.cost, name) for name in ("weights", "macs", "memory") if name not in row}
    row |= {"epochs": trial.epochs, "seconds": trial.seconds}
    row |= {f"params.{name}": value for name, value in trial.params.items()}
    return {words.clean(name): value for name, value in row.items()}


def _cell(value: Any) -> Any:
    """Return text so that no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = words.clean(value)
    return f"'{text}" if re.match(r"[=+\-@\t\r]", text) else text


def as_markdown(view: View, top: int | None) -> str:
    """Return each question with its answer, the best, and the commands."""
    study = view.data.study
    parts = [f"# {_text(study.name)}", _("As of {moment}.", moment=words.moment(view.now))]
    for make in (verdict, health, ranking, tradeoffs, progression, choices, trust, failures):
        section = make(view)
        parts += [f"## {section.question}", _answer(section.answer)]
        if section.name == "verdict":
            parts += _commands(section.evidence)
        elif section.name == "ranking" and view.ranked:
            parts.append(_table(section.evidence, top or MARKDOWN_ROWS))
        elif section.name in ("health", "trust"):
            parts += _facts(section.evidence)
        if section.name == "health":
            parts += _warnings(section.evidence)
    return "\n\n".join(parts) + "\n"


def _commands(evidence: Mapping[str, Any]) -> list[str]:
    commands = [command for _, command in evidence["commands"]]
    block = ["```sh\n" + "\n".join(words.short(command, 400).replace("`", "'") for command in commands) + "\n```"]
    return [*(block if commands else []), *(_text(doubt) for doubt in evidence["doubts"])]


def _table(evidence: Mapping[str, Any], most: int) -> str:
    columns = evidence["columns"]
    lines = ["| " + " | ".join(_text(column.title) for column in columns) + " |"]
    lines.append("|" + "|".join(" ---: " if "number" in column.kind else " --- " for column in columns) + "|")
    for _entry, cells in evidence["rows"][:most]:
        lines.append("| " + " | ".join(_text(cell.text) for _column, cell in cells) + " |")
    return "\n".join(lines)


def _warnings(evidence: Mapping[str, Any]) -> list[str]:
    told = [f"- {_text(words.sentences(one.what, one.remedy))}" for one in evidence["warnings"]]
    return ["\n".join(told)] if told else []


def _facts(evidence: Mapping[str, Any]) -> list[str]:
    facts = ["- " + _("{what}: {how}", what=_text(what), how=_text(how)) for what, how in evidence["facts"]]
    return ["\n".join(facts)] if facts else []


def _answer(text: str) -> str:
    """Return a sentence as Markdown, the commands in it as code."""
    return re.sub(
        r"\\`(nas [\w./'\\ -]+?)\\`", lambda found: "`" + re.sub(r"\\(.)", r"\1", found[1]) + "`", _text(text)
    )


def _text(text: str) -> str:
    """Return other people's text so that Markdown, and HTML in it, leave it as it is."""
    text = words.short(text, 400).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#~])", r"\\\1", text)


FORMATS: Mapping[str, Callable[[View, int | None], str]] = {"json": as_json, "csv": as_csv, "md": as_markdown}
"""By the suffix of the file; "html" is the page itself."""
