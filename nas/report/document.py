"""A report as one JSON document: the facts of the page under the names that `nas rank --json` gives them.

``docs/report.schema.json`` describes it, and a test holds both to each other.
"""

from __future__ import annotations

from typing import Any

from nas.causes import causes
from nas.documents import SCHEMA, objectives_document, plain, ranked_document, reliability_document
from nas.ranking import bar
from nas.report.section import View
from nas.store.evaluation_records import EvaluationRecord
from nas.store.records import spent, state

SESSION = ("command", "seed", "versions", "commit", "machine", "started", "ended")
"""What is told of a session: neither its host nor its process."""


def report_document(view: View, top: int | None = None) -> dict[str, Any]:
    """Return everything the page about `view` tells, of the best `top` architectures (of all where ``None``).

    Times are ISO 8601, what is not a number is null.
    """
    study = view.data.study
    document: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "study": study.name,
            "written": view.now,
            "state": state(study),
            "objectives": objectives_document(study),
            "created": study.created,
            "counts": study.counts,
            "spent": spent(study.counts),
            "budget": {"trials": study.trials_budget, "hours": study.hours_budget, "race": study.race_budget},
            "raced": study.raced,
            "seconds": study.seconds,
            "baseline": baseline_document(view),
            "data": study.data,
            "reliability": reliability_document(view.reliability),
            "tradeoff": view.tradeoff,
            "importances": dict(zip(study.objectives, view.importances, strict=True)),
            "architectures": len(view.ranked),
            "ranking": [ranked_document(entry) for entry in view.ranked[:top]],
            "finetuned": [_finetuned(view, number, records) for number, records in view.finetuned.items()],
            "ensembles": [look for look in view.data.looks if look.trial is None],
            "embeddings": view.data.embeddings,
            "failures": [
                {"kind": kind, "message": message, "count": number}
                for kind, message, number in causes(view.data.trials)
            ],
            "sessions": [{name: getattr(session, name) for name in SESSION} for session in study.sessions],
        }
    )
    return document


def baseline_document(view: View) -> dict[str, Any] | None:
    """Return what can be had without an encoder, and whether the best architecture beats it."""
    known = bar(view.data.study)
    if known is None:
        return None
    best = view.ranked[0].told[0] if view.ranked else None
    return {"name": known.name, "value": known.value, "beaten": known.is_beaten_by(best)}


def _finetuned(view: View, number: int, records: tuple[EvaluationRecord, ...]) -> dict[str, Any]:
    return {
        "trial": number,
        "trainings": [
            {
                "number": record.number,
                "outcome": record.outcome,
                "score": record.score,
                "seed": record.seed,
                "epochs": len(record.curve),
                "plan": record.plan,
            }
            for record in records
        ],
        "looks": [look for look in view.data.looks if look.trial == number],
    }
