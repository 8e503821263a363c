"""What do the best ones look like?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nas.conversation import Node
from nas.ranking import Ranked
from nas.report import words
from nas.report.data import DRAWN_ARCHITECTURES
from nas.report.drawing import draw
from nas.report.embeddings import measured, to_measure
from nas.report.figure import Table
from nas.report.section import Section, View
from nas.report.stages import fold

MOST_LAYERS = 250
MOST_DIFFERENCES = 30


def architectures(view: View) -> Section:
    """Draw the best architectures, each with its choices, its layers, and what is different from the best."""
    drawn = []
    best = view.ranked[0] if view.ranked else None
    for entry in view.ranked[:DRAWN_ARCHITECTURES]:
        graph = view.data.graphs.get(entry.trial.number, ())
        title = f"Architecture of trial {entry.trial.number}"
        drawn.append(
            {
                "entry": entry,
                "picture": draw(graph, title=title),
                "layers": graph[:MOST_LAYERS],
                "layer_count": len(graph),
                "stages": _stages(entry.trial.number, graph),
                "difference": None if best is None or entry is best else _difference(view, best, entry),
            }
        )
    return Section(
        "architectures",
        "What do the best ones look like?",
        _answer(view),
        {
            "drawn": drawn,
            "objectives": view.data.study.objectives,
            "embeddings": measured(view),
            "to_measure": to_measure(view),
        },
    )


def _stages(number: int, graph: Sequence[Node]) -> Table:
    """Return the stages of the drawing as a table."""
    rows = []
    for index, stage in enumerate(fold(graph), start=1):
        repeats = max((block.times for block in stage.blocks), default=1)
        kinds = Counter(node.layer for node in stage.nodes)
        told = ", ".join(f"{count} × {layer}" if count > 1 else layer for layer, count in kinds.items())
        rows.append(
            (
                index,
                words.shape(stage.shape),
                words.short(told, 120),
                repeats,
                words.exact(stage.weights),
                words.exact(stage.macs),
            )
        )
    headers = ("Stage", "Output", "Layers", ">Repeats", ">Weights", ">MACs")
    return Table(f"Stages of trial {number}, inputs first.", headers, tuple(rows))


def _difference(view: View, best: Ranked, entry: Ranked) -> Table:
    """Return in what `entry` is different from `best`: its choices, and the layers that only one of them has."""
    one, other = best.trial, entry.trial
    rows: list[tuple[object, ...]] = []
    for name in dict.fromkeys([*one.params, *other.params]):
        told = [words.setting(trial.params[name]) if name in trial.params else "" for trial in (one, other)]
        if told[0] != told[1]:
            rows.append((words.short(name, 60), *told))
    counts = [Counter(_layer(node) for node in view.data.graphs.get(trial.number, ())) for trial in (one, other)]
    for layer in dict.fromkeys([*counts[0], *counts[1]]):
        if counts[0][layer] != counts[1][layer]:
            rows.append((layer, *(f"{count[layer]} ×" if count[layer] else "" for count in counts)))
    left_out = len(rows) - MOST_DIFFERENCES
    caption = f"Choices and layers in which trial {other.number} differs from trial {one.number}, the best."
    if left_out > 0:
        caption += f" {left_out} more differences are left out."
    headers = ("What", f"Trial {one.number}, the best", f"Trial {other.number}")
    return Table(caption, headers, tuple(rows[:MOST_DIFFERENCES]))


def _layer(node: Node) -> str:
    return words.short(f"{node.layer} ▸ {words.shape(node.shape)}", 60)


def _answer(view: View) -> str:
    best = [entry.trial for entry in view.ranked[:DRAWN_ARCHITECTURES]]
    if not best:
        return "There is none to show yet."
    families = [words.short(trial.family, 40) if trial.family else "unknown family" for trial in best]
    told = ", ".join(f"{families.count(family)} × {family}" for family in dict.fromkeys(families))
    return f"The best {len(best)}: {told}." if len(best) > 1 else f"The best is of family {families[0]}."
