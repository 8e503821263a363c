"""A checked data set as a terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from nas.cli.tables import grid, table
from nas.data.inspect import QUANTILES, InputFacts, Inspection
from nas.data_card import DataCard
from nas.report import words

ALL_CLASSES = 12
"""Up to so many classes are all listed; of more, those that are most and least frequent in train."""


def inspection_view(found: Inspection, task: str, *, verbose: bool = False) -> list[RenderableType]:
    """Return what is to be known of a data set; every class where `verbose`."""
    card = found.card
    views: list[RenderableType] = [
        Text.assemble((words.short(card.source, 64), "bold"), f"  can be searched on, for {task}"),
        grid(
            {
                "examples": ", ".join(f"{count:,} {split}" for split, count in card.examples.items()),
                "fingerprint": card.fingerprint[:16],
                "baseline": _baseline(card),
                "target": _target(card),
            }
        ),
        _inputs(found.inputs),
    ]
    for name, facts in found.inputs.items():
        if facts.tokens:
            views.append(_quantiles(name, "tokens", facts.tokens, ".0f"))
        if facts.seconds:
            views.append(_quantiles(name, "seconds", facts.seconds, ".2f"))
    if card.class_counts:
        views += ["", *_classes(card, verbose)]
    if found.notes:
        views += ["", Text("Notes", style="bold"), *(Text(f"  {words.clean(note)}") for note in found.notes)]
    return views


def _baseline(card: DataCard) -> str | None:
    if card.baseline is None:
        return None
    metrics = ", ".join(f"{name} {words.score(value)}" for name, value in card.baseline.metrics.items())
    return f"{card.baseline.name}: {metrics}"


def _target(card: DataCard) -> str:
    target = card.target
    if card.class_counts:
        return f"{card.classes} classes"
    shape = "×".join(map(str, target.shape)) or "a number"
    if target.mean:
        spread = (f"{mean:.4g} ± {std:.4g}" for mean, std in zip(target.mean[:5], target.std[:5], strict=True))
        return f"{shape}, in train {', '.join(spread)}{' …' if len(target.mean) > 5 else ''}"
    return f"{shape}{f' of {len(target.names)} names' if target.names else ''}"


def _inputs(inputs: dict[str, InputFacts]) -> RenderableType:
    made = table("Input", "Kind", "Shape", "Stored", "Received", "~In train")
    for name, facts in inputs.items():
        shape = "×".join(map(str, facts.shape))
        made.add_row(words.short(name, 24), facts.kind, shape, facts.stored, facts.received, ", ".join(_said(facts)))
    return made


def _said(facts: InputFacts) -> list[str]:
    said = []
    if facts.low is not None and facts.high is not None:
        said.append(f"{facts.low:.4g} to {facts.high:.4g}")
    if facts.vocabulary:
        said.append(f"vocabulary {facts.vocabulary:,}")
    if facts.categories:
        said.append(f"{len(facts.categories)} of them categories, of {max(facts.categories):,} values at most")
    if facts.sample_rate:
        said.append(f"{facts.sample_rate:,} a second")
    if facts.cut is not None:
        said.append(f"{100 * facts.cut:.3g} % of texts are cut off")
    if facts.unknown is not None:
        said.append(f"{100 * facts.unknown:.3g} % of validation's tokens are unknown")
    if facts.silence is not None:
        said.append(f"{100 * facts.silence:.3g} % silence")
    return said


def _quantiles(name: str, what: str, values: Sequence[float], form: str) -> RenderableType:
    ends = {0.0: "least", 0.5: "half", 1.0: "most"}
    shown = (f"{ends.get(at, f'{100 * at:.0f} %')} {value:{form}}" for at, value in zip(QUANTILES, values, strict=True))
    return Text(f"{words.short(name, 24)}, {what}: {' · '.join(shown)}")


def _classes(card: DataCard, verbose: bool) -> list[RenderableType]:
    splits = list(card.class_counts)
    order = sorted(range(card.classes), key=lambda place: -card.class_counts["train"][place])
    hidden = 0
    if card.classes > ALL_CLASSES and not verbose:
        hidden = card.classes - ALL_CLASSES
        order = [*order[: ALL_CLASSES // 2], *order[-ALL_CLASSES // 2 :]]
    elif card.classes <= ALL_CLASSES:
        order = list(range(card.classes))
    made = table("~Class", *(f">{split.capitalize()}" for split in splits))
    for row, place in enumerate(order):
        if hidden and row == ALL_CLASSES // 2:
            made.add_row(f"… {words.plural(hidden, 'more class', 'more classes')}", *("" for _ in splits))
        counts = (f"{card.class_counts[split][place]:,}" for split in splits)
        made.add_row(words.short(card.target.names[place], 64), *counts)
    return [made]
