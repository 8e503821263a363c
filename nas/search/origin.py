"""Another study's encoder to start from: which one it is, whether it can be, and its weights.

It is looked up before anything slow begins; what the new study's data have to be is checked as soon as they are there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from nas.conversation import Start
from nas.data_card import DataCard, Input
from nas.errors import BadInput, NoneComplete, NoSuchTrial, NotFound, WeightsNotKept
from nas.ranking import ranking_of
from nas.search.files import StudyFiles
from nas.store import queries
from nas.store.engine import reading_from
from nas.store.evaluation_records import EvaluationRecord
from nas.store.files import files_root
from nas.store.records import StudyRecord, TrialRecord

KEY = "space.start_from"


@dataclass(frozen=True, slots=True)
class Origin:
    """An encoder to start from, and the data it was trained on."""

    start: Start
    data: DataCard

    def refuse_other_inputs(self, card: DataCard) -> None:
        """Refuse `card` if its examples are not what the encoder takes.

        Raises:
            BadInput: Inputs differ in name, kind, shape or vocabulary; or texts become other tokens.
        """
        for name in dict.fromkeys((*self.data.inputs, *card.inputs)):
            old, new = self.data.inputs.get(name), card.inputs.get(name)
            if old is None or new is None or _form(old) != _form(new):
                remedy = _same_tokens(self.data, name, old) if old and new and old.kind == new.kind == "text" else ""
                raise BadInput(
                    f"{KEY}: the encoder of {self.start.name} was trained on other inputs than {card.source} gives: "
                    f"{name!r} was {_words(old)} and is {_words(new)}.{remedy}"
                )
            if old.kind == "text" and _tokenizer(self.data, name) != _tokenizer(card, name):
                raise BadInput(
                    f"{KEY}: words would become other tokens than those that the encoder of {self.start.name} knows."
                    + _same_tokens(self.data, name, old)
                )


def find_origin(url: str, name: str | None, kept: Path | None = None) -> Origin | None:
    """Return what ``"STUDY"`` (its best trial) or ``"STUDY/TRIAL"`` in the database at `url` is; ``None`` for none.

    Args:
        url: The database.
        name: As in a study file.
        kept: Where a copy of the weights lies, if one was made already.

    Raises:
        BadInput: There is no such study or trial, it is not complete, or its weights are not kept.
    """
    if name is None:
        return None
    study_name, _, number = name.partition("/")
    try:
        with reading_from(url) as connection:
            study = queries.study(connection, study_name)
            trials = queries.trials(connection, study.id)
            evaluations = queries.evaluations(connection, study.id)
        trial = _trial(study, trials, int(number)) if number else _best(study, trials, evaluations)
        if trial.duplicate_of is not None:
            trial = trials[trial.duplicate_of]  # who was trained
        files = StudyFiles(files_root(url), study.id)
        weights = kept if kept is not None and kept.exists() else files.checkpoint(trial.number)
        if not weights.exists():
            remedy = "Start from one of these, or run that study again."
            raise WeightsNotKept(study.name, trial.number, files.with_checkpoint(len(trials)), remedy)
    except NotFound as error:  # what a study file says cannot be used
        raise BadInput(f"{KEY}: {error}") from None
    return Origin(start_of(study, trial, weights), data_of(study))


def keep_weights(start: Start, path: Path) -> Start:
    """Copy the weights of `start` to `path`, unless they are that file; return what is to be started from then."""
    if Path(start.weights) != path:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        shutil.copyfile(start.weights, temporary)
        name_of(path).write_text(start.name, encoding="utf-8")  # first: weights without a name are nobody's
        temporary.replace(path)
    return replace(start, weights=str(path))


def name_of(weights: Path) -> Path:
    """Return where it stands which trial the copied `weights` are of."""
    return weights.with_suffix(".txt")


def _best(study: StudyRecord, trials: list[TrialRecord], evaluations: list[EvaluationRecord]) -> TrialRecord:
    ranked = ranking_of(study, trials, evaluations)
    if not ranked:
        raise NoneComplete(study.name, "there is no encoder to start from.")
    return ranked[0].trial


def _trial(study: StudyRecord, trials: list[TrialRecord], number: int) -> TrialRecord:
    if number >= len(trials):
        raise NoSuchTrial(study.name, number, len(trials))
    if trials[number].outcome != "complete":
        raise BadInput(
            f"{KEY}: trial {number} of {study.name!r} is {trials[number].outcome or 'unfinished'}, not complete. "
            f"Leave its number out to start from the best one."
        )
    return trials[number]


def start_of(study: StudyRecord, trial: TrialRecord, weights: Path) -> Start:
    """Return the encoder that `trial` trained as one to go on from; `weights` is its checkpoint."""
    family = trial.family or ""
    prefix = f"{family.rpartition(':')[2]}/"
    params = {name: value for name, value in trial.params.items() if name.startswith(prefix)}
    source, colon, attribute = family.rpartition(":")
    if source.endswith(".py"):  # it starts from that study's folder
        family = f"{Path(study.base, source).resolve()}{colon}{attribute}"
    return Start(f"{study.name}/{trial.number}", family, params, str(weights))


def data_of(study: StudyRecord) -> DataCard:
    """Return what is stored of the data that `study` was trained on.

    Raises:
        BadInput: It was written by an older version.
    """
    try:
        return TypeAdapter(DataCard).validate_python(study.data)
    except ValidationError:
        raise BadInput(
            f"What data {study.name!r} was trained on is not known: it is of an older version. Train it anew."
        ) from None


def _form(given: Input) -> tuple[object, ...]:
    """Return what an encoder depends on; means and deviations may differ."""
    return (given.kind, given.shape, given.vocabulary, given.categories, given.sample_rate)


def _words(given: Input | None) -> str:
    if given is None:
        return "not there"
    words = f", {given.vocabulary} words" if given.kind == "text" else ""
    return f"{given.kind} {given.shape}{words}"


def _tokenizer_file(card: DataCard, name: str) -> Path:
    return Path(card.folder) / f"{name}_tokenizer.json"


def _tokenizer(card: DataCard, name: str) -> str | None:
    path = _tokenizer_file(card, name)
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _same_tokens(card: DataCard, name: str, given: Input) -> str:
    """Return what to write into a study file for texts to become the tokens of `card`."""
    return f' Under [data.text] write tokenizer = "{_tokenizer_file(card, name)}" and length = {given.shape[0]}.'
