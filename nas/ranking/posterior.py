"""What is known of the true values of some candidates: from their scores in the search, and from fresh trainings.

The candidates of a race were chosen *because* their search scores y were high, so these are too high: by how much,
nobody says who looks at them alone. Tweedie's formula says what is left of them: with n trainings of noise σ each,

    E[θ | y] = y + σ²/n · l'(y)        Var[θ | y] = σ²/n · (1 + σ²/n · l''(y))

where l is the logarithm of the density of *all* scores. Where l is quadratic, as it nearly is in the narrow range of
the best, this is a straight line with a slope b in (0, 1], and the scatter about it is b·σ²/n. Whoever was chosen by y
is still on that line. Fresh scores, which nobody was chosen by, fix its height a and, with the scatter, b and σ:

    θ_i = a + b_i·(y_i − ȳ) + u_i       u_i ~ N(0, b_i·σ²/n_i)       b_i = τ² / (τ² + σ²/n_i)
    fresh_ij = θ_i + e_ij               e_ij ~ N(0, σ²)

τ is the local scatter of true values. Where nobody has a search score the line is level: b = 0, with scatter τ² about
a. Where only some have one, the others are off the line, and known by fresh scores alone. The height a is integrated
out in closed form, (b, σ) on a grid: the posterior of θ is a mixture of Gaussians, one a grid point, and its intervals
contain what is not known of b and σ.

Beforehand σ is of the size of the differences seen, give or take a factor of e. For scores that are normal with
standard deviation s, l'' = -1/s², so b = 1 - σ²/(n·s²); the ten best of a few hundred of these spread by s/3. The slope
is drawn to that, as if by four observations: without it the winner's estimate is a little lower, the choice the same.

Sources:
    Efron 2011, JASA 106(496), "Tweedie's formula and selection bias", sections 2 and 4. Gelman et al. 2013, Bayesian
    Data Analysis, section 5.4 (the normal hierarchical model, hyper-parameters on a grid).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SLOPES = (np.arange(12) + 0.5) / 12
"""Where the slope b is looked at, of a candidate with as many search scores as is usual in this race."""
SIGMAS = np.exp(np.linspace(-2.5, 2.5, 32))
"""Where σ is looked at, in units of a typical difference of scores."""
SIGMA_SPREAD = 1.0
"""Standard deviation of ln σ beforehand."""
POPULATION = 3.0
"""Standard deviation of normal scores in units of that of the best: 2.5 for 10 of 100, 3.0 of 300, 3.4 of 1000."""
TRUST = 4.0
"""How many observations the slope expected from `POPULATION` counts for."""
NOTHING = 1e-5
"""Grid points that weigh less than this part of the heaviest are left out."""
FAR = 4.0
"""A search score so many robust deviations below the median was not what it was chosen for, and is off the line."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What was measured of K candidates: number, mean and scatter of search scores and of fresh ones. Arrays of K."""

    searched: Floats
    """How many search scores there are of each; 0 for none."""
    search: Floats
    """Their mean; 0 where there is none."""
    trained: Floats
    """How many fresh scores."""
    fresh: Floats
    squares: float
    """Sum of squared deviations of single scores from their candidate's mean, in the search and afresh each."""
    freedom: int
    """Degrees of freedom of `squares`."""

    @classmethod
    def of(cls, search: Sequence[Sequence[float]], fresh: Sequence[Sequence[float]]) -> Scores:
        """Sum up the scores of each candidate; all finite."""
        groups = [group for group in (*search, *fresh) if len(group) > 1]
        return cls(
            np.array([len(group) for group in search], float),
            np.array([_mean(group) for group in search]),
            np.array([len(group) for group in fresh], float),
            np.array([_mean(group) for group in fresh]),
            sum((score - _mean(group)) ** 2 for group in groups for score in group),
            sum(len(group) - 1 for group in groups),
        )


@dataclass(frozen=True, slots=True)
class Posterior:
    """A mixture of G Gaussians over K true values: θ = mean + shared·z + own·ε, with z and ε standard normal."""

    weight: Floats
    """(G,), sums to 1."""
    sigma: Floats
    """(G,): the noise of one training."""
    mean: Floats
    """(G, K)"""
    shared: Floats
    """(G, K): how far the unknown height of the line moves each."""
    own: Floats
    """(G, K): standard deviation of what is each one's own."""

    @property
    def estimate(self) -> Floats:
        """(K,): posterior means."""
        return np.asarray(self.weight @ self.mean)

    @property
    def seed_sigma(self) -> float:
        """The noise of one training, common to all: root of the posterior mean of σ²."""
        return float(np.sqrt(self.weight @ self.sigma**2))

    def covariance(self) -> Floats:
        """(K, K): covariance of the true values, what is not known of b and σ included."""
        off = self.mean - self.estimate
        root = np.sqrt(self.weight)[:, None]
        one, two = root * off, root * self.shared
        return np.asarray(one.T @ one + two.T @ two + np.diag(self.weight @ self.own**2))

    def quantile(self, index: int, shares: Sequence[float]) -> Floats:
        """Quantiles of the true value of candidate `index`, by bisection of the mixture's distribution function."""
        mean = self.mean[:, index]
        deviation = np.sqrt(self.shared[:, index] ** 2 + self.own[:, index] ** 2)
        low = np.full(len(shares), np.min(mean - 10 * deviation))
        high = np.full(len(shares), np.max(mean + 10 * deviation))
        for _ in range(40):
            middle = (low + high) / 2
            below = self.weight @ ndtr((middle - mean[:, None]) / deviation[:, None]) < shares
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def draws(self, count: int, rng: np.random.Generator) -> Floats:
        """(count, K): draws of all true values together; grid points in proportion to their weight, systematically."""
        at = np.searchsorted(np.cumsum(self.weight), (np.arange(count) + 0.5) / count).clip(max=len(self.weight) - 1)
        normal = rng.standard_normal((count, self.mean.shape[1] + 1))
        return np.asarray(self.mean[at] + self.shared[at] * normal[:, :1] + self.own[at] * normal[:, 1:])


def posterior(scores: Scores) -> Posterior:
    """Return what is known after `scores`; see the module's text."""
    line = _line(scores)
    slope, sigma, log_prior = _grid(scores, line)
    centre, spread, load = _before(scores, line, slope, sigma)
    precision = np.where(scores.trained > 0, 1 / (spread + sigma**2 / np.maximum(scores.trained, 1)), 0.0)
    off = scores.fresh - centre
    a_precision = np.sum(load**2 * precision, axis=1)
    a_mean = np.sum(load * off * precision, axis=1)
    flat = not np.any(load[0] * scores.trained)
    if flat:  # nothing has been trained anew: the line is below the search scores, by a σ or so
        a_precision, a_mean = 1 / (2 * sigma[:, 0]) ** 2, -1 / (4 * sigma[:, 0])
    a_mean = a_mean / a_precision
    squares = np.sum(precision * (off - load * a_mean[:, None]) ** 2 * (scores.trained > 0), axis=1)
    log_weight = (
        log_prior - squares / 2 - scores.squares / (2 * sigma[:, 0] ** 2) - scores.freedom * np.log(sigma[:, 0])
    )
    log_weight += np.sum(np.log(precision, where=precision > 0, out=np.zeros_like(precision)), axis=1) / 2
    log_weight -= 0.0 if flat else np.log(a_precision) / 2
    weight = np.exp(log_weight - log_weight.max())
    gain = spread * precision
    before = centre + load * a_mean[:, None]
    kept = weight > NOTHING
    return Posterior(
        weight[kept] / weight[kept].sum(),
        sigma[kept, 0],
        (before + gain * (scores.fresh - before))[kept],
        (load * (1 - gain) / np.sqrt(a_precision)[:, None])[kept],
        np.sqrt(spread * (1 - gain))[kept],
    )


def _mean(scores: Sequence[float]) -> float:
    return fsum(scores) / len(scores) if len(scores) else 0.0


def _line(scores: Scores) -> Flags:
    """(K,): which candidates the line is drawn through: with a search score, unless it is far below the others'.

    Where nobody has a search score the line is level and all are on it.
    """
    known = scores.searched > 0
    if not known.any():
        return ~known
    middle = np.median(scores.search[known])
    deviation = 1.4826 * np.median(np.abs(scores.search[known] - middle))
    return np.asarray(known & ((scores.search >= middle - FAR * deviation) | (deviation == 0)))


def _grid(scores: Scores, line: Flags) -> tuple[Floats, Floats, Floats]:
    """Return slopes (G, 1), sigmas (G, 1) and logarithms of what each is worth beforehand (G,)."""
    unit = _unit(scores, line)
    slope, sigma = (grid.reshape(-1, 1) for grid in np.meshgrid(SLOPES, unit * SIGMAS, indexing="ij"))
    worth = -((np.log(sigma[:, 0] / unit) / SIGMA_SPREAD) ** 2) / 2
    chosen = scores.search[line & (scores.searched > 0)]
    if len(chosen) > 2 and (scatter := np.std(chosen, ddof=1)) > 0:
        likely = 1 - sigma[:, 0] ** 2 / (_usual(scores) * (POPULATION * scatter) ** 2)
        likely = np.clip(0.95 * likely, 0.1, 0.95)
        one, two = TRUST * likely, TRUST * (1 - likely)
        worth += (one - 1) * np.log(slope[:, 0]) + (two - 1) * np.log(1 - slope[:, 0])
        worth -= gammaln(one) + gammaln(two)
    return slope, sigma, worth


def _usual(scores: Scores) -> float:
    """Mean number of search scores of those that have any."""
    return float(scores.searched.sum() / max(1, np.count_nonzero(scores.searched)) or 1)


def _unit(scores: Scores, line: Flags) -> float:
    """A typical difference between scores, more than 0."""
    told = []
    for values in (scores.search[line & (scores.searched > 0)], scores.fresh[line & (scores.trained > 0)]):
        if len(values) > 1:
            told.append((float(np.sum((values - values.mean()) ** 2)), len(values) - 1))
    told.append((scores.squares, scores.freedom))
    size = np.sqrt(sum(squares for squares, _ in told) / max(1, sum(freedom for _, freedom in told)))
    largest = max(np.max(np.abs(scores.search)), np.max(np.abs(scores.fresh)))
    return float(size if size > 1e-12 * largest else (1e-9 * largest or 1e-9))


def _before(scores: Scores, line: Flags, slope: Floats, sigma: Floats) -> tuple[Floats, Floats, Floats]:
    """Return centre, variance and loading on the height a of each true value before any fresh score: (G, K) each."""
    known = scores.searched > 0
    tau2 = sigma**2 / _usual(scores) * slope / (1 - slope)
    noise = sigma**2 / np.maximum(scores.searched, 1)
    slopes = np.where(known, tau2 / (tau2 + noise), 0.0)
    middle = scores.search[line].mean() if known.any() else 0.0
    centre = np.where(known, middle + slopes * (scores.search - middle), 0.0)
    spread = np.where(known, slopes * noise, tau2)
    shrunk = (1 - slopes) * line
    load = shrunk / (shrunk.sum(axis=1, keepdims=True) / line.sum())
    apart = ~line
    if apart.any():  # whose place has nothing to do with the line
        wide = (
            100 * (np.ptp(np.concatenate([scores.search[known], scores.fresh[scores.trained > 0]])) + sigma.max()) ** 2
        )
        centre = np.where(apart, np.where(known, scores.search, middle), centre)
        spread = np.where(apart, np.where(known, noise, wide), spread)
    return centre, spread, load
