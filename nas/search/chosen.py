"""Which trained model is meant: what `nas encode` and `nas export` begin with. It reads; nothing is built here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.conversation import Evaluate
from nas.data.options import DataSection
from nas.errors import BadInput, NoneComplete, NoSuchTrial, NotFound, WeightsNotKept
from nas.ranking import Bar, Ranked, bar, best_first, places_of, ranking_of
from nas.search.files import StudyFiles
from nas.search.orders import order_of, stored_file
from nas.store import queries
from nas.store.engine import reading_from, storage_url
from nas.store.evaluation_records import EvaluationRecord, LookRecord
from nas.store.files import files_root
from nas.store.records import State, StudyRecord, TrialDetail, TrialRecord, can_be_fine_tuned, state, unfinished

SHORTEST = 6
"""Digits of a fingerprint that may stand for all of it."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of trained numbers (see `nas.training.checkpoint`) and, in `words`, which training they come from."""

    path: Path
    words: str
    tuned: EvaluationRecord | None = None
    """The training of fine-tuning that they are of, if they are."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One trained model: how to build it, where its weights are, and all that is known of it.

    `ranked` is its place among so many `architectures`, ``None`` for one that was not trained to the end. `data` is
    the study file's ``[data]``; `folder` is where prepared data lie, under this database. `detail` tells of the trial
    whose weights they are.
    """

    study: StudyRecord
    detail: TrialDetail
    ranked: Ranked | None
    architectures: int
    bar: Bar | None
    order: Evaluate
    data: DataSection
    folder: Path
    weights: Weights
    looks: tuple[LookRecord, ...] = ()
    """What the test split said of this architecture, the last time last."""
    why: str = ""
    """Which one it is and why this one, in a sentence or two."""

    @property
    def trial(self) -> TrialRecord:
        """The trial whose weights these are."""
        return self.detail.trial

    @property
    def state(self) -> State:
        """How its study stands; what was trained outside the search makes no difference to that."""
        return state(self.study)

    @property
    def counts(self) -> dict[str, int]:
        """The study's trials by outcome; those without one are ``running``, or ``interrupted`` where nobody runs it."""
        left = unfinished(self.study)
        return {left if kind == "running" else kind: number for kind, number in self.study.counts.items()}

    @property
    def fingerprint(self) -> str:
        """The architecture's, 64 hexadecimal digits."""
        assert self.trial.fingerprint is not None
        return self.trial.fingerprint


def choose(
    name: str, *, storage: str | None = None, trial: int | None = None, architecture: str | None = None
) -> Chosen:
    """Return the model of study `name` that is meant: a trial's, an architecture's, or the best one's.

    Args:
        name: The study's name.
        storage: URL or path of the database.
        trial: A trial's number. One that repeated an architecture stands for the one that trained it.
        architecture: A fingerprint, or at least `SHORTEST` digits that no other one begins with.

    Raises:
        NotFound: No such study, trial or architecture; or its weights are not kept.
        BadInput: Both a trial and an architecture are given, the digits are too few or those of several architectures,
            or the study was not launched from a file.
    """
    if trial is not None and architecture is not None:
        raise BadInput("--trial and --architecture both say which model is meant: give one of them.")
    url = storage_url(storage)
    root = files_root(url)
    with reading_from(url) as connection:
        study = queries.study(connection, name)
        files = StudyFiles(root, study.id)
        trials = queries.trials(connection, study.id)
        evaluations = queries.evaluations(connection, study.id)
        looks = queries.looks(connection, study.id)
        ranking = ranking_of(study, trials, evaluations)
        tuned = _tuned(study, ranking, evaluations, files)
        if trial is not None:
            candidates = [_numbered(study, trials, trial)]
        elif architecture is not None:
            candidates = _trainings(
                trials,
                ranking,
                whole_fingerprint(name, [trial.fingerprint for trial in trials if trial.fingerprint], architecture),
            )
        else:
            candidates = [*(trials[record.trial] for record in tuned[:1]), _best(study, ranking)]
        meant, weights = _with_weights(study, trials, candidates, tuned, files)
        detail = queries.trial(connection, study.id, meant.number)
    order = order_of(study, meant)
    place = next((entry for entry in ranking if entry.trial.fingerprint == meant.fingerprint), None)
    seen = tuple(look for look in looks if look.trial == meant.number)
    asked = trial is not None or architecture is not None
    why = f"{_why(meant, place, ranking, weights, asked)} Weights of {weights.words}."
    data = stored_file(study).data
    return Chosen(study, detail, place, len(ranking), bar(study), order, data, root / "data", weights, seen, why)


def _why(meant: TrialRecord, place: Ranked | None, ranking: list[Ranked], weights: Weights, asked: bool) -> str:
    """Return "Trial 3: the best that was fine-tuned; trial 13 leads the ranking (--trial 13)."."""
    one = f"Trial {meant.number}"
    if asked:
        return f"{one}, as asked."
    if place is None or place.place > 1:
        leader = ranking[0].trial.number if ranking else None
        other = "" if leader is None else f"; trial {leader} leads the ranking (--trial {leader})"
        return f"{one}: the best that was fine-tuned{other}."
    return f"{one}: first in the ranking{', and the best that was fine-tuned' if weights.tuned else ''}."


def _with_weights(
    study: StudyRecord,
    trials: list[TrialRecord],
    candidates: list[TrialRecord],
    tuned: Sequence[EvaluationRecord],
    files: StudyFiles,
) -> tuple[TrialRecord, Weights]:
    """Return the best fine-tuned of `candidates`, or else the first whose weights the search has kept, and the weights.

    `tuned` are those of `_tuned`. This is the one place that knows where the weights of an architecture may lie.
    """
    numbers = {trial.number for trial in candidates}
    if (first := next((record for record in tuned if record.trial in numbers), None)) is not None:
        best = f"the best of {len(first.curve)} epochs, {study.objectives[0]} {first.score:.4f}"
        words = f"fine-tuning: training {first.number} of trial {first.trial}, {best}"
        return trials[first.trial], Weights(files.kept(first.number), words, first)
    for trial in candidates:
        if (path := files.checkpoint(trial.number)).exists():
            epochs = "1 epoch" if trial.epochs == 1 else f"{trial.epochs} epochs"
            return trial, Weights(path, f"the search: trial {trial.number}, one training of {epochs} with one seed")
    kept = files.with_checkpoint(len(trials))
    remedy = f"--trial takes one of them. {_trains(study, candidates[0])}"
    raise WeightsNotKept(study.name, candidates[0].number, kept, remedy)


def _trains(study: StudyRecord, trial: TrialRecord) -> str:
    """Return what gives `trial` weights again."""
    if trial.outcome != "complete" or not can_be_fine_tuned(study):
        return ""
    which = f"{shlex.quote(study.name)} --architecture {(trial.fingerprint or '')[:8]}"
    return f"`nas finetune {which}` trains this architecture again, from scratch."


def _tuned(
    study: StudyRecord, ranking: Sequence[Ranked], evaluations: Sequence[EvaluationRecord], files: StudyFiles
) -> list[EvaluationRecord]:
    """Return the trainings of fine-tuning whose weights are kept, best first."""
    ordered = best_first(evaluations, places_of(ranking), study.directions[0])
    return [record for record in ordered if files.kept(record.number).exists()]


def _numbered(study: StudyRecord, trials: list[TrialRecord], number: int) -> TrialRecord:
    if number >= len(trials):
        raise NoSuchTrial(study.name, number, len(trials))
    found = trials[number]
    if found.duplicate_of is not None:
        found = trials[found.duplicate_of]
    if found.fingerprint is None:
        why = "is not built yet" if found.outcome is None else f"is {found.outcome}: it was never built"
        raise NotFound(
            f"Trial {number} of {study.name!r} {why}. `nas rank {study.name}` lists those that were trained."
        )
    return found


def _best(study: StudyRecord, ranking: list[Ranked]) -> TrialRecord:
    if not ranking:
        raise NoneComplete(study.name, "there is no best one. --trial names one.")
    return ranking[0].trial


def whole_fingerprint(name: str, known: Sequence[str], digits: str) -> str:
    """Return which of the `known` fingerprints of study `name` begins with `digits`.

    Raises:
        BadInput: The digits are none, too few, or those of several.
        NotFound: None begins with them.
    """
    digits, known = digits.lower(), list(dict.fromkeys(known))
    there = f"There are: {', '.join(each[:12] for each in known[:5])}{' …' if len(known) > 5 else ''}."
    if not re.fullmatch(r"[0-9a-f]{1,64}", digits) or len(digits) < SHORTEST:
        raise BadInput(
            f"--architecture takes a fingerprint, or its first {SHORTEST} hexadecimal digits or more. "
            f"Received: {digits!r}. {there}"
        )
    found = [each for each in known if each.startswith(digits)]
    if not found:
        raise NotFound(f"No architecture of {name!r} begins with {digits}. {there}")
    if len(found) > 1:
        raise BadInput(f"{len(found)} architectures begin with {digits}: {', '.join(each[:12] for each in found)}.")
    return found[0]


def _trainings(trials: list[TrialRecord], ranking: list[Ranked], fingerprint: str) -> list[TrialRecord]:
    """Return all trainings of one architecture, the best one first, those that repeated another one left out."""
    best = [entry.trial for entry in ranking if entry.trial.fingerprint == fingerprint]
    others = [trial for trial in trials if trial.fingerprint == fingerprint and trial.duplicate_of is None]
    return [*best, *(trial for trial in others if trial not in best)]
