"""Tabulated search spaces whose every entry was trained with several seeds, and a simulated search through one.

A table is found by its form: an ``npz`` file under ``$NAS_DATA/nasbench`` with ``arch`` (N × positions, small integers)
and an array called ``…_val`` (N × seeds, ``nan`` where a seed lacks). The true value of an entry is the mean over its
seeds, a noisy training the value of one of them. Few spaces were trained so often, so others are made from them: other
noise, other distances between the best, noise that is Gaussian; and some are made from nothing. All keep the form.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """One space. Greater is better."""

    name: str
    arch: NDArray[np.int64]
    """(N, positions)"""
    seeds: Floats
    """(N, seeds): ``nan`` where there is none, always after the others."""
    gaussian: bool = False
    """Whether a noisy training is normally distributed about the true value, with the entry's own scatter."""

    def __post_init__(self) -> None:
        known = np.isfinite(self.seeds)
        object.__setattr__(self, "count", known.sum(axis=1))
        object.__setattr__(self, "truth", np.nanmean(self.seeds, axis=1))
        object.__setattr__(self, "scatter", np.nanstd(self.seeds, axis=1))
        object.__setattr__(self, "place", {tuple(row): at for at, row in enumerate(self.arch.tolist())})
        object.__setattr__(self, "values", [np.unique(column) for column in self.arch.T])

    count: NDArray[np.int64] = None  # type: ignore[assignment]
    truth: Floats = None  # type: ignore[assignment]
    scatter: Floats = None  # type: ignore[assignment]
    """(N,): standard deviation of a noisy training about the true value."""

    def train(self, entries: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Return one noisy training of each of `entries`."""
        if self.gaussian:
            return self.truth[entries] + self.scatter[entries] * rng.standard_normal(len(entries))
        return self.seeds[entries, rng.integers(self.count[entries])]

    def neighbour(self, entry: int, rng: np.random.Generator) -> int | None:
        """Return an entry that differs from `entry` in one position, if the drawn one is in the table."""
        row = self.arch[entry].tolist()
        position = rng.integers(len(row))
        row[position] = int(rng.choice(self.values[position]))  # type: ignore[attr-defined]
        return self.place.get(tuple(row))  # type: ignore[attr-defined]


def evolution(
    table: Table, rng: np.random.Generator, *, evaluations: int = 200, population: int = 50, sample: int = 10
) -> tuple[NDArray[np.int64], Floats]:
    """Search by regularised evolution, one noisy training an entry, no entry twice: entries and scores in order.

    Source:
        Real, Aggarwal, Huang & Le 2019, AAAI, algorithm 1.
    """
    found: dict[int, float] = {}
    alive: deque[int] = deque()
    while len(found) < evaluations:
        entry = int(rng.integers(len(table.arch)))
        if len(alive) >= population:
            among = rng.choice(len(alive), size=sample, replace=False)
            parent = max((alive[at] for at in among), key=found.__getitem__)
            for _ in range(50):
                child = table.neighbour(parent, rng)
                if child is not None and child not in found:
                    entry = child
                    break
        if entry in found:
            continue
        found[entry] = float(table.train(np.array([entry]), rng)[0])
        alive.append(entry)
        if len(alive) > population:
            alive.popleft()
    return np.array(list(found)), np.array(list(found.values()))


def found(folder: Path) -> Iterator[Table]:
    """Yield every table of the form that there is in `folder`."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            names = [name for name in data.files if name.endswith("_val") and data[name].ndim == 2]
            for name in names if "arch" in data.files else ():
                seeds = np.sort(np.where(np.isfinite(data[name]), data[name], np.nan), axis=1)
                if seeds.shape[1] > 1 and len(seeds) == len(data["arch"]):
                    kept = np.isfinite(seeds).sum(axis=1) > 1
                    label = f"{path.stem.split('_')[0]} {name.removesuffix('_val')}"
                    yield Table(label, data["arch"][kept].astype(np.int64), seeds[kept])


def derived(table: Table) -> Iterator[Table]:
    """Yield tables made from `table`: the same entries, other noise and other distances."""
    rng = np.random.default_rng(201)
    yield Table(f"{table.name}, Gaussian", table.arch, table.seeds, gaussian=True)
    for noise, spread in ((0.53, 3.5), (0.61, 0.8), (0.21, 1.0)):
        stretched = table.truth[:, None] + (spread - 1) * (table.truth - table.truth.max())[:, None]
        own = noise * np.sqrt(rng.gamma(4, 1 / 4, (len(table.arch), 1)))
        seeds = stretched + own * rng.standard_normal((len(table.arch), 3))
        yield Table(f"σ {noise}, spread × {spread}, 3 seeds", table.arch, seeds)


def synthetic(noise: float, roughness: float, seed: int = 0, *, gaussian: bool = False) -> Table:
    """Make a space from nothing: six positions of five choices, whose effects add, those of pairs too, to a ceiling.

    Args:
        noise: Mean standard deviation of a training, in units in which the upper tenth spreads by about a half.
        roughness: Scatter of effects of pairs against those of single choices.
        seed: Which space.
        gaussian: As in `Table`.
    """
    rng = np.random.default_rng(seed)
    arch = np.stack(np.meshgrid(*[np.arange(5)] * 6, indexing="ij"), -1).reshape(-1, 6)
    single = rng.standard_normal((6, 5))
    pair = roughness * rng.standard_normal((6, 6, 5, 5))
    value = sum(single[at, arch[:, at]] for at in range(6)) + sum(
        pair[one, two, arch[:, one], arch[:, two]] for one in range(6) for two in range(one)
    )
    value = (value - value.mean()) / value.std()
    truth = 92 - 1.5 * np.log1p(np.exp(1.5 - 1.2 * value))
    own = noise * np.sqrt(rng.gamma(4, 1 / 4, (len(arch), 1)))
    name = f"synthetic, σ {noise}, roughness {roughness}" + (", Gaussian" if gaussian else "")
    return Table(name, arch, truth[:, None] + own * rng.standard_normal((len(arch), 3)), gaussian)
