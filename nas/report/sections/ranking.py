"""How do the architectures compare?"""

from __future__ import annotations

from collections.abc import Mapping

from nas.conversation import Scalar
from nas.report import words
from nas.report.section import Section, View

MOST_ROWS = 100
SHORT = {"learning_rate": "rate", "weight_decay": "decay", "batch_size": "batch"}


def ranking(view: View) -> Section:
    """Give the table of architectures, best first."""
    study, shown = view.data.study, view.ranked[:MOST_ROWS]
    complete = sum(len(entry.trials) for entry in view.ranked)
    count = words.plural(len(view.ranked), "architecture")
    what = f"The best {len(shown)} of {count}" if len(shown) < len(view.ranked) else f"All {count}"
    return Section(
        "ranking",
        "How do the architectures compare?",
        _answer(view),
        {
            "entries": [(entry, _training(entry.trial.training)) for entry in shown],
            "objectives": [
                (objective, "highest first" if direction == "maximize" else "lowest first")
                for objective, direction in zip(study.objectives, study.directions, strict=True)
            ],
            "costs": [cost for cost in ("weights", "macs") if cost not in study.objectives],
            "caption": f"{what} with a score, from {words.plural(complete, 'complete trial')}. "
            "A score is that of one training, the best one found for that architecture.",
            "command": view.command,
        },
    )


def _training(choices: Mapping[str, Scalar]) -> str:
    """Return training choices in short: names that say themselves are left out, and what was not used."""
    used = {name: value for name, value in choices.items() if value not in (None, "none", False)}
    parts = [
        words.setting(value) if isinstance(value, str) else f"{SHORT.get(name, name)} {words.setting(value)}"
        for name, value in used.items()
    ]
    return words.short(", ".join(parts), 120) or words.UNKNOWN


def _answer(view: View) -> str:
    if not view.ranked:
        return "There is nothing to compare yet."
    if len(view.data.study.objectives) > 1:
        return "Ordered by frontier (1 is beaten by nobody), and within one by the first objective."
    if len(view.ranked) == 1:
        return "There is only one so far."
    objective = view.data.study.objectives[0]
    best, median, last = (
        words.score(view.ranked[index].values[0], objective) for index in (0, len(view.ranked) // 2, -1)
    )
    return f"{words.short(objective, 40)} goes from {best} over {median} (the middle one) to {last}."
