"""What do the best ones look like?"""

from __future__ import annotations

from nas.report import words
from nas.report.data import DRAWN_ARCHITECTURES
from nas.report.drawing import draw
from nas.report.section import Section, View
from nas.report.stages import fold

MOST_LAYERS = 250


def architectures(view: View) -> Section:
    """Draw the best architectures, each with its choices and its layers."""
    drawn = []
    for entry in view.ranked[:DRAWN_ARCHITECTURES]:
        graph = view.data.graphs.get(entry.trial.number, ())
        title = f"Architecture of trial {entry.trial.number}"
        drawn.append(
            {
                "entry": entry,
                "picture": draw(graph, title=title),
                "layers": graph[:MOST_LAYERS],
                "layer_count": len(graph),
                "stage_count": len(fold(graph)),
            }
        )
    return Section(
        "architectures",
        "What do the best ones look like?",
        _answer(view),
        {"drawn": drawn, "objectives": view.data.study.objectives},
    )


def _answer(view: View) -> str:
    best = [entry.trial for entry in view.ranked[:DRAWN_ARCHITECTURES]]
    if not best:
        return "There is none to show yet."
    families = [words.short(trial.family, 40) if trial.family else "unknown family" for trial in best]
    told = ", ".join(f"{families.count(family)} × {family}" for family in dict.fromkeys(families))
    return f"The best {len(best)}: {told}." if len(best) > 1 else f"The best is of family {families[0]}."
