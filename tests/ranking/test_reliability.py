"""What the records of a study say of its order."""

from __future__ import annotations

from nas.ranking import raced, rank
from nas.ranking.reliability import reliability
from nas.store.records import EventRecord
from tests.report.samples import NOW, race, trial


def spared(number: int) -> EventRecord:
    return EventRecord(NOW, "spared", "would have been pruned after epoch 2; it runs on", number, 1)


def test_of_what_was_spared_only_what_has_ended_says_how_often_pruning_is_wrong():
    trials = [trial(number, values=(0.9 - 0.01 * number,)) for number in range(12)]
    trials += [trial(12, outcome="failed", kind="nan", values=None), trial(13, outcome=None, values=None)]
    ranked = rank(trials, ("maximize",))

    def share(*numbers: int):
        events = [spared(number) for number in numbers]
        return reliability(trials, {}, events, [], ranked, None, "maximize").pruned_wrongly

    found = share(0, 11, 12, 13)
    assert (found.found, found.of) == (1, 3)
    assert share(13) is None
    assert share() is None


def test_where_everybody_is_among_the_best_nothing_is_said_of_pruning():
    for complete, known in ((10, False), (11, True)):
        trials = [trial(number, values=(0.9 - 0.01 * number,)) for number in range(complete)]
        ranked = rank(trials, ("maximize",))
        found = reliability(trials, {}, [spared(complete - 1)], [], ranked, None, "maximize").pruned_wrongly
        assert (found is not None) == known


def test_trainings_that_collapsed_do_not_count_against_the_order_of_the_search():
    trials = [trial(number, values=(0.95 - 0.01 * number,)) for number in range(4)]
    scores = {0: [0.95, 0.1], 1: [0.94, 0.941], 2: [0.93, 0.931], 3: [0.92, 0.921]}
    fresh = race(scores)
    found = reliability(trials, {}, [], fresh, [], raced(trials, fresh, "maximize"), "maximize").search_to_race
    assert (found.architectures, found.overall) == (4, 1.0)
