"""What every section of a page is given, and what it gives."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nas.ranking import Ranked
from nas.report import words
from nas.report.data import ReportData


@dataclass(frozen=True, slots=True)
class View:
    """A study, its ranking, and the moment the page is about."""

    data: ReportData
    ranked: tuple[Ranked, ...]
    now: datetime

    @property
    def decided(self) -> int:
        """How many trials have ended, in whatever way."""
        counts = self.data.study.counts
        return sum(counts.get(outcome, 0) for outcome in ("complete", "pruned", "failed"))

    @property
    def is_finished(self) -> bool:
        """Whether nobody runs the study and its budget of trials or hours is used up."""
        study = self.data.study
        trials_used = study.trials_budget is not None and self.decided >= study.trials_budget
        hours_used = study.hours_budget is not None and study.seconds >= 3600 * study.hours_budget
        return study.running is None and (trials_used or hours_used)

    @property
    def name(self) -> str:
        """The study's name as a command line takes it."""
        return shlex.quote(words.clean(self.data.study.name))


@dataclass(frozen=True, slots=True)
class Section:
    """One question, the sentence that answers it, and what the evidence template ``<name>.html.j2`` shows."""

    name: str
    question: str
    answer: str
    evidence: Mapping[str, object]
