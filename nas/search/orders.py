"""Orders that build again what a trial built: to train it once more, to time it, to export it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nas.conversation import Evaluate, Start
from nas.data_card import DataCard
from nas.errors import BadInput
from nas.search.origin import data_of
from nas.search.preparing import encoders_of
from nas.store.records import StudyRecord, TrialRecord
from nas.study_file import Study, parse_study


def order_again(study: Study, trial: TrialRecord, card: DataCard, base: str, start: Start | None = None) -> Evaluate:
    """Return the order that trains once more what `trial` built, as it was trained; seed and file are yet to be set.

    Args:
        study: The checked study file, with its families.
        trial: Which one.
        card: The prepared data.
        base: The folder that relative paths in the study file start from.
        start: The encoder that it starts from, if there is one.
    """
    assert trial.family is not None
    return replace(_order(study, trial.number, trial.family, card, base, start), params=trial.params)


def dry_order(study: Study, trial: int, family: str, card: DataCard, base: str, start: Start | None = None) -> Evaluate:
    """Return the order that builds a member of `family` as it is asked for: whoever answers may have it skipped."""
    return replace(_order(study, trial, family, card, base, start), epochs=1, dry=True)


def _order(study: Study, trial: int, family: str, card: DataCard, base: str, start: Start | None) -> Evaluate:
    return Evaluate(
        trial=trial,
        family=family,
        data=card,
        task=study.task.kind,
        seed=study.search.seed,
        epochs=study.search.epochs,
        horizon=study.search.epochs,
        checkpoint="",
        base=base,
        encoders=study.space.encoders,
        checkpoints=study.space.checkpoints,
        start=start,
    )


def order_of(study: StudyRecord, trial: TrialRecord) -> Evaluate:
    """Return the same from what is stored of a study that nobody holds.

    Families are those that were searched, whatever the catalogue of today, or another study's encoder to start from,
    would come to.

    Raises:
        BadInput: The study was not launched from a file, so that nothing of it can be built.
    """
    file = stored_file(study)
    if study.data is None or trial.family is None:
        raise _not_launched(study)
    card = data_of(study)
    searched = frozenset(name for session in study.sessions for name in session.space_fingerprints)
    encoders = encoders_of((trial.family,), file.space.encoders, card, searched)
    space = file.space.model_copy(update={"families": (trial.family,), "encoders": encoders})
    return order_again(file.model_copy(update={"space": space}), trial, card, study.base)


def stored_file(study: StudyRecord) -> Study:
    """Return the study file that `study` was launched from, as it was then.

    Raises:
        BadInput: It was launched from none.
    """
    if study.file is None:
        raise _not_launched(study)
    return parse_study(study.file, path=f"the stored file of study {study.name!r}", base=Path(study.base))


def _not_launched(study: StudyRecord) -> BadInput:
    return BadInput(f"Study {study.name!r} was not launched from a study file: its architectures cannot be built.")
