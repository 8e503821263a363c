"""What `nas encode --measure` has found, for the page: of which models, in numbers and as pictures."""

from __future__ import annotations

from dataclasses import dataclass

from nas.language import _
from nas.report import words
from nas.report.charts.embeddings import embedding
from nas.report.figure import Figure
from nas.report.section import View
from nas.store.evaluation_records import EmbeddingRecord, Interval

MOST = 2
"""Pictures on a page; the document has all that was measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: ``(what, how it stands)`` and the picture."""

    facts: tuple[tuple[str, str], ...]
    figure: Figure


def measured(view: View) -> tuple[Measured, ...]:
    """Return what the vectors of the best architectures are worth, in the order of the ranking, the latest first."""
    places = {entry.trial.number: entry.place for entry in view.ranked}
    known = sorted(
        view.data.embeddings, key=lambda record: (places.get(record.trial, len(places) + 1), -record.at.timestamp())
    )
    return tuple(
        Measured(_facts(record), embedding(f"embedding-{index}", record)) for index, record in enumerate(known[:MOST])
    )


def to_measure(view: View) -> str | None:
    """Return the command that measures, where nothing was measured and the task has classes to measure by."""
    card = view.data.study.data or {}
    target, counts = card.get("target") or {}, card.get("class_counts") or {}
    if view.data.embeddings or not view.ranked or not target.get("names") or target.get("shape"):
        return None
    both = zip(counts.get("train", ()), counts.get("validation", ()), strict=False)
    if any(asked and not learned for learned, asked in both):  # identities that are held out
        return None
    return view.command("encode", "--measure")


def _facts(record: EmbeddingRecord) -> tuple[tuple[str, str], ...]:
    weights = _("the search")
    if record.evaluation is not None:
        weights = _("fine-tuning, training {number}", number=record.evaluation)
    width = _("{count} numbers", count=words.exact(record.width))
    if record.normalised:
        width = _("{count} numbers, each vector of length 1", count=words.exact(record.width))
    probe = _share(record.probe)
    if not record.converged:
        probe = _("{accuracy}; it did not come to an end, and may do better", accuracy=probe)
    learned = _(
        "on {train} of train, of {examples} of {split}",
        train=words.exact(record.train),
        examples=words.exact(record.examples),
        split=words.short(record.split, 40),
    )
    return (
        (_("{count} nearest neighbours", count=record.neighbours), _share(record.knn)),
        (_("Linear probe"), probe),
        (_("Learned and asked"), learned),
        (_("Weights of"), weights),
        (_("Width"), width),
    )


def _share(found: Interval) -> str:
    return _(
        "accuracy {value} ({low} to {high}, 95%)",
        value=words.score(found.value),
        low=words.score(found.low),
        high=words.score(found.high),
    )
