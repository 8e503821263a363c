"""What every section of a page is given, and what it gives."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nas.ranking import Ranked
from nas.report import words
from nas.report.data import ReportData
from nas.store.records import TrialRecord, unfinished

OUTCOMES = ("complete", "pruned", "failed", "interrupted", "running", "over a limit", "duplicate")
"""How trials end or stand. No epoch was spent on the last two, which do not count against the budget."""


@dataclass(frozen=True, slots=True)
class View:
    """A study, its ranking, and the moment the page is about."""

    data: ReportData
    ranked: tuple[Ranked, ...]
    now: datetime

    def outcome(self, trial: TrialRecord) -> str:
        """Return how `trial` ended or stands; one of `OUTCOMES`."""
        if trial.duplicate_of is not None:
            return "duplicate"
        if trial.kind == "rejected":
            return "over a limit"
        return trial.outcome or unfinished(self.data.study)

    @property
    def tally(self) -> dict[str, int]:
        """Trials by `outcome`, in the order of `OUTCOMES`, without zeros. A trial that only waits is not counted."""
        found = Counter(self.outcome(trial) for trial in self.data.trials if trial.outcome or trial.started)
        return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}

    @property
    def ended(self) -> int:
        """How many trials have ended and count against the budget."""
        return sum(self.tally.get(outcome, 0) for outcome in ("complete", "pruned", "failed"))

    def command(self, verb: str, *rest: object) -> str:
        """Return ``nas VERB STUDY …`` as a shell takes it, with the database where it is not the default one."""
        storage = [] if self.data.storage is None else ["--storage", self.data.storage]
        return shlex.join(words.clean(str(word)) for word in ("nas", verb, self.data.study.name, *rest, *storage))


@dataclass(frozen=True, slots=True)
class Section:
    """One question, the sentence that answers it, and what the evidence template ``<name>.html.j2`` shows."""

    name: str
    question: str
    answer: str
    evidence: Mapping[str, object]
