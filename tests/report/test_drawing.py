from xml.etree import ElementTree

import pytest

from nas.architecture import Node
from nas.report.drawing import MOST_STAGES, MOST_WIDE, draw
from tests.report import samples

GRAPHS = {
    "cnn": samples.cnn_graph(),
    "resnet": samples.resnet_graph(),
    "vit": samples.vit_graph(),
    "bottleneck": samples.bottleneck_graph(),
    "two inputs": samples.two_inputs_graph(),
    "dense net": samples.dense_net_graph(),
    "one node": (Node("x", "InputLayer", "x", (None, 5)),),
    "scalar": (Node("x", "Lambda", "x", ()),),
    "empty": (),
}


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize("name", GRAPHS)
def test_any_graph_becomes_a_picture_that_fits_the_page(name):
    svg = draw(GRAPHS[name], title=name)
    root = ElementTree.fromstring(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert 0 < width <= MOST_WIDE + 20
    for rect in root.iter("rect"):
        assert float(rect.get("x")) >= 0
        assert float(rect.get("x")) + float(rect.get("width")) <= width
        assert float(rect.get("y")) + float(rect.get("height")) <= height
    assert root.get("aria-label").startswith(f"{name}: ")
    assert not {"style", "onload", "id"} & {key for element in root.iter() for key in element.attrib}


def test_shapes_repeats_costs_and_skips_are_told():
    svg = draw(samples.resnet_graph(), title="t")
    told = texts(svg)
    assert {"8 × 8 × 16", "4 × 4 × 32", "× 2", "Conv 3×3 /2", "23.4 k weights", "1.47 M MACs"} <= set(told)
    assert (
        svg.count('class="skip"') == 5
    )  # a branch in each of two and two blocks, and in the repeat of the first stage


def test_the_layers_of_a_transformer_block_are_told_in_words():
    told = texts(draw(samples.vit_graph(), title="t"))
    assert {"Attention 4 heads", "Dense → 96", "layer norm · gelu", "× 4"} <= set(told)


def test_of_many_stages_the_middle_ones_are_counted():
    svg = draw(samples.dense_net_graph(), title="t")
    assert svg.count('class="card"') == MOST_STAGES - 1
    assert f"… {153 - MOST_STAGES + 1} …" in texts(svg)  # an input, 150 dense layers, a pool, a head


def test_an_unknown_architecture_says_so():
    assert texts(draw((), title="t")) == ["The architecture is unknown."]


def test_names_are_escaped_and_kept_short():
    hostile = "</svg><script>alert(1)</script>" + "x" * 10_000
    nodes = (Node(hostile, hostile, hostile, (3,), {"activation": hostile, "kernel_size": hostile}),)
    svg = draw(nodes, title=hostile[:50])
    assert "<script" not in svg
    assert len(svg) < 3000
