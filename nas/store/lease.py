"""Who runs a study. The newest session that has not ended is the study's lease; a dead holder's may be taken over."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from nas.errors import NotFound, StudyRunning
from nas.store.models import Attempt, Event, Session, Study, Trial
from nas.store.records import Holder, NewSession

SILENCE = timedelta(seconds=60)
"""A holder on another host that has not renewed its lease for this long is taken for dead."""


def this_process() -> Holder:
    """Return who we are."""
    return Holder(os.getpid(), socket.gethostname(), _boot_id(), _started(psutil.Process()))


def is_alive(holder: Holder, renewed: datetime, now: datetime | None = None) -> bool:
    """Tell whether `holder`, which renewed its lease at `renewed`, still runs.

    Where the process table is the same (same host, boot and container) it knows, whatever the clock says. Elsewhere
    only silence can tell: a minute of it.
    """
    if holder.host != socket.gethostname() or holder.boot_id != _boot_id():
        return (now or datetime.now(UTC)) - renewed <= SILENCE
    try:
        process = psutil.Process(holder.pid)
        same = abs(_started(process) - holder.process_started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def take(connection: Connection, study_id: int, name: str, session: NewSession) -> int:
    """Begin a session of a study, which makes its holder the one that runs it; return the session's id.

    Attempts a dead holder left open are ended as ``lost``, and events say so. `connection` must be in a transaction
    that writes.

    Raises:
        StudyRunning: A living process holds the lease.
    """
    connection.execute(select(Study.id).where(Study.id == study_id).with_for_update())
    refuse_if_held(connection, study_id, name)
    before = _newest(connection, study_id)
    now = datetime.now(UTC)
    session_id: int | None = connection.scalar(
        insert(Session).returning(Session.id),
        {"study_id": study_id, **_columns(session), "started": now, "renewed": now},
    )
    assert session_id is not None
    if before is not None and before.ended is None:
        message = f"Process {before.pid} on {before.host} is gone without a word; its lease is taken over."
        _tell(connection, study_id, session_id, "takeover", message)
        _end_lost_attempts(connection, study_id, session_id, now)
    return session_id


def _columns(session: NewSession) -> dict[str, Any]:
    columns = {field.name: getattr(session, field.name) for field in fields(session) if field.name != "holder"}
    return columns | asdict(session.holder)


def _end_lost_attempts(connection: Connection, study_id: int, session_id: int, now: datetime) -> None:
    left_open = connection.execute(
        select(Trial.id, Trial.number, Attempt.number)
        .join(Attempt)
        .where(Trial.study_id == study_id, Attempt.ended.is_(None))
        .order_by(Trial.number)
    ).all()
    message = "The coordinator died while it ran."
    for trial_id, trial, attempt in left_open:
        connection.execute(
            update(Attempt)
            .where(Attempt.trial_id == trial_id, Attempt.number == attempt)
            .values(ended=now, outcome="lost", message=message)
        )
        _tell(connection, study_id, session_id, "lost", f"Attempt {attempt} at trial {trial} is lost: {message}", trial)


def _tell(
    connection: Connection, study_id: int, session_id: int, kind: str, message: str, trial: int | None = None
) -> None:
    row = {"study_id": study_id, "session_id": session_id, "trial": trial, "kind": kind, "message": message}
    connection.execute(insert(Event), {**row, "at": datetime.now(UTC)})


def living_holder(connection: Connection, study_id: int) -> Holder | None:
    """Return the holder of the lease of a study, if there is one and it lives."""
    session = _newest(connection, study_id)
    if session is None or session.ended is not None:
        return None
    holder = Holder(session.pid, session.host, session.boot_id, session.process_started)
    return holder if is_alive(holder, session.renewed) else None


def refuse_if_held(connection: Connection, study_id: int, name: str) -> None:
    """Check that nobody runs the study.

    Raises:
        StudyRunning: A living process does.
    """
    holder = living_holder(connection, study_id)
    if holder is not None:
        raise StudyRunning(name, holder.pid, holder.host)


def renew(connection: Connection, study_id: int, session_id: int, name: str) -> None:
    """Renew a lease at the head of a transaction that writes, which keeps others from taking it before the commit.

    Raises:
        StudyRunning: It was taken over in the meantime (this process was suspended, or cut off): nothing may be
            written any more.
        NotFound: The study was deleted in the meantime.
    """
    if connection.dialect.name == "postgresql":  # where a transaction that writes does not exclude the others
        connection.execute(select(Study.id).where(Study.id == study_id).with_for_update())
    renewed = connection.execute(_RENEW, {"held": session_id, "of_study": study_id, "renewed": datetime.now(UTC)})
    if renewed.rowcount != 1:
        newest = _newest(connection, study_id)
        if newest is None:
            raise NotFound(f"Study {name!r} was deleted while it ran: there is nothing left to save its trials in.")
        raise StudyRunning(name, newest.pid, newest.host)


_RENEW = update(Session).where(
    Session.id == bindparam("held"),
    Session.id == select(func.max(Session.id)).where(Session.study_id == bindparam("of_study")).scalar_subquery(),
)


def _newest(connection: Connection, study_id: int) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(
        select(
            Session.id,
            Session.pid,
            Session.host,
            Session.boot_id,
            Session.process_started,
            Session.renewed,
            Session.ended,
        )
        .where(Session.study_id == study_id)
        .order_by(Session.id.desc())
        .limit(1)
    ).first()


def _started(process: psutil.Process) -> float:
    # Seconds from boot: the time of day at which a process started changes whenever the clock is set.
    return float(process.create_time() - psutil.boot_time())


def _boot_id() -> str:
    """Return what tells one process table from another: the boot of the machine, and the container's namespace of pids.

    Containers may share the machine's boot, and its name: a pid that is not found in one may be alive in the other.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
