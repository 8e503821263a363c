"""How trials end: told to Optuna and the store, replayed for duplicates, and with which weights are kept."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence

from optuna.trial import TrialState

from nas.errors import StudyFailed
from nas.ranking import rank
from nas.search.files import StudyFiles
from nas.search.observer import Observer
from nas.search.progress import outcome_line
from nas.search.trial import LiveTrial, Verdict
from nas.store.ledger import Ledger
from nas.store.records import TrialRecord
from nas.study_file import COSTS, Study

SAME_FAILURES = 5
"""So many first trials failing in the same way end a study: the mistake is in the study, not in the candidates."""
KEEP = 10
"""Of how many of the best trials the weights are kept, beside those that are raced: checkpoints eat disks."""


class Outcomes:
    """Settles trials.

    Attributes:
        unwritten: Whether an outcome was settled since `written` was called: it should be written soon.
    """

    def __init__(self, study: Study, ledger: Ledger, files: StudyFiles, observer: Observer) -> None:
        self._study, self._ledger, self._files, self._observer = study, ledger, files, observer
        self._twins: defaultdict[int, list[int]] = defaultdict(list)  # number ▶ ids of the trials that wait for it
        self._maximize = study.objectives[0][1] == "maximize"
        trained = [trial for trial in ledger.study.get_trials(deepcopy=False) if trial.state.is_finished()]
        self._scores: dict[int, float] = {}
        self._foremost: list[TrialRecord] = []  # whom a race would be between, and the frontier
        records = [ledger.trial_record(trial._trial_id) for trial in trained]
        self._take_in([record for record in records if _is_scored(record)])
        self._kept = self._worth_keeping()
        self._useless: set[int] = set()  # numbers whose checkpoints may go as soon as their outcomes are written
        self._first_failures = _failures_of(records)  # None once a trial has not failed
        self.unwritten = False

    def best(self, count: int) -> list[int]:
        """Return the numbers of the `count` best complete trials, best first."""
        choose = heapq.nlargest if self._maximize else heapq.nsmallest
        return choose(count, self._scores, key=self._scores.__getitem__)

    def _take_in(self, records: Sequence[TrialRecord]) -> None:
        """Take in trials that are complete and no duplicates."""
        for record in records:
            self._scores[record.number] = (record.values or ())[0]
        directions = [direction for _, direction in self._study.objectives]
        last = 1 if len(directions) > 1 else 0  # the front whose members are kept, however many they are
        ranked = rank([*self._foremost, *records], directions)  # type: ignore[arg-type]
        self._foremost = [each.trial for each in ranked if each.place <= self._study.race.top or each.front <= last]

    def _worth_keeping(self) -> set[int]:
        """Return whose weights are kept: the best, whoever else may come first in the race, and the frontier.

        A race is between architectures: of those that were trained several times the best training counts. Whoever
        leaves the foremost of one objective, or the frontier, never comes back to it.
        """
        foremost = {record.number for record in self._foremost}
        return {*self.best(KEEP), *foremost, *({0} & self._scores.keys())}

    def score(self, number: int) -> float:
        """Return the first objective's value of a complete trial."""
        return self._scores[number]

    def settle(
        self, trial_id: int, verdict: Verdict, metrics: dict[str, float], values: tuple[float, ...] | None
    ) -> None:
        """Give a trial its outcome, and then those that wait for it.

        Args:
            trial_id: Optuna's id of the trial.
            verdict: One of the outcomes that are final.
            metrics: Of the last epoch.
            values: One for each objective; dropped where the outcome has no place for them.

        Raises:
            StudyFailed: It was one too many of the first trials that failed in the same way.
        """
        state = _state(verdict, len(self._study.objectives))
        values = values if state == TrialState.COMPLETE else None  # of a pruned one Optuna takes the last reported
        trial = self._ledger.get_trial(trial_id)
        study = self._ledger.study
        study.sampler.after_trial(study, trial, state, values)
        self._ledger.finish(
            trial_id,
            state=state,
            values=values,
            outcome=verdict.outcome,  # type: ignore[arg-type]  # the two others are not final
            kind=verdict.kind,
            message=verdict.message,
            traceback=verdict.traceback,
            metrics=metrics,
        )
        self.unwritten = True
        record = self._ledger.trial_record(trial_id)
        if _is_scored(record):
            self._take_in([record])
        best = self._worth_keeping()
        self._useless |= ({trial.number} | self._kept) - best
        self._kept = best
        self._observer.ended(f"trial {record.number}", outcome_line(record))
        self._replay(trial.number)
        self._judge_the_beginning(record)

    def written(self) -> None:
        """Everything settled so far is in the database: weights that are not among the best can be deleted now."""
        for number in self._useless:
            self._files.forget(self._files.checkpoint(number))
        self._useless.clear()
        self.unwritten = False

    def wait_for(self, number: int, trial_id: int) -> None:
        """Let a duplicate have the outcome of trial `number`, now or when it has one."""
        self._twins[number].append(trial_id)
        self._replay(number)

    def _replay(self, number: int) -> None:
        """Give those that wait for trial `number` its outcome, if it has one: no epoch is spent twice."""
        if number not in self._twins:
            return
        study_id = self._ledger.study._study_id
        original_id = self._ledger.get_trial_id_from_study_id_trial_number(study_id, number)
        original = self._ledger.trial_record(original_id)
        if original.outcome is None:
            return
        reported = self._ledger.get_trial(original_id).intermediate_values
        for trial_id in self._twins.pop(number):
            for step, value in reported.items():
                self._ledger.set_trial_intermediate_value(trial_id, step, value)
            message = f"the same architecture and training choices as trial {number}"
            verdict = Verdict(original.outcome, original.kind, message)
            self.settle(trial_id, verdict, original.metrics, original.values)

    def _judge_the_beginning(self, record: TrialRecord) -> None:
        """Stop a study whose first trials all fail alike."""
        failures = _failures_of([record])
        if self._first_failures is None or failures is None:
            self._first_failures = None
            return
        self._first_failures += failures
        latest = self._first_failures[-SAME_FAILURES:]
        if not failures or latest.count(failures[0]) < SAME_FAILURES:
            return
        message = f"All trials so far failed, the last {SAME_FAILURES} in the same way.\n{failures[0]}"
        self._ledger.event("stopped", message)
        hint = (
            f"Mend the cause in the data or the space, then go on with `nas resume {self._study.name}`; "
            "if it is in the study file, launch that under another name."
        )
        raise StudyFailed("\n".join(part for part in (message, (record.traceback or "").rstrip(), hint) if part))


def _is_scored(record: TrialRecord) -> bool:
    """Whether it was trained to its end, and is no duplicate."""
    return record.outcome == "complete" and record.values is not None and record.duplicate_of is None


def _failures_of(records: Sequence[TrialRecord]) -> list[str] | None:
    """Return why each of `records` failed, or ``None`` if one did not. Those no epoch was meant for say nothing."""
    meant = [record for record in records if record.duplicate_of is None and record.kind != "rejected"]
    if any(record.outcome != "failed" for record in meant):
        return None
    return [f"{record.kind}: {record.message}" for record in meant]


def objective_value(name: str, live: LiveTrial, metrics: dict[str, float]) -> float | None:
    """Return the value of objective `name`: a metric of the last epoch, or a cost; ``None`` if it is not known."""
    if name in metrics:
        return metrics[name]
    if name == "latency_ms" and live.latency is not None:
        return live.latency.median_ms
    cost = getattr(live.architecture.cost, name, None) if name in COSTS and live.architecture is not None else None
    return None if cost is None else float(cost)


def objective_values(study: Study, live: LiveTrial, metrics: dict[str, float]) -> tuple[float, ...] | None:
    """Return the values of all objectives, or ``None`` where one is unknown: Optuna wants all or none."""
    values = [objective_value(name, live, metrics) for name, _ in study.objectives]
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else None


def _state(verdict: Verdict, objectives: int) -> TrialState:
    """Return Optuna's state for a verdict. Samplers learn nothing from FAIL, so a rejected candidate is PRUNED.

    One that was pruned on the first of several objectives is FAIL all the same: Optuna's TPE cannot place half a trial.
    """
    if verdict.outcome == "complete":
        return TrialState.COMPLETE
    taught = verdict.kind == "rejected" or (verdict.outcome == "pruned" and objectives == 1)
    return TrialState.PRUNED if taught else TrialState.FAIL
