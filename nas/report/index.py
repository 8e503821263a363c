"""The list of studies beside their reports. The page holds its entries as data: each report can renew its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from nas.ranking import Ranked
from nas.store.records import StudyRecord, spent, state

_DATA = re.compile(r'<script type="application/json" id="index-data">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A study as it stood when it was last reported. Times are ISO 8601."""

    database: str
    """As a command line names it, without a password."""
    name: str
    state: str
    objective: str
    direction: str
    best: float | None
    trials: int
    complete: int
    failed: int
    seconds: float
    begun: str
    as_of: str
    file: str | None = None
    """Of its report, beside the list."""

    @property
    def begun_at(self) -> datetime:
        """When it was begun."""
        return datetime.fromisoformat(self.begun)

    @property
    def as_of_at(self) -> datetime:
        """When all this was so."""
        return datetime.fromisoformat(self.as_of)


def entry(study: StudyRecord, ranked: Sequence[Ranked], *, database: str, now: datetime, file: str | None) -> Entry:
    """Return what the list says of `study`."""
    return Entry(
        database=database,
        name=study.name,
        state=state(study),
        objective=study.objectives[0],
        direction=study.directions[0],
        best=ranked[0].told[0] if ranked else None,
        trials=spent(study.counts),
        complete=study.counts["complete"],
        failed=study.counts["failed"],
        seconds=study.seconds,
        begun=study.created.astimezone(UTC).isoformat(),
        as_of=now.astimezone(UTC).isoformat(),
        file=file,
    )


def known(index: Path) -> list[Entry]:
    """Return the entries that the page `index` holds, those whose report is gone without it; none of any other file."""
    try:
        found = _DATA.search(index.read_text("utf-8"))
        entries = [Entry(**one) for one in json.loads(found[1])["studies"]] if found else []
        for one in entries:
            _ = one.begun_at, one.as_of_at, float(one.best or 0), one.name.encode()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []
    return [one if one.file and (index.parent / one.file).is_file() else _without_file(one) for one in entries]


def renewed(entries: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """Return `entries` with `new` ones in the place of those of the same study, the last begun first.

    A page tells of one study: where studies of two databases have one name, the last one written has it.
    """
    new = list(new)
    taken = {one.file for one in new}
    kept = [_without_file(one) if one.file in taken else one for one in entries]
    found = {(one.database, one.name): one for one in (*kept, *new)}
    return sorted(found.values(), key=lambda one: (one.begun_at, one.name), reverse=True)


def document(entries: Sequence[Entry]) -> dict[str, object]:
    """Return what the page holds as data."""
    return {"studies": [asdict(one) for one in entries]}


def _without_file(one: Entry) -> Entry:
    return Entry(**(asdict(one) | {"file": None}))
