"""Trainings outside the search, on the same workers: of a race, and of fine-tuning.

Unlike a search's, the params are all decided before one begins, so that nothing is asked and nothing is pruned. What
is trained next, and what its end means, is the business of whoever gives the `Jobs`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nas.conversation import Built, Continue, Epoch, Evaluate, Failed, Finished, Message, Skip, Stop, Train
from nas.errors import DiskFull
from nas.search.observer import Observer, Standing
from nas.search.pool.pool import TRIES, Pool, Worker
from nas.search.rhythm import RENEW_SECONDS, SHOW_SECONDS, WRITE_SECONDS, Every
from nas.store.evaluation_records import EvaluationRecord
from nas.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Job:
    """One training. `number` is the evaluation's, `fingerprint` what building it has to give."""

    number: int
    order: Evaluate
    label: str
    detail: str
    fingerprint: str | None


class Jobs(Protocol):
    """Who decides what is trained."""

    def next(self) -> Job | None:
        """Return the next one, begun in the ledger; ``None`` while there is none."""

    def enough(self, record: EvaluationRecord) -> str | None:
        """Say why not to train another epoch, after each; ``None`` to go on."""

    def score(self, record: EvaluationRecord) -> float:
        """Return what one came to that is over."""

    def ended(self, record: EvaluationRecord) -> None:
        """One has its outcome."""

    @property
    def done(self) -> bool:
        """Whether nothing will come any more, whatever those that run come to."""

    def standing(self) -> Standing:
        """How it stands."""


@dataclass(slots=True)
class _Live:
    worker: Worker
    job: Job
    known: int
    step: int = 0
    broken: str | None = None
    interrupted: bool = False


class Evaluator:
    """Runs `jobs` until they are done or somebody asks to stop.

    Args:
        ledger: The hold on the study.
        pool: Workers, started.
        metric: The first objective, whose value is an evaluation's score.
        observer: Hears of everything.
        stop_asked: Returns why to stop as soon as every running epoch has ended, or ``None`` to go on.
        stop_at_once: Tells whether not even to wait for that.
    """

    def __init__(
        self,
        ledger: Ledger,
        pool: Pool,
        *,
        metric: str,
        observer: Observer,
        stop_asked: Callable[[], str | None],
        stop_at_once: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger, self._pool, self._metric, self._observer = ledger, pool, metric, observer
        self._stop_asked, self._stop_at_once = stop_asked, stop_at_once
        self._live: dict[int, _Live] = {}
        self._again: list[Job] = []
        self._lost_at: defaultdict[int, list[int]] = defaultdict(list)
        self._writing, self._renewing = Every(WRITE_SECONDS), Every(RENEW_SECONDS)
        self._showing = Every(SHOW_SECONDS, at_once=True)

    def run(self, jobs: Jobs) -> str | None:
        """Train until `jobs` are done; return why it was stopped early, or ``None``. What was begun can be gone on
        with from its last epoch.

        Raises:
            DiskFull: There is no space left for weights.
        """
        self._jobs = jobs
        stopping: str | None = None
        while True:
            if stopping is None and (stopping := self._stop_asked()) not in (None, "hours"):
                self._observer.note("Stopping: the running epochs are finished and saved. Once more to stop at once.")
            self._stopping = stopping
            if stopping is None:
                self._hand_out()
            if self._stop_at_once():
                stopping = stopping or self._stop_asked()  # both may have come since
                break
            if not self._live and (stopping or (jobs.done and not self._again)):
                break
            for worker, message in self._pool.messages(timeout=0.2):
                self._hear(worker, message)
            self._keep()
        self._ledger.flush()
        self._observer.stands(jobs.standing())
        return stopping

    def _hand_out(self) -> None:
        for worker in self._pool.idle:
            job = self._again.pop(0) if self._again else self._jobs.next()
            if job is None:
                return
            evaluations = self._ledger.evaluations
            record = evaluations.get(job.number)
            evaluations.attempt(job.number)
            self._ledger.flush()
            self._live[worker.pid] = _Live(worker, job, known=len(record.curve))
            self._pool.give(worker, job.order)
            self._observer.started(job.label, job.detail, resumed=record.attempts > 0)

    def _hear(self, worker: Worker, message: Message) -> None:
        live = self._live.get(worker.pid)
        if live is None:
            return
        match message:
            case Built():
                worker.send(self._judge(live, message))
            case Epoch():
                worker.send(self._after(live, message))
            case Finished():
                del self._live[worker.pid]
                self._conclude(live)
            case Failed():
                del self._live[worker.pid]
                self._fail(live, message)

    def _judge(self, live: _Live, built: Built) -> Train | Skip:
        wanted = live.job.fingerprint
        if wanted is not None and built.architecture.fingerprint != wanted:
            live.broken = (
                f"What its params build is another architecture now ({built.architecture.fingerprint[:8]}, it was "
                f"{wanted[:8]}): the family's code or a library has changed."
            )
            return Skip(live.broken)
        return Train()

    def _after(self, live: _Live, epoch: Epoch) -> Continue | Stop:
        live.step = epoch.step
        value = epoch.metrics.get(self._metric, math.nan)
        number = live.job.number
        if epoch.step > live.known:
            self._ledger.evaluations.epoch(number, epoch, value)
            self._observer.epoch(live.job.label, epoch.step, live.job.order.epochs, value)
        reason = self._jobs.enough(self._ledger.evaluations.get(number))
        if reason is None and self._stopping and epoch.step < live.job.order.epochs:
            live.interrupted, reason = True, self._stopping
        return Stop(reason) if reason else Continue()

    def _conclude(self, live: _Live) -> None:
        if live.interrupted:
            return
        number = live.job.number
        if live.broken is not None:
            self._end(live, self._ledger.evaluations.end(number, "failed", kind="error", message=live.broken))
            return
        score = self._jobs.score(self._ledger.evaluations.get(number))
        if math.isfinite(score):
            self._end(live, self._ledger.evaluations.end(number, "complete", score=score))
        else:
            message = f"It ended with {self._metric} = {score}."
            self._end(live, self._ledger.evaluations.end(number, "failed", kind="nan", message=message))

    def _fail(self, live: _Live, failed: Failed) -> None:
        if live.broken is not None or live.interrupted:
            self._conclude(live)
            return
        progress = max(live.step, live.known)
        lost = self._lost_at[live.job.number]
        lost.append(progress)
        if failed.kind == "killed" and lost.count(progress) < TRIES:
            self._ledger.event("worker lost", f"{live.job.label}: {failed.message}", trial=live.job.order.trial)
            self._observer.note(f"{live.job.label}: {failed.message} It goes on from its last epoch.")
            self._again.append(live.job)
            return
        if failed.kind == "disk":
            self._ledger.flush()
            raise DiskFull(live.job.label, Path(live.job.order.checkpoint).parent)
        record = self._ledger.evaluations.end(
            live.job.number, "failed", kind=failed.kind, message=failed.message, traceback=failed.traceback
        )
        self._end(live, record)

    def _end(self, live: _Live, record: EvaluationRecord) -> None:
        self._ledger.flush()
        self._jobs.ended(record)
        self._observer.ended(live.job.label, _line(record, live.job.detail))

    def _keep(self) -> None:
        if self._writing.is_due():
            self._ledger.flush()
        if self._renewing.is_due():
            self._ledger.renew()
        if self._showing.is_due():
            self._observer.stands(self._jobs.standing())


def _line(record: EvaluationRecord, detail: str) -> str:
    epochs = len(record.curve)
    took = f"{epochs} {'epoch' if epochs == 1 else 'epochs'} in {record.seconds:.1f} s"
    if record.outcome == "complete":
        return f"{record.score:.4f}, {detail}, {took}"
    return f"failed ({record.kind}), {detail}, {took}, {(record.message or '').splitlines()[0][:160]}"
