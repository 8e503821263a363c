from hypothesis import given
from hypothesis import strategies as st

from nas.report.difference import choices, described, numbered, rows
from tests.report.samples import cnn_graph, resnet_graph

LINES = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xyz")), max_size=8)


def whole(one, other):
    """The rows with those that are alike one by one."""
    return [row for row in rows(one, other) for _ in range(row.alike or 1)]


def distance(one, other):
    """The same by the definition: what one of three first steps leaves."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return distance(one[1:], other[1:])
    left = [distance(one[1:], other), distance(one, other[1:])]
    return 1 + min(left + ([distance(one[1:], other[1:])] if one[0][0] == other[0][0] else []))


@given(LINES, LINES)
def test_nothing_is_lost_and_as_little_as_possible_differs(one, other):
    found = rows(one, other)
    assert sum(row.alike or (row.how != "added") for row in found) == len(one)
    assert sum(row.alike or (row.how != "removed") for row in found) == len(other)
    differ = [row for row in found if row.how != "alike"]
    assert len(differ) == distance(one, other)
    assert all(row.one[0] == row.other[0] != "" and row.one != row.other for row in differ if row.how == "changed")
    kept = [row.one for row in differ if row.how != "added"]
    assert kept == [line for line, row in zip(one, (r for r in whole(one, other) if r.how != "added"), strict=True)
                    if row.how != "alike"]  # fmt: skip


def test_a_layer_is_told_by_kind_shape_and_settings():
    line = described(cnn_graph())[1]
    assert line == ("Conv2D", "8 × 8 × 32", "filters 32", "kernel_size 3×3", "strides 1×1")
    found = rows(described(cnn_graph()), described(cnn_graph()))
    assert [(row.how, row.alike) for row in found] == [("alike", len(cnn_graph()))]


def test_every_line_is_told_once():
    graphs = [described(cnn_graph()), described(resnet_graph())]
    lines, indices = numbered(graphs)
    assert [[lines[index] for index in some] for some in indices] == graphs
    assert len(set(lines)) == len(lines) < len(indices[1])


def test_choices_that_one_has_not_made_are_empty():
    assert choices({"depth": "2", "width": "8"}, {"depth": "2", "heads": "4"}) == [
        ("width", "8", ""),
        ("heads", "", "4"),
    ]
