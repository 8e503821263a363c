"""How a session ended: what its study keeps of it, what the terminal says beside, and the command that goes on."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from nas.errors import plural
from nas.ranking import Ranked, perfect, ranking_of
from nas.search.coordinator import Coordinator
from nas.search.hold import Hold
from nas.store.engine import display_url, storage_url
from nas.store.ledger import Ledger
from nas.store.records import EXHAUSTED, USED_UP, TrialRecord


@dataclass(frozen=True, slots=True)
class Ending:
    """How a launch or resume ended. `exit_code` is the process's, `message` one sentence for people.

    `perfect` is how many architectures reached the best score there can be.
    """

    name: str
    exit_code: int
    message: str
    counts: dict[str, int]
    best: Ranked | None
    perfect: int = 0


def command_line(verb: str, what: str, storage: str | None, **options: object) -> str:
    """Return the command as somebody would type it again; a password is never part of it."""
    words = ["nas", verb, what]
    for option, value in options.items():
        words += [] if value is None else [option, str(value)]
    words += [] if storage is None else ["--storage", display_url(storage_url(storage))]
    return shlex.join(words)


def search_ending(held: Hold, coordinator: Coordinator, stopped: str | None, storage: str | None) -> Ending:
    """Return how a search ended, with its race; `stopped` says what stopped it, `storage` is what was typed."""
    study, ledger, signals = held.study, held.ledger, held.signals
    standing, advice = coordinator.standing(), ""
    if stopped is not None and stopped != "hours":
        code = signals.exit_code
        go_on = command_line("resume", study.name, storage)
        message = f"Stopped by {stopped}; {saved(ledger)}. Go on with `{go_on}`."
    elif stopped == "hours":
        code = 6 if _cut_off(ledger)[0] else 0
        go_on = command_line("resume", study.name, storage, **{"--hours": "MORE"})
        message = f"The hours are used up; {saved(ledger)}. Go on with `{go_on}`."
    elif coordinator.exhausted:
        code = 0
        message = f"{EXHAUSTED}: the last candidates had all been built before, or were over a limit."
    else:
        code, message = 0, f"{USED_UP}."
        raced = sum(record.outcome is not None for record in ledger.evaluations.all("race"))
        if standing.spent and ledger.record.counts == standing.counts and raced == ledger.record.raced:
            so_far = plural(standing.spent, "trial")
            advice = f" Nothing was left to do: `--trials` and `--hours` raise the total, {so_far} so far."
    if code == 0 and not standing.counts.get("complete"):
        code, advice = 1, f" No trial is complete: see `nas show {study.name}` for the causes."
    return ended(held, code, message, advice)


def _cut_off(ledger: Ledger) -> tuple[int, str]:
    """Return how many trials have to be gone on with, or else trainings of the race; and what they are called."""
    trials = len(ledger.unfinished())
    count = trials or sum(record.outcome is None for record in ledger.evaluations.all("race"))
    one, many = ("trial", "trials") if trials else ("training of the race", "trainings of the race")
    return count, one if count == 1 else many


def saved(ledger: Ledger) -> str:
    """Return "2 trials were interrupted and saved"."""
    count, called = _cut_off(ledger)
    return f"{count} {called} {'was' if count == 1 else 'were'} interrupted and saved"


def ended(held: Hold, code: int, message: str, advice: str) -> Ending:
    """Return how it ended. The study keeps `message`, true wherever it is read; `advice` is for the terminal alone."""
    ledger = held.ledger
    held.ending = message
    ranked = ranking_of(ledger.record, records_of(ledger), ledger.evaluations.all("race"))
    best = ranked[0] if ranked else None
    return Ending(held.study.name, code, message + advice, ledger.counts(), best, perfect(ledger.record, ranked))


def records_of(ledger: Ledger) -> list[TrialRecord]:
    """Return every trial that a ledger holds, by number."""
    return [ledger.trial_record(trial._trial_id) for trial in ledger.study.get_trials(deepcopy=False)]
