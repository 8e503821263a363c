"""The coordinator: asks Optuna for candidates, converses with the workers, tells the store how each trial ended.

It owns the database for as long as it runs. Everything a worker says is handled at once and answered at once; what
has to last is written in one transaction a round, and an outcome is written before the next trial is handed out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from optuna.trial import FrozenTrial

from nas.conversation import (
    Ask,
    Built,
    Continue,
    Epoch,
    Evaluate,
    Failed,
    Finished,
    Message,
    Skip,
    Start,
    Stop,
    Train,
    Value,
)
from nas.data_card import DataCard
from nas.errors import DiskFull
from nas.search.budget import Budget
from nas.search.files import StudyFiles
from nas.search.limits import over_limit
from nas.search.observer import Observer
from nas.search.outcomes import Outcomes, objective_value, objective_values
from nas.search.pool.pool import TRIES, Pool, Worker
from nas.search.proposals import Proposals
from nas.search.pruning import Pruning
from nas.search.rhythm import RENEW_SECONDS, SHOW_SECONDS, WRITE_SECONDS, Every
from nas.search.samplers import mixed
from nas.search.standing import SearchStanding
from nas.search.trial import LiveTrial, Verdict
from nas.store.ledger import Ledger
from nas.store.records import spent
from nas.study_file import Study


class Coordinator:
    """Runs one study until its budget is used up or somebody asks it to stop.

    Args:
        study: The checked study file.
        ledger: The hold on the study in the store.
        pool: Workers, started.
        card: The prepared data.
        files: Where checkpoints go.
        base: The folder that relative paths in the study file start from.
        budget: What may still be spent.
        start: The encoder that every trial starts from, if there is one.
        observer: Hears of everything.
        stop_asked: Returns why to stop as soon as every running epoch has ended, or ``None`` to go on.
        stop_at_once: Tells whether not even to wait for that; what still runs is left to `abandon`.
    """

    def __init__(
        self,
        study: Study,
        ledger: Ledger,
        pool: Pool,
        *,
        card: DataCard,
        files: StudyFiles,
        base: str,
        budget: Budget,
        start: Start | None = None,
        observer: Observer,
        stop_asked: Callable[[], str | None],
        stop_at_once: Callable[[], bool] = lambda: False,
    ) -> None:
        self._study, self._ledger, self._pool = study, ledger, pool
        self._card, self._files, self._base = card, files, base
        self._budget, self._observer, self._stop_asked = budget, observer, stop_asked
        self._stop_at_once = stop_at_once
        self._pruning = Pruning(study, ledger)
        self._start = start
        self._proposals = Proposals(study, ledger, budget, start)
        self._live: dict[int, tuple[Worker, LiveTrial]] = {}  # by worker pid
        self._waiting: list[FrozenTrial] = []
        self._outcomes = Outcomes(study, ledger, files, observer)
        self._lost_at: dict[int, list[int]] = {}  # number ▶ the epochs at which its workers were killed
        self._stopping: str | None = None
        self._writing, self._renewing = Every(WRITE_SECONDS), Every(RENEW_SECONDS)
        self._showing = Every(SHOW_SECONDS, at_once=True)

    def run(self) -> str | None:
        """Run until nothing is left to do; return why it stopped early, or ``None`` when the budget is used up.

        Raises:
            StudyFailed: The first trials all failed in the same way.
            DiskFull: There is no space left for weights; what was begun can be gone on with.
        """
        self._take_up_unfinished()
        while True:
            self._look_for_reasons_to_stop()
            if not self._stopping:
                self._hand_out()
            self._write()
            self._show()
            if self._stop_at_once():
                self._stopping = self._stopping or self._stop_asked()  # both may have come since
                break
            if not self._live and (self._stopping or not self._more()):
                break
            for worker, message in self._pool.messages(timeout=0.2):
                self._hear(worker, message)
        self._flush()
        self._observer.stands(self.standing())
        return self._stopping

    def _look_for_reasons_to_stop(self) -> None:
        if self._stopping:
            return
        if asked := self._stop_asked():
            self._stopping = asked
            self._observer.note("Stopping: the running epochs are finished and saved. Once more to stop at once.")
        elif self._budget.out_of_time:
            self._stopping = "hours"

    def abandon(self, why: str) -> None:
        """Let go of all running trials at once; they will go on from their checkpoints."""
        for _, live in self._live.values():
            self._ledger.end_attempt(live.id, "interrupted", why)
        self._live.clear()
        self._flush()

    def standing(self) -> SearchStanding:
        """Return how the study stands."""
        counts = self._ledger.counts()
        best = self._outcomes.best(1)
        used = spent(counts)
        return SearchStanding(
            spent=used,
            budget=self._budget.trials,
            running=len(self._live),
            counts=counts,
            best=self._outcomes.score(best[0]) if best else None,
            best_trial=best[0] if best else None,
            seconds=self._budget.seconds,
            seconds_left=self._budget.seconds_left(used - len(self._live)),
        )

    @property
    def exhausted(self) -> bool:
        """Whether the study ended because the space holds nothing new."""
        return self._budget.exhausted

    # ------------------------------------------------------------------ what to do next

    def _take_up_unfinished(self) -> None:
        """Queue the trials that an earlier session left unfinished; those that wait for a twin go on waiting."""
        for trial in self._ledger.unfinished():
            twin = self._ledger.trial_record(trial._trial_id).duplicate_of
            if twin is None:
                self._waiting.append(trial)
            else:
                self._outcomes.wait_for(twin, trial._trial_id)

    def _more(self) -> bool:
        return bool(self._waiting) or self._budget.allows(spent(self._ledger.counts()))

    def _hand_out(self) -> None:
        """Give every idle worker a trial: an interrupted one first, then new ones as far as the budget goes."""
        for worker in self._pool.idle:
            if self._waiting:
                if self._outcomes.unwritten:
                    self._flush()
                self._begin(worker, self._proposals.again(self._waiting.pop(0)._trial_id), resumed=True)
            elif self._budget.allows(spent(self._ledger.counts())):
                live = self._proposals.new()
                self._outcomes.written()  # a trial's creation writes whatever was pending
                self._begin(worker, live, resumed=False)
            else:
                return

    def _begin(self, worker: Worker, live: LiveTrial, *, resumed: bool) -> None:
        number, search = live.number, self._study.search
        self._ledger.start_attempt(live.id, worker=worker.pid, family=live.family)
        self._live[worker.pid] = worker, live
        if not resumed:
            self._files.forget(self._files.checkpoint(number))  # of an earlier database of the same name, say
        order = Evaluate(
            trial=number,
            family=live.family,
            data=self._card,
            task=self._study.task.kind,
            seed=mixed(search.seed, number) % 2**31,
            epochs=search.epochs,
            horizon=search.epochs,
            checkpoint=str(self._files.checkpoint(number)),
            base=self._base,
            encoders=self._study.space.encoders,
            checkpoints=self._study.space.checkpoints,
            start=self._start,
            latency=self._study.needs_latency,
        )
        self._pool.give(worker, order)
        self._observer.started(f"trial {number}", live.family, resumed=resumed)

    # ------------------------------------------------------------------ the conversation

    def _hear(self, worker: Worker, message: Message) -> None:
        if worker.pid not in self._live:
            return
        live = self._live[worker.pid][1]
        match message:
            case Ask():
                self._hear_ask(worker, live, message)
            case Built():
                self._hear_built(worker, live, message)
            case Epoch():
                self._hear_epoch(worker, live, message)
            case Finished():
                del self._live[worker.pid]
                self._conclude(live, message)
            case Failed():
                del self._live[worker.pid]
                self._fail(live, message)

    def _hear_ask(self, worker: Worker, live: LiveTrial, ask: Ask) -> None:
        if self._interrupt(live):
            worker.send(Skip("the study is being stopped"))
            return
        try:
            worker.send(Value(self._proposals.answer(live, ask)))
        except ValueError as error:
            message = f"{ask.name} cannot be asked like this: {error}"
            live.verdict = Verdict("failed", "error", message)
            worker.send(Skip(message))

    def _hear_built(self, worker: Worker, live: LiveTrial, built: Built) -> None:
        live.architecture, live.training, live.latency = built.architecture, built.training, built.latency
        live.verdict = self._judge(live)
        self._ledger.built(
            live.id,
            architecture=built.architecture,
            training=built.training,
            duplicate_of=live.twin_of,
            latency=built.latency,
        )
        if live.verdict is None and not self._interrupt(live):
            worker.send(Train())
        else:
            worker.send(Skip("no epoch is to be spent on it"))

    def _judge(self, live: LiveTrial) -> Verdict | None:
        """Decide what can be decided before an epoch is spent: limits first, then duplicates."""
        assert live.architecture is not None
        # Latency is measured anew when a trial goes on: that must not undo what was allowed.
        latency = None if live.known else live.latency
        excess = over_limit(live.trial, live.architecture.cost, self._study.limits, latency)
        if excess:
            self._budget.count(free=True)
            return Verdict("failed", "rejected", excess)
        comparable = live.training is not None and not live.architecture.opaque
        twin = self._ledger.twin(live.architecture.fingerprint, live.training or {}) if comparable else None
        if twin is None or twin == live.number or live.known:
            self._budget.count(free=False)
            return None
        self._budget.count(free=True)
        live.twin_of = twin
        return Verdict("twin", message=f"the same architecture and training choices as trial {twin}")

    def _hear_epoch(self, worker: Worker, live: LiveTrial, epoch: Epoch) -> None:
        live.step, live.metrics = epoch.step, epoch.metrics
        if epoch.step < live.known:  # decided in an earlier attempt
            if not epoch.replayed:
                self._ledger.event("epoch repeated", f"epoch {epoch.step} was trained again", trial=live.number)
            worker.send(Continue())
            return
        metric = self._study.objectives[0][0]
        if metric not in epoch.metrics:
            known = ", ".join(sorted(epoch.metrics))
            live.verdict = Verdict(
                "failed", "error", f"The model reports no {metric!r}, the objective. It reports: {known}."
            )
        elif not math.isfinite(epoch.metrics[metric]):
            live.verdict = Verdict("failed", "nan", f"{metric} became {epoch.metrics[metric]} in epoch {epoch.step}.")
        else:
            value = epoch.metrics[metric]
            if epoch.step == live.known and not epoch.replayed:
                self._ledger.event("epoch repeated", f"epoch {epoch.step} was trained again", trial=live.number)
            if epoch.step > live.known:
                self._ledger.epoch(live.id, epoch, value)
                self._observer.epoch(f"trial {live.number}", epoch.step, self._study.search.epochs, value)
            if self._pruning.stops(live):
                live.verdict = Verdict("pruned", message=f"stopped after epoch {epoch.step}")
        if live.verdict is None and epoch.step < self._study.search.epochs:
            self._interrupt(live)
        worker.send(Stop(live.verdict.outcome) if live.verdict else Continue())

    def _interrupt(self, live: LiveTrial) -> bool:
        """Mark `live` as interrupted if the study is to stop; tell whether it is."""
        if self._stopping and live.verdict is None:
            live.verdict = Verdict("interrupted", message=self._stopping)
        return live.verdict is not None and live.verdict.outcome == "interrupted"

    # ------------------------------------------------------------------ how a trial ends

    def _conclude(self, live: LiveTrial, finished: Finished) -> None:
        """The worker is done with `live`: complete, unless something was decided on the way."""
        metrics = live.metrics | finished.metrics
        verdict = live.verdict or self._completion(live, metrics)
        match verdict.outcome:
            case "interrupted":
                self._ledger.end_attempt(live.id, "interrupted", f"stopped: {verdict.message}")
            case "twin":
                assert live.twin_of is not None
                self._ledger.end_attempt(live.id, "interrupted", str(verdict.message))
                self._outcomes.wait_for(live.twin_of, live.id)
            case _:
                self._outcomes.settle(live.id, verdict, metrics, objective_values(self._study, live, metrics))

    def _completion(self, live: LiveTrial, metrics: dict[str, float]) -> Verdict:
        if live.step == 0:
            return Verdict("failed", "error", "The family's own fit ended without reporting an epoch.")
        missing = [name for name, _ in self._study.objectives if objective_value(name, live, metrics) is None]
        if missing:
            return Verdict("failed", "error", f"The objective {missing[0]!r} is not known of this architecture.")
        return Verdict("complete")

    def _fail(self, live: LiveTrial, failed: Failed) -> None:
        if live.verdict is not None and live.verdict.outcome != "interrupted":
            self._conclude(live, Finished({}))  # it was decided before the worker broke
            return
        if failed.kind == "killed" and self._try_again(live):
            self._ledger.end_attempt(live.id, "lost", failed.message)
            self._ledger.event("worker lost", failed.message, trial=live.number)
            self._observer.note(f"Trial {live.number}: {failed.message} It goes on from its last epoch.")
            self._waiting.append(self._ledger.get_trial(live.id))
            return
        if failed.kind == "disk":
            self._ledger.end_attempt(live.id, "interrupted", failed.message)
            raise DiskFull(f"trial {live.number}", self._files.checkpoint(live.number).parent)
        kind = failed.kind
        if kind == "rejected" and live.step:
            kind = "error"  # too late: epochs were spent on it
        self._budget.count(free=kind == "rejected")
        self._outcomes.settle(live.id, Verdict("failed", kind, failed.message, failed.traceback), live.metrics, None)

    def _try_again(self, live: LiveTrial) -> bool:
        """A worker killed from outside may not be the candidate's fault; three times without an epoch's progress is."""
        progress = max(live.step, live.known)
        lost = self._lost_at.setdefault(live.number, [])
        lost.append(progress)
        return lost.count(progress) < TRIES

    def _show(self) -> None:
        if self._showing.is_due():
            self._observer.stands(self.standing())

    def _write(self) -> None:
        if self._renewing.is_due():
            self._ledger.renew()
        if self._writing.is_due() or self._outcomes.unwritten:
            self._flush()

    def _flush(self) -> None:
        self._ledger.flush()
        self._outcomes.written()
        self._writing.done()
