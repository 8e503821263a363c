"""Time the best architectures of a study on this machine: what `nas latency` calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from nas.architecture import Latency
from nas.conversation import Measure, Measured
from nas.errors import NASError, NoneComplete, plural
from nas.ranking import Ranked, ranking_of
from nas.search.asking import CannotBeDone, ask
from nas.search.files import worker_logs
from nas.search.orders import order_of
from nas.search.pool.local import LocalPool, PoolSettings
from nas.search.progress import watching
from nas.store import latencies, queries
from nas.store.engine import reading_from, storage_url
from nas.store.files import files_root

SECONDS = 600.0
"""A measurement of a few candidates that takes longer than this is given up."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One architecture and what it took, one figure for each size of batch."""

    ranked: Ranked
    latencies: tuple[Latency, ...]


def time_best(
    name: str,
    *,
    storage: str | None = None,
    top: int = 5,
    batches: tuple[int, ...] = (1, 32),
    runs: int = 50,
    threads: int = 1,
    console: Console | None = None,
) -> list[Timed]:
    """Time the `top` architectures of study `name` in turns, in one process with so many `threads`; keep the figures.

    Raises:
        NotFound: No such study, or none of its trials is complete.
        BadInput: The study was not launched from a file, so that nothing of it can be built.
    """
    url = storage_url(storage)
    with reading_from(url) as connection:
        study = queries.study(connection, name)
        trials, evaluations = queries.trials(connection, study.id), queries.evaluations(connection, study.id)
        best = ranking_of(study, trials, evaluations)[:top]
    if not best:
        raise NoneComplete(name, "there is nothing to time.")
    order = Measure(tuple(order_of(study, entry.trial) for entry in best), batches, runs)
    found = _measured(order, name, files_root(url), threads, console)
    fingerprints = [entry.trial.fingerprint for entry in best]
    latencies.keep(url, {print_: each for print_, each in zip(fingerprints, found, strict=True) if print_ is not None})
    return [Timed(entry, each) for entry, each in zip(best, found, strict=True)]


def _measured(
    order: Measure, name: str, root: Path, threads: int, console: Console | None
) -> tuple[tuple[Latency, ...], ...]:
    with (
        watching(console or Console(stderr=True), name) as observer,
        worker_logs(root) as logs,
        LocalPool(PoolSettings(workers=1, deadline=SECONDS, silence=SECONDS, logs=logs, threads=threads)) as pool,
    ):
        what = plural(len(order.candidates), "architecture")
        observer.note(f"Timing {what}, {order.runs} runs each, on {plural(threads, 'thread')}.")
        try:
            answer = ask(pool, order)
        except CannotBeDone as error:
            remedy = " Fewer (--top), smaller batches (--batch) or --runs take less." if error.kind == "timeout" else ""
            raise NASError(f"The architectures could not be timed: {error}{remedy}") from None
        assert isinstance(answer, Measured)
        return answer.latencies
