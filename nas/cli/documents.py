"""What commands print as JSON, made of the documents that a report holds as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nas.causes import causes
from nas.cli import standing
from nas.documents import objectives_document, plain, ranked_document, trial_document
from nas.ranking import Ranked, bar
from nas.store.records import StudyRecord, TrialDetail, TrialRecord, spent, state

if TYPE_CHECKING:
    from nas.search.endings import Ending


def study_document(study: StudyRecord, leader: Ranked | None) -> dict[str, Any]:
    """Return what ``list`` and ``status`` tell of a study. `leader` ranks first."""
    latest = study.sessions[-1] if study.sessions else None
    return {
        "name": study.name,
        "state": state(study),
        "created": study.created,
        "objectives": objectives_document(study),
        "counts": study.counts,
        "spent": spent(study.counts),
        "budget": {"trials": study.trials_budget, "hours": study.hours_budget, "race": study.race_budget},
        "raced": study.raced,
        "seconds": study.seconds,
        "seconds_left": standing.seconds_left(study),
        "best": None if leader is None else trial_document(leader.trial),
        "trust": None if leader is None else plain(leader.trust),
        "baseline": _baseline_document(study, leader),
        "holder": None if study.running is None else {"pid": study.running.pid, "host": study.running.host},
        "renewed": latest.renewed if latest else None,
        "ending": latest.ending if latest else None,
    }


def finetuned_document(tuned: standing.FineTuned | None) -> dict[str, Any] | None:
    """Return what fine-tuning has come to, or ``None``."""
    if tuned is None:
        return None
    return {
        "trainings": tuned.trainings,
        "trial": None if tuned.best is None else tuned.best.trial,
        "score": None if tuned.best is None else tuned.best.score,
        "test": None if tuned.look is None else plain(tuned.look.metrics),
        "looks": tuned.looks,
    }


def _baseline_document(study: StudyRecord, leader: Ranked | None) -> dict[str, Any] | None:
    """Return what can be had without an encoder, and whether the best trial beats it."""
    known = bar(study)
    if known is None:
        return None
    return {
        "name": known.name,
        "value": known.value,
        "beaten": known.is_beaten_by(None if leader is None else leader.told[0]),
    }


def detail_document(study: StudyRecord, detail: TrialDetail) -> dict[str, Any]:
    """Return everything about one trial."""
    return {
        "study": study.name,
        "objectives": objectives_document(study),
        "trial": detail.trial.number,
        "record": trial_document(detail.trial),
        "curve": detail.epochs,
        "layers": detail.graph,
        "history": detail.attempts,
        "latencies": detail.latencies,
        "evaluations": plain(detail.evaluations),
    }


def overview_document(
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    top: Sequence[Ranked],
    tuned: standing.FineTuned | None = None,
) -> dict[str, Any]:
    """Return what ``show NAME`` tells."""
    leader = top[0] if top else None
    return {
        **study_document(study, leader),
        "finetuned": finetuned_document(tuned),
        "file": study.file,
        "base": study.base,
        "data": study.data,
        "sessions": study.sessions,
        "top": [ranked_document(entry) for entry in top],
        "failures": [{"kind": kind, "message": message, "count": number} for kind, message, number in causes(trials)],
    }


def ending_document(ending: Ending, study: StudyRecord) -> dict[str, Any]:
    """Return how a launch or a resume of `study` ended."""
    return {
        "study": study.name,
        "objectives": objectives_document(study),
        "exit_code": ending.exit_code,
        "message": ending.message,
        "counts": ending.counts,
        "best": None if ending.best is None else trial_document(ending.best.trial),
        "baseline": _baseline_document(study, ending.best),
        "perfect": ending.perfect,
    }
