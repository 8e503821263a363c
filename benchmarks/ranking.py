"""How far a race's ranking can be trusted, and what it is worth, on tabulated spaces.

    NAS_DATA=… python -m benchmarks.ranking [--searches 200] [--seed 0]

A search (regularised evolution, 200 evaluations, one noisy training each; half of the searches with population 50 and
sample 10, half with 10 and 5) ends; the ten best by their search score are the finalists, and 20 fresh trainings are to
be had. Whoever is chosen is looked at with its true value, the mean over all seeds of the table. All ways to spend the
20 see the same searches and the same fresh scores: the j-th of a finalist is one number.

Regret is that of the choice against the best of the ten. Bias is the chosen one's estimate less its true value, in root
mean square σ of the finalists' trainings; coverage is that of 95 % intervals. τ is Kendall's, of the order against the
truth: of the ten raced, of the first 20 of the final order (of which the last ten were not raced but where 20 were).
Intervals are 95 % of a bootstrap over searches; "all" is the mean over tables. Ratios are those of mean regrets, on
"all" the mean of the tables' ratios.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import kendalltau

from benchmarks.tables import Floats, Table, derived, evolution, found, synthetic
from nas.ranking import Race, Ranking
from nas.ranking.posterior import Scores, posterior

FINALISTS, BUDGET = 10, 20
WIDE, WIDE_BUDGET = 20, 40
HALVING = (10, 5, 3, 2)
"""How many finalists each round of halving trains once: 20 trainings."""
MEASURES = ("regret", "bias", "winner covered", "all covered", "τ of 10", "τ of first 20", "rivals tied")


@dataclass(frozen=True)
class Search:
    """What a search leaves: its 20 best by search score, best first."""

    score: Floats
    """(20,)"""
    truth: Floats
    """(20,)"""
    fresh: Floats
    """(20, trainings)"""
    sigma: float
    """Root mean square σ of a training of the first ten."""


def searched(table: Table, seed: int) -> Search:
    """Run one search."""
    rng = np.random.default_rng(seed)
    population, sample = ((50, 10), (10, 5))[seed % 2]
    entries, scores = evolution(table, rng, population=population, sample=sample)
    first = np.argsort(-scores, kind="stable")[:WIDE]
    fresh = np.stack([table.train(entries[first], rng) for _ in range(WIDE_BUDGET)], axis=1)
    sigma = float(np.sqrt(np.mean(table.scatter[entries[first[:FINALISTS]]] ** 2)))
    return Search(scores[first], table.truth[entries[first]], fresh, sigma)


def alone(search: Search) -> Floats:
    """Value finalists by their search scores: what is chosen is the search's winner."""
    return search.score[:FINALISTS]


def uniform(search: Search) -> Floats:
    """Two fresh trainings each, the search score forgotten."""
    return search.fresh[:FINALISTS, :2].mean(axis=1)


def uniform_kept(search: Search) -> Floats:
    """Two fresh trainings each, the mean of these and the search score."""
    return (search.fresh[:FINALISTS, :2].sum(axis=1) + search.score[:FINALISTS]) / 3


def halved(search: Search, kept: bool, model: bool) -> Floats:
    """Halving, by means with the search scores kept or not, or by the posterior; the last to stay are first."""
    trained = np.zeros(FINALISTS, int)
    alive = np.arange(FINALISTS)
    for count in HALVING:
        alive = alive[np.argsort(-_values(search, trained, kept, model)[alive], kind="stable")][:count]
        trained[alive] += 1
    values = _values(search, trained, kept, model)
    return values if model else values + 1e6 * trained


def _values(search: Search, trained: Sequence[int], kept: bool, model: bool) -> Floats:
    fresh = [list(search.fresh[at, :count]) for at, count in enumerate(trained)]
    if model:
        return posterior(Scores.of([[score] for score in search.score[:FINALISTS]], fresh)).estimate
    means = [
        (sum(own) + kept * score) / max(1, len(own) + kept) for own, score in zip(fresh, search.score, strict=False)
    ]
    return np.array(means)


def raced(search: Search, count: int = FINALISTS, budget: int = BUDGET, workers: int = 1) -> Ranking[int]:
    """Race the first `count`; `workers` trainings at a time, all told together."""
    race = Race(range(count), budget, dict(enumerate(search.score[:count])))
    while asked := [one for one in (race.ask() for _ in range(workers)) if one]:
        for at, seed in asked:
            race.tell(at, seed, search.fresh[at, seed])
    return race.ranking()


def of_values(search: Search, values: Floats) -> dict[str, float]:
    """Measure an order that comes without intervals."""
    truth = search.truth[: len(values)]
    rest = search.score[len(values) :]
    order = np.concatenate([np.argsort(-values, kind="stable"), len(values) + np.argsort(-rest, kind="stable")])
    chosen = order[0]
    found = {
        "regret": truth.max() - truth[chosen],
        "bias": (values[chosen] - truth[chosen]) / search.sigma if abs(values[chosen]) < 1e5 else np.nan,
        "τ of 10": kendalltau(values, truth).statistic,
        "τ of first 20": kendalltau(-np.argsort(order), search.truth).statistic,
    }
    return {name: float(found.get(name, np.nan)) for name in MEASURES}


def of_ranking(search: Search, ranking: Ranking[int]) -> dict[str, float]:
    """Measure a race."""
    values = np.array([ranking.estimate(at) for at in range(len(ranking.order))])
    covered = []
    for at in ranking.order:
        low, high = ranking.interval(at)
        covered.append(low <= search.truth[at] <= high)
    sure = {"winner covered": covered[0], "all covered": np.mean(covered), "rivals tied": len(ranking.tie_group) - 1}
    return of_values(search, values) | {name: float(value) for name, value in sure.items()}


WAYS: dict[str, Callable[[Search], dict[str, float]]] = {
    "the search's winner": lambda s: of_values(s, alone(s)),
    "uniform, fresh only": lambda s: of_values(s, uniform(s)),
    "uniform, with search score": lambda s: of_values(s, uniform_kept(s)),
    "halving, fresh only": lambda s: of_values(s, halved(s, kept=False, model=False)),
    "halving, with search score": lambda s: of_values(s, halved(s, kept=True, model=False)),
    "halving by the posterior": lambda s: of_values(s, halved(s, kept=True, model=True)),
    "race": lambda s: of_ranking(s, raced(s)),
    "race, 4 at a time": lambda s: of_ranking(s, raced(s, workers=4)),
    "race of 20, 40 trainings": lambda s: of_ranking(s, raced(s, WIDE, WIDE_BUDGET)),
}
SINGLE, UNIFORM = "the search's winner", "uniform, with search score"


def interval(samples: Floats, statistic: Callable[[Floats], Floats], rng: np.random.Generator) -> tuple[float, ...]:
    """Return a statistic of ``(tables, …, searches)`` and its bootstrap interval; searches are drawn table by table."""
    count = samples.shape[-1]
    drawn = [
        statistic(np.stack([table[..., rng.integers(count, size=count)] for table in samples])) for _ in range(500)
    ]
    return float(statistic(samples)), *(float(value) for value in np.quantile(drawn, (0.025, 0.975)))


def _mean(samples: Floats) -> Floats:
    return np.asarray(np.nanmean(samples))


def _ratio(samples: Floats) -> Floats:
    """Mean over tables of the ratio of two mean regrets: (tables, 2, searches)."""
    means = samples.mean(axis=-1)
    return np.asarray(np.mean(means[:, 0] / means[:, 1]))


def tell(names: Sequence[str], measured: Floats, seed: int) -> None:
    """Print ratios and the other measures: ``measured`` is (tables, ways, measures, searches)."""
    ways = list(WAYS)
    groups = [(name, measured[at : at + 1]) for at, name in enumerate(names)] + [("all", measured)]
    for base, wanted in ((SINGLE, 0.35), (UNIFORM, 0.85)):
        print(f"\nRegret as a ratio to: {base} (wanted of the race: ≤ {wanted})")
        for name, part in groups:
            print(f"  {name}")
            for way in ways[:-1]:
                pair = part[:, [ways.index(way), ways.index(base)], 0]
                value, low, high = interval(pair, _ratio, np.random.default_rng(seed))
                regret = part[:, ways.index(way), 0].mean()
                print(f"    {way:<28} {value:.3f}  [{low:.3f}, {high:.3f}]   regret {regret:.4f}")
    wanted_words = ("", "|≤ 0.1| σ", "0.93 – 0.97", "0.93 – 0.97", "", "≥ 0.55", "")
    print("\nOther measures")
    for name, part in groups:
        print(f"  {name}")
        for way in ways if name == "all" else ways[6:]:
            for at, (measure, wanted_word) in enumerate(zip(MEASURES, wanted_words, strict=True)):
                samples = part[:, ways.index(way), at]
                if at and np.isfinite(samples).any():
                    value, low, high = interval(samples, _mean, np.random.default_rng(seed))
                    wanted_word = wanted_word if way.startswith("race") else ""
                    label = "τ of 20" if measure == "τ of 10" and way == ways[-1] else measure
                    print(f"    {way:<28} {label:<15} {value:+.3f}  [{low:+.3f}, {high:+.3f}]  {wanted_word}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=200, help="simulated searches a table")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    started = time.perf_counter()
    real = list(found(Path(os.environ["NAS_DATA"]) / "nasbench")) if "NAS_DATA" in os.environ else []
    tables = [*real, *(derived(real[0]) if real else ()), synthetic(0.2, 0.3), synthetic(0.5, 0.5, 1)]
    tables.append(synthetic(0.3, 0.7, 2, gaussian=True))
    measured = np.full((len(tables), len(WAYS), len(MEASURES), words.searches), np.nan)
    tasks = [(at, one) for at in range(len(tables)) for one in range(words.searches)]
    for at, one in track(tasks, "searches", console=Console(stderr=True)):
        search = searched(tables[at], words.seed * words.searches + one)
        for way, measure in enumerate(WAYS.values()):
            measured[at, way, :, one] = list(measure(search).values())
    tell([table.name for table in tables], measured, words.seed)
    print(f"\n{words.searches} searches in each of {len(tables)} tables: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
