"""What has to be known before the first trial: the data, prepared, and the families that fit them."""

from __future__ import annotations

from pathlib import Path

from nas import catalogue
from nas.conversation import Prepare, Prepared
from nas.data_card import DataCard
from nas.errors import DataError
from nas.search.asking import CannotBeDone, ask
from nas.search.fit import choose_encoders, choose_families, modality
from nas.search.observer import Observer
from nas.search.origin import Origin
from nas.search.pool.pool import Pool
from nas.search.stopping import StopSignals
from nas.study_file import Study


def prepare_data(
    study: Study, pool: Pool, folder: Path, base: Path, observer: Observer, signals: StopSignals | None = None
) -> DataCard:
    """Have a worker load, check and split the data; return its card.

    Raises:
        DataError: The data cannot be searched on.
        Interrupted: Somebody asked to stop meanwhile.
        NASError: No worker starts.
    """
    order = Prepare(study.data.model_dump_json(), study.task.kind, str(folder), str(base))
    stopped = "Stopped while the data was being prepared: no trial was begun."
    try:
        answer = ask(pool, order, signals, stopped=stopped)
    except CannotBeDone as error:
        source = study.data.source  # the message begins with it, unless it was not the data's
        raise DataError(f"data.source = {source!r}: {str(error).removeprefix(f'{source}: ')}") from None
    assert isinstance(answer, Prepared)
    for note in answer.notes:
        observer.note(note)
    return answer.card


def with_families(study: Study, card: DataCard, origin: Origin | None = None) -> Study:
    """Return `study` with the families that are searched, where its file leaves them to the data and the task.

    One that starts from another study's encoder has that one's family.

    Raises:
        BadInput: A family that is named does not fit; or none does; or the encoder was trained on other inputs.
    """
    if origin is not None:
        origin.refuse_other_inputs(card)
    named = study.space.families if origin is None else (origin.start.family,)
    families = choose_families(named, card, study.task.kind)
    joins = any(name not in catalogue.families or modality(name) == "several" for name in families)
    encoders = choose_encoders(study.space.encoders, card) if joins or study.space.encoders else {}
    return study.model_copy(
        update={"space": study.space.model_copy(update={"families": families, "encoders": encoders})}
    )
