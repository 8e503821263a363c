"""Which trials of a study are stopped early; and the few that are spared, to see how often that is a mistake."""

from __future__ import annotations

from zlib import crc32

from nas import catalogue
from nas.search.pruners import first_rung
from nas.search.suggest import FirstObjective
from nas.search.trial import LiveTrial
from nas.store.ledger import Ledger
from nas.study_file import Study

SPARED = 0.03
"""The share of trials that would be pruned and are not, which tells how often pruning is wrong."""
SPARED_AT = "nas:spared_at"
"""The system attribute of such a trial: the epoch after which it would have been pruned."""


class Pruning:
    """The pruner of `study`, which judges by the first objective."""

    def __init__(self, study: Study, ledger: Ledger) -> None:
        self._search, self._ledger = study.search, ledger
        name = study.search.pruner or catalogue.strategies[study.search.strategy].pruner
        first = first_rung(study.search.epochs, catalogue.tasks[study.task.kind].silent)
        self._pruner = ledger.study.pruner = catalogue.pruners[name](study.search.epochs, first)
        self._judged = FirstObjective(ledger.study)

    def stops(self, live: LiveTrial) -> bool:
        """Tell whether `live` is to be stopped; the families' default members and last epochs are left alone."""
        if live.default or live.step >= self._search.epochs:
            return False
        if live.spared or not self._pruner.prune(self._judged, self._ledger.get_trial(live.id)):  # type: ignore[arg-type]
            return False
        live.spared = self._spare(live)
        return not live.spared

    def _spare(self, live: LiveTrial) -> bool:
        """Let a few run on that would be pruned. Who is spared is drawn by seed and number: the same, each time."""
        if crc32(f"spared {self._search.seed} {live.number}".encode()) / 2**32 >= SPARED:
            return False
        if SPARED_AT not in self._ledger.get_trial(live.id).system_attrs:
            self._ledger.set_trial_system_attr(live.id, SPARED_AT, live.step)
            message = f"would have been pruned after epoch {live.step}; it runs on"
            self._ledger.event("spared", message, trial=live.number)
        return True
