"""What do the best ones look like?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nas.architecture import Node
from nas.language import _, ngettext
from nas.ranking import Ranked
from nas.report import difference, words
from nas.report.data import DRAWN_ARCHITECTURES
from nas.report.drawing import PHONE_WIDE, draw
from nas.report.embedded import embedded
from nas.report.embeddings import measured, to_measure
from nas.report.figure import Table, of_numbers
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
        title = _("Architecture of trial {trial}", trial=entry.trial.number)
        drawn.append(
            {
                "entry": entry,
                "picture": draw(graph, title=title),
                "narrow": draw(graph, title=title, most_wide=PHONE_WIDE),
                "told": _told(view, entry, len(graph)),
                "layers": graph[:MOST_LAYERS],
                "layer_count": len(graph),
                "stages": _stages(entry.trial.number, graph),
                "difference": None if best is None or entry is best else _difference(view, best, entry),
            }
        )
    return Section(
        "architectures",
        _("What do the best ones look like?"),
        _answer(view),
        {
            "drawn": drawn,
            "objectives": view.data.study.objectives,
            "two": _two(view),
            "embeddings": measured(view),
            "to_measure": to_measure(view),
        },
    )


def _two(view: View) -> dict[str, object] | None:
    """Return what a reader compares any two by, with the two best compared; ``None`` where there are not two."""
    known = [entry for entry in view.shown if view.data.graphs.get(entry.trial.number)]
    if len(known) < 2:
        return None
    numbers = [entry.trial.number for entry in known]
    layers = [difference.described(view.data.graphs[number]) for number in numbers]
    told = [difference.told(entry.trial.params) for entry in known]
    lines, indices = difference.numbered(layers)
    found = difference.rows(layers[0], layers[1])
    counts = Counter({"alike": 0, "changed": 0, "removed": 0, "added": 0})
    for row in found:
        counts[row.how] += row.alike or 1
    trials = {
        number: {"choices": choices, "layers": places}
        for number, choices, places in zip(numbers, told, indices, strict=True)
    }
    return {
        "one": numbers[0],
        "other": numbers[1],
        "options": [(entry.trial.number, _option(entry)) for entry in known],
        "choices": difference.choices(told[0], told[1]),
        "rows": found,
        "counts": counts,
        "data": embedded({"lines": lines, "trials": trials}),
    }


def _option(entry: Ranked) -> str:
    family = words.family(entry.trial.family, 24)
    return _("{place}. trial {trial} {family}", place=entry.place, trial=entry.trial.number, family=family).strip()


def _told(view: View, entry: Ranked, layers: int) -> str:
    """Return the scores of an architecture, what it costs and how long it is."""
    trial = entry.trial
    scores = words.series(
        f"{words.short(objective, 40)} {words.score(value, objective)}"
        for objective, value in zip(view.data.study.objectives, entry.values, strict=True)
    )
    macs = _("{count} MACs", count=words.count(trial.cost.macs))
    if trial.cost.unknown:
        macs = _("{what} ({how})", what=macs, how=words.short(trial.cost.unknown, 120))
    stages = len(fold(view.data.graphs.get(trial.number, ())))
    return _(
        "Trial {trial}: {scores}, {weights} weights, {macs}, {layers} in {stages}.",
        trial=trial.number,
        scores=scores,
        weights=words.count(trial.cost.weights),
        macs=macs,
        layers=ngettext("{number} layer", "{number} layers", layers),
        stages=ngettext("{number} stage", "{number} stages", stages),
    )


def _stages(number: int, graph: Sequence[Node]) -> Table:
    """Return the stages of the drawing as a table."""
    rows = []
    for index, stage in enumerate(fold(graph), start=1):
        repeats = max((block.times for block in stage.blocks), default=1)
        kinds = Counter(node.layer for node in stage.nodes)
        told = words.series(f"{count} × {layer}" if count > 1 else layer for layer, count in kinds.items())
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
    headers = (_("Stage"), _("Output"), _("Layers"), of_numbers(_("Repeats")), of_numbers(_("Weights")), ">MACs")
    return Table(_("Stages of trial {trial}, inputs first.", trial=number), headers, tuple(rows))


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
    caption = words.sentences(
        _(
            "Choices and layers in which trial {other} differs from trial {best}, the best.",
            other=other.number,
            best=one.number,
        ),
        ngettext("{number} more difference is left out.", "{number} more differences are left out.", left_out)
        if left_out > 0
        else "",
    )
    headers = (
        _("What"),
        _("Trial {trial}, the best", trial=one.number),
        _("Trial {trial}", trial=other.number),
    )
    return Table(caption, headers, tuple(rows[:MOST_DIFFERENCES]))


def _layer(node: Node) -> str:
    return words.short(f"{node.layer} ▸ {words.shape(node.shape)}", 60)


def _answer(view: View) -> str:
    best = [entry.trial for entry in view.ranked[:DRAWN_ARCHITECTURES]]
    if not best:
        return _("There is none to show yet.")
    families = [words.family(trial.family) or _("unknown family") for trial in best]
    if len(best) == 1:
        return _("The best is of family {family}.", family=families[0])
    told = words.series(f"{families.count(family)} × {family}" for family in dict.fromkeys(families))
    return _("The best {count}: {families}.", count=len(best), families=told)
