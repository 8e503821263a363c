"""Before a study goes on with other code: do its families ask for what they asked for before?

Optuna models one set of values for each choice of a study. Were others asked for, every trial would fail at its first
such choice; so the families are asked once, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
)
from optuna.trial import FrozenTrial

from nas.conversation import Ask, Built, Distribution, Evaluate, Failed, Finished, Scalar, Skip, Start, Value
from nas.data_card import DataCard
from nas.errors import ChoicesChanged, Interrupted
from nas.search.asking import an_idle
from nas.search.orders import dry_order
from nas.search.pool.pool import Pool
from nas.search.stopping import StopSignals
from nas.search.suggest import to_optuna
from nas.study_file import Study

FAMILY = "family"
"""The choice of the family itself: which there are is known without asking."""
MOST = 20
"""So many trials are asked again at most: each builds a model."""


def refuse_other_families(study: Study, trials: Sequence[FrozenTrial]) -> None:
    """Refuse to go on where the families are others, or in another order, than those `trials` chose from.

    Raises:
        ChoicesChanged: They are.
    """
    found = _Comparison(trials)
    found.take(FAMILY, Distribution("categorical", choices=study.space.families))
    found.refuse(study.name)


def refuse_other_choices(
    study: Study,
    trials: Sequence[FrozenTrial],
    pool: Pool,
    *,
    card: DataCard,
    base: str,
    start: Start | None = None,
    signals: StopSignals | None = None,
) -> None:
    """Refuse to go on where a family asks for other values of a choice than `trials` were asked.

    Of the trials so few are asked again, as they were answered, that every choice that was ever met is met once more.
    Nothing is trained. A choice that is new, or is not asked any more, is no hindrance.

    Raises:
        ChoicesChanged: A choice has other values; all that are found are named.
        Interrupted: Somebody asked to stop meanwhile.
    """
    found = _Comparison(trials)
    for trial in _covering(trials, study.space.families):
        order = dry_order(study, trial.number, str(trial.params[FAMILY]), card, base, start)
        _ask_again(order, trial, found, pool, signals)
    found.refuse(study.name)


class _Comparison:
    """What was asked for, by name, and where it is not what is asked for now."""

    def __init__(self, trials: Sequence[FrozenTrial]) -> None:
        self._before: dict[str, BaseDistribution] = {}
        for trial in trials:
            for name, distribution in trial.distributions.items():
                self._before.setdefault(name, distribution)
        self._differences: dict[str, str] = {}

    def take(self, name: str, distribution: Distribution) -> bool:
        """Compare what is asked for now; tell whether a study can go on with it."""
        if name not in self._before:
            return True
        before, now = self._before[name], to_optuna(distribution)
        try:
            check_distribution_compatibility(before, now)
        except ValueError:
            self._differences[name] = f"{_told(before)} then; {_told(now)} now"
            return False
        return True

    def refuse(self, study: str) -> None:
        if self._differences:
            raise ChoicesChanged(study, self._differences)


def _ask_again(
    order: Evaluate, trial: FrozenTrial, found: _Comparison, pool: Pool, signals: StopSignals | None
) -> None:
    """Let the family of `order` ask, and answer as `trial` was answered; what is built is not trained."""
    pool.give(an_idle(pool), order)
    while True:
        if signals is not None and signals.received is not None:
            raise Interrupted("Stopped while the families were compared: no trial was begun.", signals.exit_code)
        for worker, message in pool.messages(timeout=0.2):
            match message:
                case Ask(name, distribution, default):
                    same = found.take(name, distribution)
                    answer: Scalar = trial.params[name] if same and name in trial.params else default
                    worker.send(Value(answer))
                case Built():
                    worker.send(Skip("it was only to be asked"))
                case Finished() | Failed():  # what fails to be built now is the trials' own affair
                    return


def _covering(trials: Sequence[FrozenTrial], families: Sequence[str]) -> Iterator[FrozenTrial]:
    """Yield trials of `families` that together have met every choice: the one that met most of the others first."""
    there = [trial for trial in trials if trial.params.get(FAMILY) in families]
    left = {name for trial in there for name in trial.params} - {FAMILY}
    for _ in range(MOST):
        if not left:
            return
        best = max(there, key=lambda trial: (len(left & trial.params.keys()), -trial.number))
        yield best
        left -= best.params.keys()


def _told(distribution: BaseDistribution) -> str:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return f"one of {', '.join(map(str, choices))}"
        case IntDistribution(low=low, high=high, log=log) | FloatDistribution(low=low, high=high, log=log):
            numbers = "a whole number" if isinstance(distribution, IntDistribution) else "a number"
            return f"{numbers} from {low:g} to {high:g}{', logarithmic' if log else ''}"
    return str(distribution)
