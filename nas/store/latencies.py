"""Measured latencies: what was measured, on which machine. Kept with the architecture, whatever study it is of."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, select

from nas.architecture import Latency
from nas.store import models
from nas.store.engine import Source, open_for_writing, snapshot
from nas.store.records import LatencyRecord
from nas.store.writing import Row


def latency_row(fingerprint: str, latency: Latency, *, alone: bool) -> Row:
    """Return what is stored of a measurement that has just been made on this machine."""
    return {
        "fingerprint": fingerprint,
        "at": datetime.now(UTC),
        "host": socket.gethostname(),
        "batch": latency.batch,
        "threads": latency.threads,
        "runs": latency.runs,
        "median_ms": latency.median_ms,
        "p95_ms": latency.p95_ms,
        "alone": alone,
    }


def keep(url: str, measured: Mapping[str, Sequence[Latency]]) -> None:
    """Write what was measured of architectures, by fingerprint, with nothing else running here."""
    rows = [latency_row(fingerprint, one, alone=True) for fingerprint, found in measured.items() for one in found]
    engine = open_for_writing(url, create=False)
    try:
        with engine.begin() as connection:
            connection.execute(insert(models.Latency), rows)
    finally:
        engine.dispose()


def latencies(source: Source, fingerprints: Collection[str]) -> dict[str, tuple[LatencyRecord, ...]]:
    """Return what was measured of architectures, by fingerprint, the oldest first."""
    found: defaultdict[str, list[LatencyRecord]] = defaultdict(list)
    table = models.Latency
    statement = select(
        table.fingerprint, table.at, table.host, table.alone, table.batch, table.threads, table.runs,
        table.median_ms, table.p95_ms,
    ).where(table.fingerprint.in_(sorted(fingerprints))).order_by(table.id)  # fmt: skip
    with snapshot(source) as connection:
        for fingerprint, at, host, alone, batch, threads, runs, *milliseconds in connection.execute(statement):
            found[fingerprint].append(LatencyRecord(at, host, alone, Latency(batch, threads, runs, *milliseconds)))
    return {fingerprint: tuple(records) for fingerprint, records in found.items()}
