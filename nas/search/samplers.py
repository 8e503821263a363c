"""Samplers by name: how the next candidate is chosen.

A sampler is made anew for every trial, with a seed that is the study's mixed with the trial's number. What a trial
is asked then depends on the trials before it and on nothing in memory: a resumed study goes on as it would have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

MakeSampler: TypeAlias = "Callable[[int, int], BaseSampler]"
"""``make(study_seed, trial_number)``."""


def mixed(seed: int, number: int) -> int:
    """Return a 32-bit seed that no other trial of this or a neighbouring seed shares (Knuth's multiplicative hash)."""
    return (seed * 2_654_435_761 + number * 40_503 + 1) % 2**32


def random(seed: int, number: int) -> BaseSampler:
    """Every candidate drawn alone, uniformly over each choice."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=mixed(seed, number))


def tpe(seed: int, number: int) -> BaseSampler:
    """Tree-structured Parzen estimator, jointly over the choices that occur together (Bergstra et al. 2011).

    ``group=True`` because families ask different things: without it whatever not every trial asks is sampled alone.
    """
    from optuna.samplers import TPESampler

    return TPESampler(seed=mixed(seed, number), group=True, multivariate=True)


def nsga2(seed: int, number: int) -> BaseSampler:
    """Evolution with non-dominated sorting (Deb et al. 2002); for one objective a plain genetic algorithm."""
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(seed=mixed(seed, number), population_size=20)


def qmc(seed: int, number: int) -> BaseSampler:
    """A scrambled Sobol sequence over the numbers, random over the rest: even coverage without a model."""
    from optuna.samplers import QMCSampler, RandomSampler

    return QMCSampler(
        seed=seed,  # not mixed: one sequence for the whole study, whose position the storage keeps
        scramble=True,
        independent_sampler=RandomSampler(seed=mixed(seed, number)),
        warn_independent_sampling=False,
        warn_asynchronous_seeding=False,
    )
