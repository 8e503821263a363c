"""How would one run this again?"""

from __future__ import annotations

from collections.abc import Sequence

from nas.language import _
from nas.report import words
from nas.report.section import Section, View
from nas.report.vocabulary import said
from nas.store.records import SessionRecord

MOST_EVENTS = 50
MOST_SESSIONS = 50
MOST_FILE = 20_000


def reproduce(view: View) -> Section:
    """Give the study file, the seeds, the versions, the fingerprints and what happened when."""
    study = view.data.study
    sessions = study.sessions[-MOST_SESSIONS:]
    command = study.sessions[0].command if study.sessions else view.command("resume") if study.file else None
    return Section(
        "reproduce",
        _("How would one run this again?"),
        _answer(view),
        {
            "study": study,
            "file": words.cut(study.file, MOST_FILE) if study.file else "",
            "command": command,
            "facts": _facts(study.sessions),
            "data": study.data or {},
            "examples": words.settings(
                {said(split): count for split, count in ((study.data or {}).get("examples") or {}).items()}, _(", ")
            ),
            "sessions": [(session, _ending(view, session)) for session in sessions],
            "session_count": len(study.sessions),
            "events": view.data.events[-MOST_EVENTS:],
            "event_count": len(view.data.events),
        },
    )


def _answer(view: View) -> str:
    sessions = view.data.study.sessions
    if not sessions:
        return _("No session is on record: the study was made through Optuna's own interface.")
    changed = changes(sessions)
    if len({session.commit for session in sessions}) > 1:
        changed.append(_("the commit"))
    if changed:
        return _(
            "Between sessions there was a change of {what}: one run cannot repeat that.", what=words.listed(changed)
        )
    return _("From the study file, the seed and the versions below; the same trials come out only with one worker.")


def changes(sessions: Sequence[SessionRecord]) -> list[str]:
    """Return what of that which decides what a trial computes was not the same in all sessions."""
    return [
        what
        for what, values in (
            (_("library versions"), {repr(sorted(session.versions.items())) for session in sessions}),
            (_("the data"), {session.data_fingerprint for session in sessions}),
            (_("the search spaces"), {repr(sorted(session.space_fingerprints.items())) for session in sessions}),
        )
        if len(values) > 1
    ]


def _facts(sessions: tuple[SessionRecord, ...]) -> list[tuple[str, str]]:
    """Return what the study stood on; of several sessions every distinct value, the first one first."""
    rows: dict[str, dict[str, None]] = {}
    for session in sessions:
        values = {
            _("Seed"): str(session.seed),
            _("Commit"): session.commit or words.UNKNOWN,
            _("Data fingerprint"): session.data_fingerprint,
            _("Machine"): session.machine or words.UNKNOWN,
            **{
                _("Search space {family}", family=family): fingerprint
                for family, fingerprint in session.space_fingerprints.items()
            },
            **{_("{library} version", library=library): version for library, version in session.versions.items()},
        }
        for what, value in values.items():
            rows.setdefault(what, {})[value] = None
    return [(what, " → ".join(values)) for what, values in rows.items()]


def _ending(view: View, session: SessionRecord) -> str:
    if session.ending is not None:
        return said(session.ending)
    if view.data.study.running is not None and session is view.data.study.sessions[-1]:
        return said("running")
    return _("killed, or lost with its machine")
