"""Where examples lie among the vectors that a model makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from nas.language import _, ngettext
from nas.report import words
from nas.report.figure import BEHIND, COLOURS, Figure, Table, named, of_numbers, rendered
from nas.store.evaluation_records import EmbeddingRecord

NAMED = 10
"""Classes with a colour and a mark of their own, the largest ones: more cannot be told apart."""
MARKS = ("circle", "square", "triangle-up", "diamond", "triangle-down")
COLUMNS = ((8, 5), (16, 2))
"""Of the legend below the picture: as many as there is room for with names of at most so many characters."""
TABLE_ROWS = 100


def embedding(name: str, record: EmbeddingRecord) -> Figure:
    """Draw the examples of `record` on their two principal components, each class with a colour and a mark."""
    import altair as alt

    points, split = record.projection, words.short(record.split, 40)
    sizes = Counter(points.labels)
    largest = [label for label, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:NAMED]]
    front = sorted(largest)
    labels = _told_apart([words.short(points.names[label], 28) for label in front])
    legend = dict(zip(front, labels, strict=True))
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(front))]
    marks = [MARKS[(index + index // len(COLOURS)) % len(MARKS)] for index in range(len(front))]
    left_over = len(sizes) - len(front)
    others = ngettext("{number} other class", "{number} other classes", left_over)
    if left_over:
        labels, colours, marks = [*labels, others], [*colours, BEHIND], [*marks, "circle"]

    rows = [
        {"x": x, "y": y, "class": legend.get(label, others), "front": label in legend}
        for x, y, label in zip(points.x, points.y, points.labels, strict=True)
    ]
    rows.sort(key=lambda row: bool(row["front"]))  # what is drawn last lies on top
    one, two = (
        _("component {number} ({share} of the variance)", number=number, share=words.percent(share))
        for number, share in enumerate(points.explained, start=1)
    )
    longest = max(map(len, labels))
    columns = next((many for length, many in COLUMNS if longest <= length), 1)
    key = alt.Legend(title=None, orient="bottom", symbolSize=70, columns=columns)
    chart = alt.Chart(named("rows")).mark_point(filled=True, opacity=1)
    chart = chart.encode(
        x=alt.X("x:Q", title=one, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(grid=True)),
        y=alt.Y("y:Q", title=two, scale=alt.Scale(zero=False, nice=True)),
        color=alt.Color("class:N", scale=alt.Scale(domain=labels, range=colours), legend=key),
        shape=alt.Shape("class:N", scale=alt.Scale(domain=labels, range=marks), legend=key),
        size=alt.Size("front:N", scale=alt.Scale(domain=[False, True], range=[10, 30]), legend=None),
    ).properties(width=300, height=300)

    title = _title(record, split)
    drawn, of = words.exact(len(points.x)), words.exact(record.examples)
    together = words.percent(sum(points.explained))
    description = ngettext(
        "Scatter plot: {title}: {drawn} of {of} examples, of {number} class, on two principal components, which "
        "explain {together} of the variance. Nearest neighbours are right about {knn}, a linear probe about {probe}.",
        "Scatter plot: {title}: {drawn} of {of} examples, of {number} classes, on two principal components, which "
        "explain {together} of the variance. Nearest neighbours are right about {knn}, a linear probe about {probe}.",
        len(sizes),
        title=title,
        drawn=drawn,
        of=of,
        together=together,
        knn=words.percent(record.knn.value, 1),
        probe=words.percent(record.probe.value, 1),
    )
    said = [
        _(
            "Each mark is an example: {drawn} of the {of} of {split}, on the two directions in which the vectors of "
            "train vary most.",
            drawn=drawn,
            of=of,
            split=split,
        ),
        _(
            "These explain {together} of their variance: what lies together here may be apart in the others.",
            together=together,
        ),
    ]
    if left_over:
        named_ones = _(
            "The {count} largest classes have a mark of their own; the small dots are those of the others.", count=NAMED
        )
        said.append(named_ones)
    caption = words.sentences(*said)
    picture = rendered(chart, name, description, rows=rows)
    return Figure(name, title, picture, caption, _table(title, record, sizes))


def _title(record: EmbeddingRecord, split: str) -> str:
    if record.layer is not None:
        layer = words.short(record.layer, 40)
        if record.evaluation is None:
            return _(
                "What layer {layer} of trial {trial} makes of {split}", layer=layer, trial=record.trial, split=split
            )
        return _(
            "What layer {layer} of trial {trial}, fine-tuned, makes of {split}",
            layer=layer,
            trial=record.trial,
            split=split,
        )
    if record.evaluation is None:
        return _("What the encoder of trial {trial} makes of {split}", trial=record.trial, split=split)
    return _("What the fine-tuned encoder of trial {trial} makes of {split}", trial=record.trial, split=split)


def _told_apart(labels: Sequence[str]) -> list[str]:
    """Return `labels`, numbered where cutting has made several of them the same."""
    many = Counter(labels)
    return [f"{label} ({place})" if many[label] > 1 else label for place, label in enumerate(labels, start=1)]


def _table(title: str, record: EmbeddingRecord, sizes: Counter[int]) -> Table:
    """Return where each class lies: the points one by one are in the report's data."""
    points, rows = record.projection, list[tuple[Any, ...]]()
    for label in sorted(sizes)[:TABLE_ROWS]:
        own = [(x, y) for x, y, of in zip(points.x, points.y, points.labels, strict=True) if of == label]
        columns = [[point[axis] for point in own] for axis in (0, 1)]
        middles = [f"{median(column):.3g}" for column in columns]
        rows.append((words.short(points.names[label], 60), len(own), *middles, *map(_half, columns)))
    said = [_("{title}: where each class lies; half of its examples are within each range.", title=title)]
    if len(sizes) > TABLE_ROWS:
        more = len(sizes) - TABLE_ROWS
        said.append(ngettext("{number} more class is left out.", "{number} more classes are left out.", more))
    headers = (
        *(_("Class"), of_numbers(_("Drawn")), of_numbers(_("Median 1")), of_numbers(_("Median 2"))),
        *(of_numbers(_("Half along 1")), of_numbers(_("Half along 2"))),
    )
    return Table(words.sentences(*said), headers, tuple(rows))


def _half(values: Sequence[float]) -> str:
    if len(values) < 2:
        return words.UNKNOWN
    low, _middle, high = quantiles(values, n=4, method="inclusive")
    return _("{low} to {high}", low=f"{low:.3g}", high=f"{high:.3g}")
