"""How good a frontier is, and where it bends. Losses: less is better in every objective.

(The module is not called ``frontier``: that is the function of `nas.ranking`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

Point = Sequence[float]


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Return the volume that `points` dominate, up to a reference that is worse than they are.

    Points that are not better than the reference in every objective add nothing; nor do dominated ones. With two
    objectives a sweep; with three, sweeps in slices along the third: O(n² log n).

    Source:
        Fonseca, Paquete & López-Ibáñez 2006, IEEE CEC (dimension sweep).

    Raises:
        ValueError: Not two or three objectives, points of another length than the reference, or not finite.
    """
    if len(reference) not in (2, 3):
        raise ValueError(f"A hypervolume can be had of two or three objectives. Received: {len(reference)}.")
    for point in (*points, reference):
        if len(point) != len(reference) or not all(map(isfinite, point)):
            raise ValueError(f"Wanted: {len(reference)} finite losses a point. Received: {tuple(point)}.")
    inside = [point for point in points if all(a < b for a, b in zip(point, reference, strict=True))]
    if len(reference) == 2:
        return _area(inside, reference)
    heights = sorted({point[2] for point in inside})
    return sum(
        _area([point for point in inside if point[2] <= low], reference) * (high - low)
        for low, high in zip(heights, (*heights[1:], reference[2]), strict=False)
    )


def _area(points: Sequence[Point], reference: Point) -> float:
    area, lowest = 0.0, reference[1]
    for point in sorted(points, key=lambda point: (point[0], point[1])):
        if point[1] < lowest:
            area += (reference[0] - point[0]) * (lowest - point[1])
            lowest = point[1]
    return area


def knee(points: Sequence[tuple[float, float]]) -> int | None:
    """Return the index of the point of a two-objective frontier where it bends most, ``None`` if it nowhere does.

    Both losses are brought to 0 … 1 over the frontier; the knee is farthest below the straight line between its two
    ends. Of equals the first. Dominated points are passed over.

    Source:
        Das 1999, Structural Optimization 18(2), "On characterizing the 'knee' of the Pareto curve".

    Raises:
        ValueError: A point that has not two finite losses.
    """
    for point in points:
        if len(point) != 2 or not all(map(isfinite, point)):
            raise ValueError(f"A knee can be had of points with two finite losses. Received: {tuple(point)}.")
    ends = _frontier(points)
    if len(ends) < 3:
        return None
    (left, top), (right, bottom) = points[ends[0]], points[ends[-1]]
    below = {at: 1 - (points[at][0] - left) / (right - left) - (points[at][1] - bottom) / (top - bottom) for at in ends}
    farthest = max(ends, key=below.__getitem__)
    return farthest if below[farthest] > 1e-12 else None


def _frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of points that no other beats, from the best in the first loss on; of equal points the first."""
    found, lowest = [], inf
    for at in sorted(range(len(points)), key=lambda at: (*points[at], at)):
        if points[at][1] < lowest:
            found.append(at)
            lowest = points[at][1]
    return found
