"""The runner of trainings outside the search: what each comes to, whatever happens to its worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nas.architecture import Architecture, Cost
from nas.conversation import Built, Epoch, Evaluate, Failed, Finished
from nas.errors import DiskFull
from nas.search.evaluating import Evaluator, Job
from nas.search.orders import order_again
from nas.search.pool.pool import TRIES
from nas.search.pool.simulated import Candidate, SimulatedPool
from nas.search.standing import RaceStanding
from nas.store.evaluation_records import EvaluationRecord
from nas.store.ledger import Ledger
from tests.search.scripts import CARD, Log, noisy, run, session, study_of

STUDY = study_of(trials=3, epochs=4)


class InTurn:
    """Trains trials one after the other, each with seed 0, and remembers what came of them."""

    def __init__(self, ledger: Ledger, trials: list[int], enough: Callable[[EvaluationRecord], str | None]) -> None:
        self._ledger, self._records = ledger, [ledger.trial_record(trial._trial_id) for trial in ledger.study.trials]
        self._enough = enough
        self._left = [record for record in ledger.evaluations.all("race") if record.outcome is None]
        begun = {record.trial for record in ledger.evaluations.all("race")}
        self._trials = [number for number in trials if number not in begun]
        self._running = 0
        self.results: list[EvaluationRecord] = []

    def next(self) -> Job | None:
        if self._left:
            record = self._left.pop(0)
        elif self._trials:
            record = self._ledger.evaluations.begin("race", self._trials.pop(0), seed=0, plan={}, epochs=4)
        else:
            return None
        self._running += 1
        trial = self._records[record.trial]
        order = order_again(STUDY, trial, CARD, "")
        return Job(record.number, order, f"race {record.number}", str(trial.family), trial.fingerprint)

    def enough(self, record: EvaluationRecord) -> str | None:
        return self._enough(record)

    def score(self, record: EvaluationRecord) -> float:
        return record.curve[-1].value if record.curve else math.nan

    def ended(self, record: EvaluationRecord) -> None:
        self._running -= 1
        self.results.append(record)

    @property
    def done(self) -> bool:
        return not (self._left or self._trials or self._running)

    def standing(self) -> RaceStanding:
        return RaceStanding(len(self.results), None, 0, None, None, None)


class Runner:
    """A study of three complete trials, and a runner on it."""

    def __init__(self, folder: Path) -> None:
        run(folder, STUDY)
        self._url = f"sqlite:///{folder / 'nas.db'}"
        self.log = Log()

    def __call__(
        self,
        candidate: Candidate,
        trials: list[int],
        *,
        workers: int = 1,
        stop: Callable[[Log], str | None] = lambda log: None,
        at_once: Callable[[Log], bool] = lambda log: False,
        enough: Callable[[EvaluationRecord], str | None] = lambda record: None,
    ) -> tuple[str | None, list[EvaluationRecord]]:
        """Return why it was stopped, and what the database has then."""
        self.log = log = Log()
        ledger = Ledger.open(self._url, "toy", session())
        evaluator = Evaluator(
            ledger,
            SimulatedPool(candidate, workers),
            metric="val_accuracy",
            observer=log,
            stop_asked=lambda: stop(log),
            stop_at_once=lambda: at_once(log),
        )
        self.jobs = InTurn(ledger, trials, enough)
        try:
            stopped = evaluator.run(self.jobs)
        finally:
            ledger.close("test over")
        again = Ledger.open(self._url, "toy", session())
        found = again.evaluations.all("race")
        again.close("test over")
        return stopped, found


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    return Runner(tmp_path)


def built(order: Evaluate) -> Built:
    """The architecture that the trial had."""
    return Built(Architecture(f"{order.family}-{order.params['x']}", (), Cost(1, 1, 1)), {"batch_size": 1})


def test_a_training_comes_to_what_its_last_epoch_did(runner):
    stopped, found = runner(noisy, [0, 2], workers=2)
    assert stopped is None
    assert [(record.trial, record.outcome, record.attempts) for record in found] == [
        (0, "complete", 1),
        (2, "complete", 1),
    ]
    for record in found:
        assert [epoch.step for epoch in record.curve] == [1, 2, 3, 4]
        assert record.score == record.curve[-1].value == record.curve[-1].metrics["val_accuracy"]
        assert record.started <= record.ended
        assert record.seconds == pytest.approx(0.04)
    assert sorted(record.number for record in runner.jobs.results) == [0, 1]
    assert [(label, resumed) for label, _, resumed in runner.log.begun] == [("race 0", False), ("race 1", False)]
    assert runner.log.endings[0][1].startswith(f"{found[0].score:.4f}, cnn, 4 epochs in 0.0 s")


@pytest.mark.parametrize("kind", ["nan", "oom", "timeout", "crash", "error", "rejected"])
def test_one_failure_is_one_outcome_and_the_next_one_begins(runner, kind):
    def candidate(order):
        if order.trial == 0:
            yield Failed(kind, "it broke\nin two", "Traceback …")
        else:
            yield from noisy(order)

    _, found = runner(candidate, [0, 1])
    assert [record.outcome for record in found] == ["failed", "complete"]
    assert (found[0].kind, found[0].message, found[0].traceback) == (kind, "it broke\nin two", "Traceback …")
    assert math.isnan(found[0].score)
    assert runner.log.endings[0] == ("race 0", f"failed ({kind}), cnn, 0 epochs in 0.0 s, it broke")


def test_a_full_disk_is_nobody_s_failure_and_is_gone_on_with(runner):
    def candidate(order):
        yield built(order)
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Failed("disk", "OSError: [Errno 28] No space left on device")

    with pytest.raises(DiskFull, match=r"no space left in .* for the weights of race 0.*make room, then go on"):
        runner(candidate, [0, 1])
    _, found = runner(noisy, [0, 1])
    assert [(record.outcome, record.attempts) for record in found] == [("complete", 2), ("complete", 1)]
    assert [epoch.step for epoch in found[0].curve] == [1, 2, 3, 4]


def test_a_killed_worker_is_tried_again_but_not_for_ever(runner):
    def candidate(order):
        yield built(order)
        yield Epoch(1, {"val_accuracy": 0.5}, 0.1)
        yield Failed("killed", "The worker was killed (SIGKILL).")

    _, found = runner(candidate, [1])
    assert (found[0].outcome, found[0].kind, found[0].attempts) == ("failed", "killed", TRIES)
    assert [epoch.step for epoch in found[0].curve] == [1]
    assert [resumed for _, _, resumed in runner.log.begun] == [False, True, True]
    assert runner.log.notes == ["race 0: The worker was killed (SIGKILL). It goes on from its last epoch."] * 2


def test_a_worker_that_is_killed_after_every_epoch_gets_there_all_the_same(runner):
    reached = [0]

    def candidate(order):
        yield built(order)
        for step in range(1, order.epochs + 1):
            yield Epoch(step, {"val_accuracy": step / 10}, 0.1)
            if step > reached[0] and step < order.epochs:
                reached[0] = step
                yield Failed("killed", "The worker was killed (SIGKILL).")
                return
        yield Finished({})

    _, found = runner(candidate, [1])
    assert (found[0].outcome, found[0].score, found[0].attempts) == ("complete", 0.4, 4)
    assert [epoch.step for epoch in found[0].curve] == [1, 2, 3, 4]
    assert runner.log.epochs == [("race 0", step) for step in (1, 2, 3, 4)]


def test_another_fingerprint_is_a_sentence_and_costs_no_epoch(runner):
    def candidate(order):
        yield Built(Architecture("0123456789ab", (), Cost(1, 1, 1)), {"batch_size": 1})
        raise AssertionError("it was told to train")

    _, found = runner(candidate, [0])
    assert (found[0].outcome, found[0].kind, found[0].curve) == ("failed", "error", ())
    assert found[0].message == (
        "What its params build is another architecture now (01234567, it was cnn-0.5): "
        "the family's code or a library has changed."
    )


@pytest.mark.parametrize("metrics", [{"val_accuracy": math.nan}, {"val_accuracy": math.inf}, {"loss": 0.5}, None])
def test_a_score_that_is_not_finite_is_a_failure(runner, metrics):
    def candidate(order):
        yield built(order)
        if metrics is not None:
            yield Epoch(1, metrics, 0.1)
        yield Finished({})

    _, found = runner(candidate, [0])
    assert (found[0].outcome, found[0].kind) == ("failed", "nan")
    assert found[0].message.startswith("It ended with val_accuracy = ")


def test_a_stop_lets_the_epoch_end_and_what_was_begun_goes_on(runner):
    stopped, found = runner(
        noisy, [0, 1, 2], workers=2, stop=lambda log: "Ctrl-C" if ("race 0", 2) in log.epochs else None
    )
    assert stopped == "Ctrl-C"
    assert [record.outcome for record in found] == [None, None]  # the third was not begun
    assert all(2 <= len(record.curve) < 4 for record in found)
    assert runner.log.notes == ["Stopping: the running epochs are finished and saved. Once more to stop at once."]
    assert runner.jobs.results == []
    before = [len(record.curve) for record in found]
    stopped, found = runner(noisy, [0, 1, 2])
    assert stopped is None
    assert [(record.outcome, record.attempts) for record in found] == [
        ("complete", 2),
        ("complete", 2),
        ("complete", 1),
    ]
    assert [resumed for _, _, resumed in runner.log.begun] == [True, True, False]
    repeated = {("race 0", step) for step in range(1, before[0] + 1)} & set(runner.log.epochs)
    assert not repeated


def test_a_stop_in_the_last_epoch_lets_it_be_complete(runner):
    stopped, found = runner(noisy, [0], stop=lambda log: "SIGTERM" if ("race 0", 4) in log.epochs else None)
    assert stopped == "SIGTERM"
    assert (found[0].outcome, len(found[0].curve)) == ("complete", 4)


def test_when_the_hours_are_over_nobody_needs_to_be_told_how_to_stop(runner):
    stopped, found = runner(noisy, [0, 1], stop=lambda log: "hours" if ("race 0", 1) in log.epochs else None)
    assert (stopped, len(found), found[0].outcome) == ("hours", 1, None)
    assert runner.log.notes == []


def test_a_stop_at_once_waits_for_nothing(runner):
    stop = {"stop": lambda log: "Ctrl-C" if log.begun else None, "at_once": lambda log: bool(log.begun)}
    stopped, found = runner(noisy, [0], **stop)
    assert stopped == "Ctrl-C"
    assert (found[0].outcome, found[0].curve) == (None, ())
    assert runner(noisy, [0])[1][0].outcome == "complete"


def test_a_worker_that_dies_while_it_is_stopped_was_interrupted(runner):
    class Dying(SimulatedPool):
        def messages(self, timeout):
            for worker, message in super().messages(timeout):
                yield worker, Failed("killed", "SIGTERM") if isinstance(message, Finished) else message

    def candidate(order):
        yield from noisy(order)

    ledger = Ledger.open(runner._url, "toy", session())
    log = Log()
    evaluator = Evaluator(
        ledger, Dying(candidate), metric="val_accuracy", observer=log,
        stop_asked=lambda: "SIGTERM" if ("race 0", 1) in log.epochs else None,
    )  # fmt: skip
    assert evaluator.run(InTurn(ledger, [0], lambda record: None)) == "SIGTERM"
    assert ledger.evaluations.get(0).outcome is None
    ledger.close("test over")


def test_enough_is_enough(runner):
    _, found = runner(noisy, [0, 1], enough=lambda record: "no better" if len(record.curve) == 2 else None)
    assert [(record.outcome, len(record.curve)) for record in found] == [("complete", 2)] * 2
