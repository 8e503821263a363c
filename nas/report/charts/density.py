"""Points too many to be drawn, counted by area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

COLUMNS, ROWS = 28, 18
PALEST = 0.2
"""The opacity of an area with a single point in it."""


def counted(
    points: Sequence[tuple[float, float]], across: tuple[float, float], up: tuple[float, float], *, logarithmic: bool
) -> tuple[list[dict[str, float]], int]:
    """Return the areas that have any of `points` in them, and how many the fullest one has.

    Args:
        points: ``(x, y)``, all within the two axes.
        across: The ends of the axis across, positive where it is `logarithmic`.
        up: The ends of the axis up.
        logarithmic: Whether areas are equally wide by the logarithm of x.

    Returns:
        Each area from ``cost`` to ``right`` and from ``score`` to ``top``, and its ``shade``, an opacity.
    """
    low, high = (log(across[0]), log(across[1])) if logarithmic else across
    wide, tall = (high - low) / COLUMNS, (up[1] - up[0]) / ROWS
    found: Counter[tuple[int, int]] = Counter()
    for x, y in points:
        column = int(((log(x) if logarithmic else x) - low) / wide)
        found[min(column, COLUMNS - 1), min(int((y - up[0]) / tall), ROWS - 1)] += 1
    most = max(found.values(), default=0)

    def edge(column: int) -> float:
        at = low + column * wide
        return across[0] * (across[1] / across[0]) ** (column / COLUMNS) if logarithmic else at

    areas = [
        {
            "cost": edge(column),
            "right": edge(column + 1),
            "score": up[0] + row * tall,
            "top": up[0] + (row + 1) * tall,
            "shade": PALEST + (1 - PALEST) * (count / most) ** 0.5,
        }
        for (column, row), count in sorted(found.items())
    ]
    return areas, most
