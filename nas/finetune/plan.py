"""What to train next of one finalist: pure functions of what has been trained of it so far.

The loop of a careful engineer: train at full length, from scratch and from the weights of the search; refine the
learning rate about the better of the two, then how much it is regularised; while a requirement is not met, do what the
diagnosis of the best training asks for; and train the best recipe again with other seeds. Everything in it follows from
the trainings there are, so that it can be gone on with wherever it was cut short.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from nas.conversation import Scalar
from nas.finetune.diagnosis import Finding
from nas.store.evaluation_records import EvaluationRecord

Origin: TypeAlias = Literal["scratch", "search"]
Stage: TypeAlias = Literal["full length", "learning rate", "regularisation", "adjusting", "seeds"]
OPTIMIZER = "training/optimizer"
RATES = (0.4, 2.5)
"""What the learning rate is multiplied by where it is refined."""
DECAYS = (5.0, 0.2)
"""Likewise the weight decay: more of it first where the best training overfits."""
PRETRAINED_RATE = "training/pretrained_rate"
GENTLE = 0.3
"""What the learning rate of an encoder is multiplied by that goes on from the search: it is nearly there."""
LONGER = 2.0
"""How many times as many epochs it gets that was still improving."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One training: `params` are those that differ from the trial's, `origin` is where its first weights come from."""

    stage: Stage
    origin: Origin
    params: Mapping[str, Scalar]
    epochs: int
    seed: int
    why: str

    @property
    def recipe(self) -> str:
        """How it is trained, in words: where from, and what is different from the search."""
        begin = "from scratch" if self.origin == "scratch" else "from the encoder of the search"
        return ", ".join([begin, *(_changed(name, value) for name, value in self.params.items())])

    @property
    def key(self) -> str:
        """What tells it from other plans: the same key is the same training."""
        return json.dumps([self.origin, dict(sorted(self.params.items())), self.epochs, self.seed])

    def as_dict(self) -> dict[str, Any]:
        """Return what is stored of it; epochs and seed have columns of their own."""
        return {"stage": self.stage, "origin": self.origin, "params": dict(self.params), "why": self.why}


def _changed(name: str, value: Scalar) -> str:
    told = f"{value:.3g}" if isinstance(value, float) else str(value)
    if name == PRETRAINED_RATE:
        return f"which learns at {told} times the rate"
    return f"{name.removeprefix('training/').replace('_', ' ')} {told}"


def plan_of(record: EvaluationRecord) -> Plan:
    """Return what `record` was trained by."""
    plan = record.plan
    return Plan(plan["stage"], plan["origin"], plan["params"], record.epochs, record.seed, plan["why"])


@dataclass(frozen=True, slots=True)
class Finalist:
    """One architecture that is fine-tuned, and what there is to choose from.

    `trial` is its trial's number and `params` that trial's. `has_weights` tells whether there is an encoder of the
    search to go on from: without one it is trained from scratch, whatever was asked for. `augmentations` are, by
    param, the values it may take.
    """

    trial: int
    params: Mapping[str, Scalar]
    has_weights: bool
    augmentations: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for: epochs at full length, seeds of the best recipe, origins, trainings for each finalist."""

    epochs: int
    seeds: int
    origins: tuple[Origin, ...]
    trainings: int


Diagnose: TypeAlias = Callable[[EvaluationRecord], Sequence[Finding]]


def next_plans(
    finalist: Finalist,
    done: Sequence[EvaluationRecord],
    wishes: Wishes,
    *,
    goodness: Callable[[EvaluationRecord], float],
    met: bool,
    asked: bool,
    diagnose: Diagnose,
) -> list[Plan]:
    """Return what can be trained now; nothing where the trainings are used up, or it waits for what is being trained.

    Args:
        finalist: Whose turn it is.
        done: All that has been begun of it.
        wishes: What was asked for.
        goodness: How good a training is, greater is better; minus infinity where it failed.
        met: Whether the requirement is met, if there is one.
        asked: Whether there is one.
        diagnose: Says what is wrong with a training.
    """
    known = {plan_of(record).key for record in done}
    waiting = any(record.outcome is None for record in done)
    stages = _stages(finalist, done, wishes, goodness, met, asked, diagnose)
    for stage in stages:
        left = wishes.trainings - len(done) - _reserved(stage, stages[-1], wishes, known)
        missing = [plan for plan in stage if plan.key not in known][: max(0, left)]
        if missing or (waiting and any(_is_open(plan, done) for plan in stage)):
            return missing
    return []


def _reserved(stage: Sequence[Plan], last: Sequence[Plan], wishes: Wishes, known: Collection[str]) -> int:
    """Return how many trainings `stage` must leave: what is refined and adjusted leaves room for the other seeds.

    Seeds that the best recipe has been trained with need none. Where it is not known yet, `last` is no stage of seeds.
    """
    if not stage or stage[0].stage not in ("learning rate", "regularisation", "adjusting"):
        return 0
    if last and last[0].stage != "seeds":
        return wishes.seeds - 1
    return sum(plan.key not in known for plan in last)


def _is_open(plan: Plan, done: Sequence[EvaluationRecord]) -> bool:
    return any(record.outcome is None and plan_of(record).key == plan.key for record in done)


def _stages(
    finalist: Finalist,
    done: Sequence[EvaluationRecord],
    wishes: Wishes,
    goodness: Callable[[EvaluationRecord], float],
    met: bool,
    asked: bool,
    diagnose: Diagnose,
) -> list[list[Plan]]:
    """Return the stages there are so far, each a list of plans; a later one follows from how the earlier ones ended."""
    base = _at_full_length(finalist, wishes)
    stages = [base]
    best = _best(done, goodness, {plan.key for plan in base})
    if best is None:
        stages.append(_rescue(finalist, done, base))
        best = next((record for record in done if _is_rescued(record, goodness)), None)
    if best is None:
        return stages
    if not (asked and met):
        tried = {plan.key for stage in stages for plan in stage} | {plan_of(best).key}
        stages.append(_refined_rate(plan_of(best), finalist))
        tried |= {plan.key for plan in stages[-1]}
        best = _best(done, goodness, tried) or best
        stages.append(_refined_decay(plan_of(best), finalist, diagnose(best)))
    every = _best(done, goodness, None) or best
    if asked and not met:
        stages.append(_adjusted(plan_of(every), finalist, diagnose(every), done))
    stages.append([replace(plan_of(every), stage="seeds", seed=seed) for seed in range(1, wishes.seeds)])
    return stages


def _rescue(finalist: Finalist, done: Sequence[EvaluationRecord], base: Sequence[Plan]) -> list[Plan]:
    """Return what may go well where every training at full length became no number: a far lower learning rate."""
    keys = {plan.key for plan in base}
    diverged = next((record for record in done if record.kind == "nan" and plan_of(record).key in keys), None)
    if diverged is None:
        return []
    plans = [_rate_times(plan_of(diverged), finalist, factor) for factor in (0.1, 0.01)]
    known = {plan_of(record).key for record in done if record.outcome is not None}
    return [replace(plan, stage="adjusting") for plan in plans if plan.key not in known | keys][:1]


def _is_rescued(record: EvaluationRecord, goodness: Callable[[EvaluationRecord], float]) -> bool:
    return record.seed == 0 and plan_of(record).stage == "adjusting" and goodness(record) > -math.inf


def _best(
    done: Sequence[EvaluationRecord], goodness: Callable[[EvaluationRecord], float], keys: set[str] | None
) -> EvaluationRecord | None:
    """Return the best training with the first seed, among those with these `keys`."""
    tried = [record for record in done if record.seed == 0 and (keys is None or plan_of(record).key in keys)]
    good = [record for record in tried if goodness(record) > -math.inf]
    return max(good, key=goodness) if good else None


def _at_full_length(finalist: Finalist, wishes: Wishes) -> list[Plan]:
    plans = []
    if "scratch" in wishes.origins or not finalist.has_weights:
        plans.append(Plan("full length", "scratch", {}, wishes.epochs, 0, "as in the search, at full length"))
    if "search" in wishes.origins and finalist.has_weights:
        before = finalist.params.get(PRETRAINED_RATE, 1.0)
        gentle = {PRETRAINED_RATE: GENTLE * before if isinstance(before, float) else GENTLE}
        why = f"from the encoder of the search, which learns at {GENTLE:g} times the rate"
        plans.append(Plan("full length", "search", gentle, wishes.epochs, 0, why))
    return plans


def _refined_rate(best: Plan, finalist: Finalist) -> list[Plan]:
    found = []
    for factor in RATES:
        params = _scaled(finalist.params, best.params, "learning_rate", factor)
        if params != dict(best.params):
            found.append(replace(best, stage="learning rate", params=params, why=f"the learning rate × {factor:g}"))
    return found


def _refined_decay(best: Plan, finalist: Finalist, findings: Sequence[Finding]) -> list[Plan]:
    overfits = any(found.kind == "overfitting" for found in findings)
    found = []
    for factor in DECAYS if overfits else reversed(DECAYS):
        params = _scaled(finalist.params, best.params, "weight_decay", factor)
        if params != dict(best.params):
            found.append(replace(best, stage="regularisation", params=params, why=f"the weight decay × {factor:g}"))
    augmented = _augmented(finalist, best)
    if overfits and augmented is not None:
        found[1:] = [replace(augmented, stage="regularisation")]
    return found[:2]


def _augmented(finalist: Finalist, best: Plan) -> Plan | None:
    """Return `best` with the next stronger augmentation of the first input that has one."""
    for name, values in finalist.augmentations.items():
        now = best.params.get(name, finalist.params.get(name))
        if now in values and now != values[-1]:
            stronger = values[values.index(now) + 1]
            return replace(
                best, params={**best.params, name: stronger}, why=f"augmentation {stronger} instead of {now}"
            )
    return None


def _adjusted(
    best: Plan, finalist: Finalist, findings: Sequence[Finding], done: Sequence[EvaluationRecord]
) -> list[Plan]:
    """Return the first remedy for what is wrong with the best training that has not been tried."""
    known = {plan_of(record).key for record in done}
    for plan in _remedies(best, finalist, [found.kind for found in findings]):
        if plan.key not in known or _is_open(plan, done):
            return [replace(plan, stage="adjusting")]
    return []


def _remedies(best: Plan, finalist: Finalist, kinds: Sequence[str]) -> list[Plan]:
    """Return what could be tried, the most promising first."""

    def rate(factor: float) -> Plan:
        return _rate_times(best, finalist, factor)

    def decay(factor: float) -> Plan:
        params = _scaled(finalist.params, best.params, "weight_decay", factor)
        return replace(best, params=params, why=f"the weight decay × {factor:g}")

    longer = replace(best, epochs=math.ceil(LONGER * best.epochs), why=f"{LONGER:g} times the epochs")
    augmented = _augmented(finalist, best)
    by_kind: dict[str, list[Plan]] = {
        "not converging": [rate(0.1), rate(0.3)],
        "overfitting": [*([augmented] if augmented else []), decay(5.0), decay(25.0)],
        "too slow": [longer, rate(2.0)],
        "underfitting": [longer, rate(2.0), decay(0.1)],
    }
    plans = [plan for kind in kinds for plan in by_kind.get(kind, [])]
    plans += [longer, rate(0.7), rate(1.5), decay(2.0)]
    return [plan for plan in plans if plan.key != best.key]


def _rate_times(plan: Plan, finalist: Finalist, factor: float) -> Plan:
    params = _scaled(finalist.params, plan.params, "learning_rate", factor)
    return replace(plan, params=params, why=f"the learning rate × {factor:g}")


def _scaled(params: Mapping[str, Scalar], changed: Mapping[str, Scalar], what: str, factor: float) -> dict[str, Scalar]:
    """Return `changed` with the optimizer's ``learning_rate`` or ``weight_decay`` multiplied, where there is one."""
    name = f"training/{params.get(OPTIMIZER)}_{what}"
    now = changed.get(name, params.get(name))
    return {**changed, name: now * factor} if isinstance(now, float) else dict(changed)
