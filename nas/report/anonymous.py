"""A report for strangers: what the study is called, where it lies and who ran it is left out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from nas.report.data import ReportData
from nas.store.evaluation_records import EmbeddingRecord, EvaluationRecord
from nas.store.records import Holder, LatencyRecord, SessionRecord, TrialRecord

NOBODY = Holder(pid=0, host="host", boot_id="", process_started=0.0)
_PATH = re.compile(
    r"(?:file://|[A-Za-z]:\\|\\\\|~?/|\.{1,2}/)[^\s\"'<>:,;()]*|[^\s\"'<>:,;()/\\]+(?:[/\\][^\s\"'<>:,;()]+)+"
)
"""What looks like the path of a file. Names of choices ("cnn/depth") are no text that it is looked for in."""
_STORAGE = re.compile(r"(--storage )('[^']*'|[^\s`]+)")
_PROCESS = re.compile(r"\b(process|pid) [0-9]+", re.IGNORECASE)


def anonymous(data: ReportData) -> ReportData:
    """Return `data` without names of studies, data, classes, paths, hosts, processes and commits, and without the file.

    Numbers, choices, families, objectives and library versions stay; of messages and tracebacks paths are taken out.
    """
    study = data.study
    names = sorted({study.name, *(session.holder.host for session in study.sessions)}, key=len, reverse=True)
    hidden = _Hidden([name for name in names if name])
    return replace(
        data,
        study=replace(
            study,
            name="study",
            file=None,
            base="",
            data=_data(study.data),
            sessions=tuple(_session(hidden, session) for session in study.sessions),
            running=None if study.running is None else NOBODY,
        ),
        trials=tuple(_trial(hidden, trial) for trial in data.trials),
        events=tuple(replace(event, message=hidden.text(event.message)) for event in data.events),
        evaluations=tuple(_evaluation(hidden, record) for record in data.evaluations),
        latencies={key: tuple(map(_latency, records)) for key, records in data.latencies.items()},
        embeddings=tuple(map(_embedding, data.embeddings)),
        storage=None,
    )


class _Hidden:
    """Takes names and paths out of text."""

    def __init__(self, names: list[str]) -> None:
        self._names = re.compile("|".join(map(re.escape, names))) if names else None

    def text(self, text: str) -> str:
        text = _STORAGE.sub(r"\1…", text)  # first: a database in the current folder does not look like a path
        text = _PROCESS.sub(r"\1 …", _PATH.sub("…", text))
        return self._names.sub("…", text) if self._names else text

    def maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)


def _data(card: dict[str, Any] | None) -> dict[str, Any] | None:
    if card is None:
        return None
    kept = {key: card[key] for key in ("examples", "baseline", "input_shape") if key in card}
    return kept | {"source": str(card.get("source", "")).partition(":")[0] or "data"}


def _session(hidden: _Hidden, session: SessionRecord) -> SessionRecord:
    return replace(
        session,
        command=_command(session.command),
        holder=NOBODY,
        commit=None,
        ending=hidden.maybe(session.ending),
        space_fingerprints={_family(name): value for name, value in session.space_fingerprints.items()},
    )


def _command(typed: str) -> str:
    """Return what was done, and to nothing in particular: a race is no search, whose hours are counted."""
    verb = next(iter(typed.split()[1:2]), "resume")
    return "nas launch study.toml" if verb == "launch" else f"nas {verb} study"


def _family(name: str) -> str:
    """Return a family's name without the file or module it is from."""
    return name.rpartition(":")[2]


def _trial(hidden: _Hidden, trial: TrialRecord) -> TrialRecord:
    return replace(
        trial,
        message=hidden.maybe(trial.message),
        traceback=hidden.maybe(trial.traceback),
        family=None if trial.family is None else _family(trial.family),
        params={
            _family(name): _family(value) if isinstance(value, str) else value for name, value in trial.params.items()
        },
    )


def _evaluation(hidden: _Hidden, record: EvaluationRecord) -> EvaluationRecord:
    return replace(record, message=hidden.maybe(record.message), traceback=hidden.maybe(record.traceback))


def _latency(record: LatencyRecord) -> LatencyRecord:
    return replace(record, host="host")


def _embedding(record: EmbeddingRecord) -> EmbeddingRecord:
    names = tuple(f"class {place}" for place in range(len(record.projection.names)))
    return replace(record, projection=replace(record.projection, names=names))
