"""Where examples lie among the vectors that a model makes of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from markupsafe import Markup

from nas.report import words
from nas.report.figure import BEHIND, COLOURS, Figure, Table, named, rendered
from nas.store.records import EmbeddingRecord

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
    others = words.plural(left_over, "other class", "other classes")
    if left_over:
        labels, colours, marks = [*labels, others], [*colours, BEHIND], [*marks, "circle"]

    rows = [
        {"x": x, "y": y, "class": legend.get(label, others), "front": label in legend}
        for x, y, label in zip(points.x, points.y, points.labels, strict=True)
    ]
    rows.sort(key=lambda row: bool(row["front"]))  # what is drawn last lies on top
    one, two = (f"component {at} ({share:.0%} of the variance)" for at, share in enumerate(points.explained, start=1))
    longest = max(map(len, labels))
    columns = next((many for length, many in COLUMNS if longest <= length), 1)
    key = alt.Legend(title=None, orient="bottom", symbolSize=70, columns=columns)
    chart = alt.Chart(named("rows")).mark_point(filled=True, opacity=1)
    chart = chart.encode(
        x=alt.X("x:Q").title(one).scale(zero=False, nice=True).axis(grid=True),
        y=alt.Y("y:Q").title(two).scale(zero=False, nice=True),
        color=alt.Color("class:N").scale(domain=labels, range=colours).legend(key),
        shape=alt.Shape("class:N").scale(domain=labels, range=marks).legend(key),
        size=alt.Size("front:N").scale(domain=[False, True], range=[10, 30]).legend(None),
    ).properties(width=300, height=300)

    unit = ", each vector of length 1" if record.normalised else ""
    title = f"What {_layer(record)} of trial {record.trial} makes of {split}{unit}"
    some = len(points.x) < record.examples
    drawn = f"{len(points.x):,} of {record.examples:,} examples" if some else f"all {record.examples:,} examples"
    together = f"{sum(points.explained):.0%}"
    description = (
        f"Scatter plot: {title}: {drawn} of {words.plural(len(sizes), 'class', 'classes')} on two principal "
        f"components, which explain {together} of the variance. {_score('Nearest neighbours', record.knn.value)}, "
        f"{_score('a linear probe', record.probe.value)}."
    )
    caption = (
        f"Each mark is an example: {drawn} of {split}, on the two directions in which the vectors of train vary "
        f"most. These explain {together} of their variance: what lies together here may be apart in the others."
    )
    if left_over:
        caption += f" The {NAMED} largest classes have a mark of their own; the small dots are those of the others."
    picture = _short(rendered(chart, name, description, rows=rows))
    return Figure(name, title, picture, caption, _table(title, record, sizes))


_PLACE = re.compile(r"(?<=translate\()([0-9.]+),([0-9.]+)(?=\))")


def _short(picture: Markup) -> Markup:
    """Return `picture` with places of a tenth of a pixel: of hundreds of marks the other digits are half a page."""
    return Markup(_PLACE.sub(lambda at: f"{float(at[1]):.1f},{float(at[2]):.1f}", picture))


def _layer(record: EmbeddingRecord) -> str:
    tuned = "" if record.evaluation is None else "fine-tuned "
    return f"the {tuned}encoder" if record.layer is None else f"{tuned}layer {words.short(record.layer, 40)}"


def _score(who: str, value: float) -> str:
    return f"{who} {'are' if who.endswith('s') else 'is'} right about {value:.1%}"


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
    caption = f"{title}: where each class lies; half of its examples are within each range."
    if len(sizes) > TABLE_ROWS:
        caption += f" {len(sizes) - TABLE_ROWS} more classes are left out."
    headers = ("Class", ">Drawn", ">Median 1", ">Median 2", ">Half along 1", ">Half along 2")
    return Table(caption, headers, tuple(rows))


def _half(values: Sequence[float]) -> str:
    if len(values) < 2:
        return words.UNKNOWN
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{low:.3g} to {high:.3g}"
