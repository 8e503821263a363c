"""How good an epoch was: by one metric, of the last step's weights or of averaged ones, whichever is better.

Both halves of the house ask: the worker, to keep the better weights; and who reads the curve, to tell which they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

from nas.conversation import AVERAGED

Direction: TypeAlias = Literal["minimize", "maximize"]


def worth(metrics: Mapping[str, float], metric: str, direction: Direction) -> tuple[float, str]:
    """Return how good an epoch with these `metrics` was, greater is better, and of which weights.

    These are ``""`` for those of the last step and `AVERAGED`, the prefix of their metrics, for averaged ones; of
    equals the former. Where `metric` is missing or not finite it is minus infinity.
    """
    sign = 1.0 if direction == "maximize" else -1.0
    told = [(sign * metrics.get(prefix + metric, math.nan), prefix) for prefix in ("", AVERAGED)]
    finite = [(value, prefix) for value, prefix in told if math.isfinite(value)]
    return max(finite, key=lambda found: found[0], default=(-math.inf, ""))
