"""What a launch or resume stands on: code, data, libraries, host. And whether that is what the study was begun with."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

from nas import machine
from nas.data_card import DataCard
from nas.errors import StudyChanged
from nas.space_fingerprint import family_fingerprint
from nas.store.lease import this_process
from nas.store.records import NewSession, SessionRecord, StudyRecord
from nas.study_file import Study

LIBRARIES = ("encoder-nas", "keras", "keras-tuner", "numpy", "optuna", "tensorflow")
"""Those whose versions decide what a trial computes."""


def new_session(study: Study, base: Path, card: DataCard, command: str) -> NewSession:
    """Return what is to be remembered about this launch or resume."""
    return NewSession(
        holder=this_process(),
        command=command,
        seed=study.search.seed,
        versions={library: version(library) for library in LIBRARIES},
        space_fingerprints={family: family_fingerprint(family, base) for family in study.space.all_families},
        data_fingerprint=card.fingerprint,
        commit=_commit(base),
        machine=machine.described(),
    )


def refuse_changed(record: StudyRecord, session: NewSession, allowed: frozenset[str]) -> frozenset[str]:
    """Refuse to go on with another space, other data or other libraries than the last session's.

    Returns:
        Which of the `allowed` differences there are.

    Raises:
        StudyChanged: With the differences that are not `allowed`.
    """
    if not record.sessions:
        return frozenset()
    found = _differences(record.sessions[-1], session)
    differences = {what: text for what, text in found.items() if what not in allowed}
    if differences:
        raise StudyChanged(record.name, differences)
    return frozenset(found)


def _differences(old: SessionRecord, new: NewSession) -> dict[str, str]:
    found = {}
    prints = new.space_fingerprints
    families = [family for family, fingerprint in prints.items() if old.space_fingerprints.get(family) != fingerprint]
    if families:
        found["space"] = "the code of " + ", ".join(
            f"{family} ({old.space_fingerprints.get(family, 'none')[:8]} then, {prints[family][:8]} now)"
            for family in families
        )
    if old.data_fingerprint != new.data_fingerprint:
        found["data"] = f"{old.data_fingerprint[:8]} then, {new.data_fingerprint[:8]} now"
    versions = [
        f"{library} {old.versions.get(library, 'none')} then, {now} now"
        for library, now in new.versions.items()
        if old.versions.get(library) != now
    ]
    if versions:
        found["versions"] = "; ".join(versions)
    return found


def _commit(folder: Path) -> str | None:
    """Return the git commit of `folder`, with ``+`` if it has changes, or ``None`` outside a repository."""
    try:
        head, changes = (
            subprocess.run(
                ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=5, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return head + ("+" if changes else "")
