"""From a choice a family asks for to a value of an Optuna trial."""

from __future__ import annotations

from dataclasses import replace

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nas.conversation import Ask, Distribution, Scalar, Start


def to_optuna(distribution: Distribution) -> BaseDistribution:
    """Return Optuna's word for `distribution`."""
    match distribution.kind:
        case "categorical":
            return CategoricalDistribution(distribution.choices)
        case "int":
            lowest, highest = int(distribution.low or 0), int(distribution.high or 0)
            return IntDistribution(lowest, highest, log=distribution.log, step=int(distribution.step or 1))
        case "float":
            low, high = float(distribution.low or 0), float(distribution.high or 0)
            return FloatDistribution(low, high, log=distribution.log, step=distribution.step)


def suggest(trial: optuna.Trial, ask: Ask, *, default: bool, start: Start | None = None) -> Scalar:
    """Return the value `trial` takes for `ask`.

    That is the stored one, that of the encoder to `start` from, the family's `default`, or what the sampler says.

    Raises:
        ValueError: The same name was asked with other choices before: Optuna cannot model that.
    """
    if start is not None and ask.name in start.params:
        ask, default = replace(ask, default=start.params[ask.name]), True
    distribution = to_optuna(ask.distribution)
    if default and ask.name not in trial.params:
        internal = distribution.to_internal_repr(ask.default)
        trial.storage.set_trial_param(trial._trial_id, ask.name, internal, distribution)
        return ask.default
    value: Scalar
    match distribution:
        case CategoricalDistribution(choices=choices):
            value = trial.suggest_categorical(ask.name, choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            value = trial.suggest_int(ask.name, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, step=step, log=log):
            value = trial.suggest_float(ask.name, low, high, step=step, log=log)
        case _:
            raise ValueError(f"Optuna has no distribution for {ask.distribution!r}.")
    return value


class FirstObjective:
    """A study as its pruner sees it: with one direction, that of the first objective.

    Optuna refuses to prune where there are several; pruners themselves only look at reported values.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> object:
        return getattr(self._study, name)

    @property
    def direction(self) -> optuna.study.StudyDirection:
        """The direction of the first objective."""
        return self._study.directions[0]

    @property
    def directions(self) -> list[optuna.study.StudyDirection]:
        """Just that one."""
        return self._study.directions[:1]
