"""What embeddings were measured to be worth, as the database has it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from nas.store import embeddings, queries
from nas.store.engine import open_for_writing, open_read_only
from nas.store.evaluation_records import EmbeddingRecord
from tests.report.samples import embedding

from .small import begin


def read(url: str) -> list[EmbeddingRecord]:
    engine = open_read_only(url)
    found = queries.embeddings(engine, queries.study(engine, "digits").id)
    engine.dispose()
    return found


def test_what_is_kept_is_what_is_read_to_four_digits(any_url: str) -> None:
    begin(any_url)
    points = replace(embedding(3).projection, explained=(1 / 3, 1e-9), names=tuple("\0\ud800abcdefgh"))
    record = embedding(3, evaluation=7, layer="dense", normalised=True, converged=False, projection=points)
    embeddings.keep(any_url, 1, record)
    (found,) = read(any_url)
    assert found.projection.explained == (0.3333, 1e-9)
    assert max(abs(a - b) for a, b in zip(found.projection.x, points.x, strict=True)) < 0.005
    assert replace(found, projection=points) == record
    assert found.projection.names == points.names
    assert found.projection.labels == points.labels


def test_measured_again_it_replaces_itself_and_nothing_else(any_url: str) -> None:
    begin(any_url)
    kinds = [embedding(3), embedding(3, evaluation=0), embedding(3, layer="dense"), embedding(3, normalised=True)]
    for record in (*kinds, embedding(4)):
        embeddings.keep(any_url, 1, record)
    for record in kinds:
        embeddings.keep(any_url, 1, replace(record, width=32))
    found = read(any_url)
    assert [one.width for one in found] == [64, 32, 32, 32, 32]
    assert [one.trial for one in found] == [4, 3, 3, 3, 3]


def test_they_go_with_their_study(any_url: str) -> None:
    begin(any_url)
    embeddings.keep(any_url, 1, embedding(0))
    engine = open_for_writing(any_url, create=False)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM study"))
        assert connection.execute(text("SELECT count(*) FROM embedding")).scalar() == 0
    engine.dispose()
