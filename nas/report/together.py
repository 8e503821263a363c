"""What the finalists of fine-tuning come to together."""

from __future__ import annotations

from dataclasses import dataclass

from nas.language import _
from nas.report import words
from nas.report.section import View
from nas.store.evaluation_records import EnsembleMember, Interval


@dataclass(frozen=True, slots=True)
class Together:
    """The latest ensemble that was measured: of what, on the test split, and how many looks ensembles have had."""

    members: str
    test: Interval | None
    looks: int


def together(view: View) -> Together | None:
    """Return what the last ensemble of the finalists came to; ``None`` where there is none."""
    looks = [look for look in view.data.looks if look.trial is None]
    if not looks:
        return None
    return Together(_told(looks[-1].members), looks[-1].metrics.get(view.data.study.objectives[0]), len(looks))


def _told(members: tuple[EnsembleMember, ...]) -> str:
    if not members:
        return _("the mean of several; which ones was not kept")
    each = [
        _("{count} × trial {trial} (training {number})", count=one.count, trial=one.trial, number=one.evaluation)
        for one in members
    ]
    return _("the mean of {members}", members=words.listed(each))
