"""Records as JSON documents: the same names in `--json` of every command and in the data of a report.

Keys are a promise, see `SCHEMA`; ``docs/report.schema.json`` describes the report's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.ranking import Ranked
    from nas.ranking.reliability import Reliability
    from nas.store.records import StudyRecord, TrialRecord

SCHEMA = 1
"""The number every JSON document carries. It grows when a key changes its meaning or goes away."""


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: records as objects, times as ISO 8601, NaN and the infinities as null."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"A value of type {type(value).__name__} has no form in JSON: {value!r}.")


def objectives_document(study: StudyRecord) -> list[dict[str, str]]:
    """Return what is searched for, the first objective first."""
    return [
        {"metric": metric, "direction": direction}
        for metric, direction in zip(study.objectives, study.directions, strict=True)
    ]


def trial_document(trial: TrialRecord) -> dict[str, Any]:
    """Return a trial without its curve and graph."""
    document: dict[str, Any] = plain(trial)
    return document


def ranked_document(entry: Ranked) -> dict[str, Any]:
    """Return one architecture's place."""
    return {
        "place": entry.place,
        "frontier": entry.front,
        "values": entry.values,
        "trials": entry.trials,
        "trust": plain(entry.trust),
        "best": trial_document(entry.trial),
    }


def reliability_document(known: Reliability) -> dict[str, Any]:
    """Return how far an order can be trusted. A key means the same in every document: `trials` are numbers."""
    document: dict[str, Any] = plain(known)
    for rung in document["rungs"]:
        rung["complete"] = rung.pop("trials")
    return document
