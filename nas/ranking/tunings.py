"""Which training of fine-tuning is the best: one rule for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from nas.ranking.architectures import Ranked
from nas.store.evaluation_records import EvaluationRecord


def places_of(ranking: Sequence[Ranked]) -> dict[int, int]:
    """Return the place of each trial's architecture, from 1; a trial that repeated another one has the same."""
    return {number: entry.place for entry in ranking for number in entry.trials}


def best_first(
    records: Iterable[EvaluationRecord], places: Mapping[int, int], direction: str
) -> list[EvaluationRecord]:
    """Return the complete trainings of fine-tuning among `records`, best first.

    Validation scores have few values where there are few examples, so ties are common. Of equally good ones that comes
    first whose architecture ranks better, by its trial's place in `places` (who has none ranks last), then the earlier.
    """
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [record for record in records if record.purpose == "finetune" and record.outcome == "complete"]
    return sorted(complete, key=lambda one: (sign * one.score, places.get(one.trial, inf), one.number))
