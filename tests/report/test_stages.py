import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import Node
from nas.report.stages import fold
from tests.report import samples


def outline(graph):
    """Each stage as ``(shape, [(times, layers of the block)])``."""
    return [
        (stage.shape, [(block.times, [node.layer for node in block.nodes]) for block in stage.blocks])
        for stage in fold(graph)
    ]


def test_a_plain_network_is_one_repeat_a_stage():
    stages = dict(outline(samples.cnn_graph()))
    assert stages[8, 8, 32] == [(2, ["Conv2D", "BatchNormalization", "ReLU"])]
    assert stages[2, 2, 64] == [(1, ["MaxPooling2D", "Dropout"])]


def test_residual_blocks_are_cut_between_blocks_and_not_inside_one():
    stages = dict(outline(samples.resnet_graph()))
    block = ["Conv2D", "BatchNormalization", "ReLU", "Conv2D", "BatchNormalization", "Add", "ReLU"]
    assert stages[4, 4, 32][1:] == [(2, block)]
    assert stages[8, 8, 16] == [(1, ["Conv2D", "BatchNormalization", "ReLU"]), (2, block)]


def test_the_hidden_layer_of_a_transformers_mlp_does_not_split_its_stage():
    stages = dict(outline(samples.vit_graph(depth=6)))
    assert [times for times, _ in stages[16, 48]] == [1, 6, 1]
    assert stages[16, 48][1][1][-1] == "Add"


def test_a_resnet_of_180_layers_is_a_handful_of_stages():
    graph = samples.bottleneck_graph()
    stages = dict(outline(graph))
    assert len(graph) > 170
    assert len(stages) < 12
    repeats = [blocks[-1][0] for shape, blocks in stages.items() if len(shape) == 3 and shape[-1] > 256]
    assert repeats == [4, 6, 3]


def test_a_bottle_without_a_way_around_it_is_stages_of_its_own():
    g = samples.Graph()
    x = g.add("InputLayer", (64,))
    for width in (128, 64, 128):
        x = g.add("Dense", (width,), x, units=width)
    assert [shape for shape, _ in outline(g.nodes)] == [(64,), (128,), (64,), (128,)]


def test_a_repeat_does_not_reach_into_a_branch():
    g = samples.Graph()
    x = g.norm_relu((8, 8, 16), g.conv((8, 8, 16), g.add("InputLayer", (8, 8, 1))))
    samples._residual(g, x, (8, 8, 16), downsample=False)
    stages = dict(outline(g.nodes))
    assert [times for times, _ in stages[8, 8, 16]] == [1]


def test_the_two_sides_of_a_u_are_told_call_by_call():
    g = samples.Graph()
    skips, x = [], g.add("InputLayer", (64, 64, 3))
    for depth in range(2):
        size = 64 >> depth
        x = g.norm_relu(
            (size, size, 16), g.conv((size, size, 16), g.norm_relu((size, size, 16), g.conv((size, size, 16), x)))
        )
        skips.append(x)
        x = g.add("MaxPooling2D", (size // 2, size // 2, 16), x)
    for depth, skip in reversed(list(enumerate(skips))):
        size = 64 >> depth
        x = g.add("Concatenate", (size, size, 32), g.add("UpSampling2D", (size, size, 16), x), skip)
    assert [shape[0] for shape, _ in outline(g.nodes)] == [64, 64, 32, 16, 32, 32, 64, 64]


def test_costs_are_summed_and_unknown_stays_unknown():
    nodes = [Node("a", "Dense", "a", (4,), weights=3, macs=5), Node("b", "Mystery", "b", (4,), {}, ("a",), 7, None)]
    (stage,) = fold(nodes)
    assert (stage.weights, stage.macs) == (10, None)


def test_nothing_folds_to_nothing():
    assert fold(()) == ()


layers = st.sampled_from(["Dense", "ReLU", "Add"])


@given(st.lists(st.tuples(layers, st.integers(1, 3), st.integers(1, 4)), max_size=40))
def test_every_layer_call_is_in_one_stage_and_in_one_block(calls):
    graph = []
    for index, (layer, width, back) in enumerate(calls):
        inputs = tuple({f"n{max(0, index - step)}" for step in (1, back)} - {f"n{index}"})
        graph.append(Node(f"n{index}", layer, f"n{index}", (width,), {}, inputs))
    stages = fold(graph)
    assert [node for stage in stages for node in stage.nodes] == graph
    for stage in stages:
        assert sum(len(block.nodes) * block.times for block in stage.blocks) == len(stage.nodes)


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_the_number_of_repeats_is_the_number_of_blocks(blocks):
    times = [block.times for stage in fold(samples.vit_graph(blocks)) for block in stage.blocks if len(block.nodes) > 5]
    assert times == ([blocks] if blocks > 1 else [1])
