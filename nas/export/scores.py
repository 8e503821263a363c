"""The part of a model card that says what a model scored, how sure that is, and on what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nas.conversation import AVERAGED
from nas.finetune.plan import plan_of
from nas.report import words
from nas.training.tasks.shares import interval
from nas.worth import Direction, worth

if TYPE_CHECKING:
    from nas.search.chosen import Chosen
    from nas.store.evaluation_records import EvaluationRecord


def scores(chosen: Chosen) -> Iterator[str]:
    """Yield lines of Markdown: validation, test where it was looked at, what other seeds came to, what is to beat."""
    tuned = chosen.weights.tuned
    yield "## Scores"
    yield ""
    yield from _tuned(chosen, tuned) if tuned is not None else _searched(chosen)
    trust = chosen.ranked.trust if chosen.ranked is not None else None
    if trust is not None and trust.seeds and math.isfinite(trust.estimate):
        yield ""
        ends = (
            f", between {words.score(trust.low)} and {words.score(trust.high)} with 95 %"
            if math.isfinite(trust.low)
            else "; how sure that is cannot be told, as all trainings came to one score"
        )
        yield (
            f"At the search's length, {words.plural(trust.seeds, 'training')} with other seeds: many of them would "
            f"average to an estimated {words.score(trust.estimate)}{ends}."
        )
    if chosen.bar is not None:
        yield ""
        values = chosen.trial.values or (None,)
        score = values[0] if chosen.ranked is None else chosen.ranked.told[0]
        beaten = "it is beaten" if chosen.bar.is_beaten_by(score) else "**it is not beaten**"
        told = f"`{chosen.bar.metric}` {words.score(chosen.bar.value)}"
        yield f"To beat: {words.clean(chosen.bar.name)}, {told}; {beaten}."


def _searched(chosen: Chosen) -> Iterator[str]:
    study, trial = chosen.study, chosen.trial
    examples = chosen.order.data.examples["validation"]
    yield (
        f"On the validation split, {examples:,} examples, after the last of {trial.epochs} epochs. The search chose by "
        f"{', '.join(f'`{name}`' for name in study.objectives)} on this very split: the score of the best of many "
        "trials is optimistic, by an amount that only data nobody has chosen by can tell."
    )
    yield ""
    yield "| score | value | 95 % interval (Wilson), for the sample alone |"
    yield "|---|---|---|"
    for name, value in sorted(trial.metrics.items()):
        if name.startswith("val_"):  # those of train say nothing of other data
            found = interval(chosen.order.task, name, value, examples)
            ends = "–" if found is None else f"{found[0]:.4f} to {found[1]:.4f}"
            yield f"| `{name}` | {words.score(value)} | {ends} |"


def _tuned(chosen: Chosen, tuned: EvaluationRecord) -> Iterator[str]:
    metric, direction = chosen.study.objectives[0], chosen.study.directions[0]
    epoch, found = best_epoch(tuned, metric, direction)
    looks = [look for look in chosen.looks if look.evaluation == tuned.number]
    test = looks[-1] if looks else None
    yield (
        f"Fine-tuned {plan_of(tuned).recipe}; the weights are those of epoch {epoch} of {len(tuned.curve)}, the best "
        f"by `{metric}` on the validation split, which is therefore optimistic."
        + (" They are an average over the last steps." if any(name.startswith(AVERAGED) for name in found) else "")
    )
    if test is not None:
        times = "once" if len(chosen.looks) == 1 else f"{len(chosen.looks)} times, each of which makes it worth less"
        yield (
            f"The test split, {test.examples:,} examples, was looked at {times}; intervals are bootstrapped over its "
            "examples."
        )
    yield ""
    yield "| score | validation | test | 95 % interval |"
    yield "|---|---|---|---|"
    for name, value in sorted((name.removeprefix(AVERAGED), value) for name, value in found.items()):
        measured = test.metrics.get(name) if test is not None else None
        ends = words.UNKNOWN if measured is None else words.interval(measured.low, measured.high)
        value_on_test = "–" if measured is None else words.score(measured.value)
        yield f"| `{name.removeprefix('val_')}` | {words.score(value)} | {value_on_test} | {ends} |"


def best_epoch(tuned: EvaluationRecord, metric: str, direction: Direction) -> tuple[int, dict[str, float]]:
    """Return which epoch of a fine-tuning was best, and its validation metrics, of averaged weights if those were."""
    index = max(range(len(tuned.curve)), key=lambda at: worth(tuned.curve[at].metrics, metric, direction)[0])
    metrics = tuned.curve[index].metrics
    prefix = worth(metrics, metric, direction)[1]
    return tuned.curve[index].step, {name: value for name, value in metrics.items() if name.startswith(f"{prefix}val_")}
