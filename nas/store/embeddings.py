"""What embeddings were measured to be worth: kept with the study, so that a report can tell it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from nas.store.engine import Source, open_for_writing, snapshot
from nas.store.evaluation_records import EmbeddingRecord, Interval, Projection
from nas.store.models import Embedding


def keep(url: str, study_id: int, record: EmbeddingRecord) -> None:
    """Write a measurement. An earlier one of the same vectors is replaced: it can only say the same.

    Raises:
        StorageError: The database cannot be written.
    """
    same = (
        (Embedding.study_id == study_id)
        & (Embedding.trial == record.trial)
        & Embedding.evaluation.is_not_distinct_from(record.evaluation)
        & (Embedding.split == record.split)
        & Embedding.layer.is_not_distinct_from(record.layer)
        & (Embedding.normalised == record.normalised)
    )
    engine = open_for_writing(url, create=False)
    try:
        with engine.begin() as connection:
            connection.execute(delete(Embedding).where(same))
            connection.execute(insert(Embedding), [_row(study_id, record)])
    finally:
        engine.dispose()


def embeddings(source: Source, study_id: int) -> list[EmbeddingRecord]:
    """Return what was measured of a study's embeddings, the oldest first."""
    statement = select(*Embedding.__table__.columns).where(Embedding.study_id == study_id).order_by(Embedding.id)
    with snapshot(source) as connection:
        return [_record(dict(row._mapping)) for row in connection.execute(statement)]


def _row(study_id: int, record: EmbeddingRecord) -> dict[str, Any]:
    points = record.projection
    return {
        "study_id": study_id,
        "trial": record.trial,
        "evaluation": record.evaluation,
        "at": record.at,
        "split": record.split,
        "layer": record.layer,
        "normalised": record.normalised,
        "width": record.width,
        "measures": {
            "neighbours": record.neighbours,
            "knn": [record.knn.value, record.knn.low, record.knn.high],
            "probe": [record.probe.value, record.probe.low, record.probe.high],
            "converged": record.converged,
            "train": record.train,
            "examples": record.examples,
        },
        "projection": {
            "explained": [_short(share) for share in points.explained],
            "x": [_short(value) for value in points.x],
            "y": [_short(value) for value in points.y],
            "labels": points.labels,
            "names": points.names,
        },
    }


def _record(row: dict[str, Any]) -> EmbeddingRecord:
    measures, points = row["measures"], row["projection"]
    return EmbeddingRecord(
        trial=row["trial"],
        evaluation=row["evaluation"],
        at=row["at"],
        split=row["split"],
        layer=row["layer"],
        normalised=row["normalised"],
        width=row["width"],
        neighbours=measures["neighbours"],
        knn=Interval(*measures["knn"]),
        probe=Interval(*measures["probe"]),
        converged=measures["converged"],
        train=measures["train"],
        examples=measures["examples"],
        projection=Projection(
            explained=(points["explained"][0], points["explained"][1]),
            x=tuple(points["x"]),
            y=tuple(points["y"]),
            labels=tuple(points["labels"]),
            names=tuple(points["names"]),
        ),
    )


def _short(value: float) -> float:
    """Return `value` to four digits: more than a picture shows."""
    return float(f"{value:.4g}")
