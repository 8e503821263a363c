"""How sure a share is that was counted on so many examples."""

from __future__ import annotations

from math import sqrt

NORMAL_95 = 1.959964
"""Standard deviations of a normal distribution between which 95 % of it lie, on each side."""


def wilson(share: float, examples: int) -> tuple[float, float]:
    """Return the 95 % interval of a `share` in [0, 1] that was counted on so many independent `examples`.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Raises:
        ValueError: There are no examples.

    Example:
        >>> [round(end, 3) for end in wilson(0.9, 100)]
        [0.826, 0.945]
    """
    if examples < 1:
        raise ValueError("A share of no examples is none.")
    z2 = NORMAL_95**2 / examples
    middle = (share + z2 / 2) / (1 + z2)
    half = NORMAL_95 / (1 + z2) * sqrt(share * (1 - share) / examples + z2 / (4 * examples))
    return max(0.0, middle - half), min(1.0, middle + half)
