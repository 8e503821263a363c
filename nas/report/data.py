"""Everything a page about one study shows, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nas.architecture import Node
from nas.ranking import Ranked, ranking_of
from nas.report import words
from nas.store.evaluation_records import EmbeddingRecord, EpochRecord, EvaluationRecord, LookRecord
from nas.store.records import EventRecord, LatencyRecord, StudyRecord, TrialRecord

if TYPE_CHECKING:
    from nas.store.engine import Source

DRAWN_ARCHITECTURES = 4
COUNTED_ARCHITECTURES = 60
"""Graphs read to compare the operators of the best with those of all: the best ten and an even sample of the others."""
HIGHLIGHTED_CURVES = 5
DRAWN_CURVES = 150
SHOWN = 500
"""Architectures of which a page tells everything."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """A study as far as a page needs it: records only."""

    study: StudyRecord
    trials: tuple[TrialRecord, ...]
    curves: Mapping[int, tuple[EpochRecord, ...]]
    """By trial number; metrics at least of the best `HIGHLIGHTED_CURVES`."""
    graphs: Mapping[int, tuple[Node, ...]]
    """By trial number; at least those of the best `DRAWN_ARCHITECTURES`. Empty where the architecture is unknown."""
    events: tuple[EventRecord, ...]
    evaluations: tuple[EvaluationRecord, ...] = ()
    """Trainings outside the search."""
    storage: str | None = None
    """The database as a command line names it, without a password; ``None`` for the default one."""
    looks: tuple[LookRecord, ...] = ()
    """Measurements on the test split."""
    latencies: Mapping[str, tuple[LatencyRecord, ...]] = field(default_factory=dict)
    """By fingerprint; at least those of the best."""
    embeddings: tuple[EmbeddingRecord, ...] = ()
    """What vectors were measured to be worth, the oldest first."""


def curves_to_draw(trials: tuple[TrialRecord, ...], ranked: Sequence[Ranked]) -> list[int]:
    """Return the numbers of the trials whose curves a page shows, ascending: the best and a sample of the rest.

    Duplicates are left out: their curve is that of another trial.
    """
    best = [entry.trial.number for entry in ranked[:HIGHLIGHTED_CURVES]]
    trained = [trial.number for trial in trials if trial.epochs and trial.duplicate_of is None]
    others = [number for number in trained if number not in best]
    return sorted([*best, *words.thinned(others, DRAWN_CURVES - len(best))])


def graphs_to_read(ranked: Sequence[Ranked]) -> list[int]:
    """Return the numbers of the trials whose architectures are drawn or counted."""
    numbers = [entry.trial.number for entry in ranked]
    return sorted({*numbers[:10], *words.thinned(numbers[10:], COUNTED_ARCHITECTURES - 10)})


def read(source: Source, name: str, storage: str | None = None) -> ReportData:
    """Read what a page about study `name` needs. Writes nothing; all is of one moment, though the study may be running.

    `storage` names the database in the commands that the page suggests (see `ReportData`).

    Raises:
        NotFound: There is no such study.
        StorageError: The database cannot be read.
    """
    from nas.store import queries
    from nas.store.engine import snapshot

    with snapshot(source) as connection:
        study = queries.study(connection, name)
        trials = tuple(queries.trials(connection, study.id))
        evaluations = tuple(queries.evaluations(connection, study.id))
        ranked = ranking_of(study, trials, evaluations)
        best = [entry.trial.number for entry in ranked[:HIGHLIGHTED_CURVES]]
        fingerprints = [entry.trial.fingerprint for entry in ranked[:SHOWN] if entry.trial.fingerprint]
        return ReportData(
            study=study,
            trials=trials,
            curves={
                **queries.curves(connection, study.id, metrics=False),
                **queries.curves(connection, study.id, best),
            },
            graphs=queries.graphs(connection, study.id, graphs_to_read(ranked)),
            events=tuple(queries.events(connection, study.id)),
            evaluations=evaluations,
            storage=storage,
            looks=tuple(queries.looks(connection, study.id)),
            latencies=queries.latencies(connection, fingerprints),
            embeddings=tuple(queries.embeddings(connection, study.id)),
        )
