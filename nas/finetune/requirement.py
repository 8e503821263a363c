"""What a fine-tuned model has to reach: ``"val_accuracy>=0.93"``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nas.errors import BadInput, did_you_mean
from nas.metrics import ANY, bounds

_FORM = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(>=|<=)\s*([-+0-9.eE]+)\s*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A value of a validation metric that has to be reached."""

    metric: str
    sign: Literal[">=", "<="]
    value: float

    def is_met(self, score: float) -> bool:
        """Whether `score` is good enough; what is not a number is not."""
        return score >= self.value if self.sign == ">=" else score <= self.value

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.value:g}"


def parse_requirement(
    text: str, objective: tuple[str, str], metrics: Sequence[str], scores: Sequence[float] = ()
) -> Requirement:
    """Return what `text` requires.

    Args:
        text: ``METRIC>=VALUE`` or ``METRIC<=VALUE``.
        objective: The first objective of the study and its direction: what is fine-tuned for.
        metrics: The task's validation metrics.
        scores: What the search has measured: a model's own loss, say, may be what its name does not let expect.

    Raises:
        BadInput: It has another form; the metric is not the objective; the sign is the wrong way round; or the value
            is none that the metric can have.
    """
    metric, direction = objective
    sign: Literal[">=", "<="] = ">=" if direction == "maximize" else "<="
    example = f"Write e.g. --until '{metric}{sign}{'0.9' if direction == 'maximize' else '0.1'}'."
    found = _FORM.fullmatch(text)
    try:
        value = float(found[3]) if found else math.nan
    except ValueError:
        value = math.nan
    if found is None or not math.isfinite(value):
        raise BadInput(f"--until takes a metric, >= or <=, and a number. Received: {text!r}. {example}")
    if found[1].startswith("test_"):
        raise BadInput(
            f"--until {text!r}: the test split is for one look at the end. What is adjusted until it is met is "
            f"measured on the validation split. {example}"
        )
    if found[1] != metric:
        known = did_you_mean(found[1], metrics) if found[1] not in metrics else ""
        raise BadInput(
            f"--until {text!r}: {found[1]!r} is not what the study is for, its first objective is {metric!r}, and the "
            f"best epoch and the best training are chosen by that.{known} {example}"
        )
    if found[2] != sign:
        raise BadInput(f"--until {text!r}: {metric} is to be {direction}d, so the sign is {sign}. {example}")
    named = bounds(metric)
    within = named if named.holding(scores) == named else ANY
    if within.clip(value) != value:
        share = f" {value:g} % are {value / 100:g}." if within.high == 1.0 and 1.0 < value <= 100.0 else ""
        raise BadInput(f"--until {text!r}: {metric} is {within}.{share} {example}")
    return Requirement(metric, sign, value)
