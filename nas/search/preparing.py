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
    encoders = encoders_of(families, study.space.encoders, card)
    return study.model_copy(
        update={"space": study.space.model_copy(update={"families": families, "encoders": encoders})}
    )


def encoders_of(
    families: tuple[str, ...],
    named: dict[str, tuple[str, ...]],
    card: DataCard,
    searched: frozenset[str] = frozenset(),
) -> dict[str, tuple[str, ...]]:
    """Return, for each of several inputs, what it may be encoded by, if one of the `families` joins inputs.

    Args:
        families: Of encoders, as in a study file.
        named: What the study file has under ``space.encoders``.
        card: The prepared data.
        searched: Of a study that was searched, every family whose code it stood on: no other one is given.

    Raises:
        BadInput: What is named does not fit.
    """
    joins = any(name not in catalogue.families or modality(name) == "several" for name in families)
    chosen = choose_encoders(named, card) if joins or named else {}
    if not searched:
        return chosen
    known = {name: tuple(family for family in able if family in searched) for name, able in chosen.items()}
    return {name: able for name, able in known.items() if able}
