"""Orders that build again what a trial built: to train it once more, to time it, to export it."""

from __future__ import annotations

from pathlib import Path

from nas.conversation import Evaluate, Start
from nas.data_card import DataCard
from nas.errors import BadInput
from nas.search.origin import data_of
from nas.search.preparing import with_families
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
    return Evaluate(
        trial=trial.number,
        family=trial.family,
        data=card,
        task=study.task.kind,
        seed=study.search.seed,
        epochs=study.search.epochs,
        horizon=study.search.epochs,
        checkpoint="",
        base=base,
        params=trial.params,
        encoders=study.space.encoders,
        checkpoints=study.space.checkpoints,
        start=start,
    )


def order_of(study: StudyRecord, trial: TrialRecord) -> Evaluate:
    """Return the same from what is stored of a study that nobody holds.

    Raises:
        BadInput: The study was not launched from a file, so that nothing of it can be built.
    """
    if study.file is None or study.data is None or trial.family is None:
        raise BadInput(f"Study {study.name!r} was not launched from a study file: its architectures cannot be built.")
    card = data_of(study)
    file = parse_study(study.file, path=f"the stored file of study {study.name!r}", base=Path(study.base))
    return order_again(with_families(file, card), trial, card, study.base)
