import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, viz
from minigrad.viz.build import build
from minigrad.viz.folding.modules import READABLE, collapsed, fold
from minigrad.viz.text import heading
from tests.scope import module_scope
from tests.viz.folding.folds import OPERATIONS, check_fold, data, leaf, named


def counted(output):
    graph = build(output)
    short = collapsed(graph)
    check_fold(graph, short)
    return [heading(node) for node in short.nodes if node.kind == "module"]


def test_equal_layers_fold_with_their_count():
    model = nn.MLP([8, *[6] * 20, 3])
    graph = build(nn.CrossEntropyLoss()(model(data(5, 8)), np.zeros(5, int)))
    short = collapsed(graph)
    check_fold(graph, short)
    assert named(short) == ["MLP.0", "MLP.1", "MLP.2–MLP.39 ×19", "MLP.40", "CrossEntropyLoss"]
    block = next(node for node in short.nodes if node.repeats == 19)
    assert (block.operations, block.parameters) == (38, 19 * (6 * 6 + 6))
    assert block.shape == (5, 6)
    last = [node for node in graph.nodes if node.operation == "relu"][-1]
    assert block.value is last.value
    assert block.gradient is last.gradient
    assert block.members[-1] == last.id


def test_the_first_block_counts_though_its_input_is_the_data():
    assert counted(mg.mean(nn.MLP([6] * 12)(data(5, 6)))) == ["MLP.0–MLP.19 ×10", "MLP.20"]
    layers = nn.Sequential(*[nn.Linear(6, 6) for _ in range(7)])
    output = mg.mean(layers(data(5, 6)))
    assert counted(output) == ["Sequential.0–Sequential.6 ×7"]
    assert [node.name for node in collapsed(build(output)).nodes] == ["x", "Sequential.0–Sequential.6", None]


def test_fewer_than_three_blocks_and_unequal_ones_stay():
    assert counted(mg.mean(nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))(data(5, 6)))) == [
        "Sequential.0",
        "Sequential.1",
    ]
    widths = nn.MLP([6, 7, 8, 9, 10, 11])
    assert len(counted(mg.mean(widths(data(5, 6))))) == 9
    biases = nn.Sequential(*[nn.Linear(6, 6, bias=number % 3 != 0) for number in range(6)])
    assert len(counted(mg.mean(biases(data(5, 6))))) == 6
    slopes = nn.Sequential(*[nn.LeakyReLU(0.1 * number) for number in range(1, 5)])
    assert len(counted(mg.mean(slopes(leaf(np.ones(3)))))) == 4


class Block(nn.Module):
    def __init__(self):
        self.norm, self.wide, self.act, self.narrow = nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)

    def forward(self, x):
        return x + self.narrow(self.act(self.wide(self.norm(x))))


class Residual(nn.Module):
    def __init__(self, depth):
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)
        self.blocks = nn.ModuleList(Block() for _ in range(depth))

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)


@pytest.mark.parametrize("depth", [3, 12, 100])
def test_blocks_of_several_modules_and_operations(depth):
    names = counted(mg.mean(Residual(depth)(data(3, 4))))
    assert names == ["Residual.first", f"Residual.blocks.0–Residual.blocks.{depth - 1} ×{depth}", "Residual.last"]


class Loop(nn.Module):
    def __init__(self):
        self.wx, self.wh = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, h, steps):
        for _ in range(steps):
            h = mg.tanh(self.wx(data(3, 4)) + self.wh(h))
        return h


def test_the_steps_of_a_recurrent_network_fold_and_what_they_share_stands_outside():
    graph = build(mg.mean(Loop()(data(3, 4, name="h0"), 10)))
    short = collapsed(graph)
    check_fold(graph, short)
    assert named(short) == ["Loop.wx, Loop.wh, add, tanh ×10"]
    assert sorted(heading(node) for node in short.nodes if node.kind == "parameter") == [
        "wh.bias",
        "wh.weight",
        "wx.bias",
        "wx.weight",
    ]


def test_a_first_step_with_a_weight_of_its_own_is_no_part_of_the_run():
    x, first, weight = leaf(1.0, "x"), leaf(1.0, "first"), leaf(1.0, "weight")
    x = x + mg.tanh(x * first)
    for _ in range(200):
        x = x + mg.tanh(x * weight)
    assert counted(x * first) == ["multiply, tanh, add ×200"]


def test_blocks_side_by_side_are_no_run():
    heads = nn.ModuleList(nn.Linear(4, 4) for _ in range(5))
    x = leaf(np.ones((3, 4)))
    assert len(counted(mg.mean(mg.stack([head(x) for head in heads])))) == 5


def test_auto_folds_repeated_blocks_of_large_graphs_alone():
    small, large = build(mg.mean(Residual(3)(data(3, 4)))), build(mg.mean(Residual(12)(data(3, 4))))
    assert len(small.nodes) <= READABLE < len(large.nodes)
    assert fold(small, "auto") is small
    assert [node.repeats for node in fold(large, "auto").nodes] == [1, 1, 12, 1, 1]
    assert all(node.repeats == 1 for node in fold(large, True).nodes)


def test_operations_alone_fold_in_large_graphs():
    x = leaf(1.0, "x")
    for _ in range(2_500):
        x = x * 0.5 + 0.25
    graph = build(x)
    assert counted(x) == ["multiply, add ×2,500"]
    assert fold(graph, "auto") is graph
    few = leaf(1.0)
    for _ in range(20):
        few = few * few
    assert counted(few) == []


def test_other_constants_are_other_blocks():
    x = leaf(1.0, "x")
    for number in range(200):
        x = x * (1 / (number + 1))
    assert counted(x) == []


def test_operations_that_are_used_from_outside_do_not_fold():
    x, kept = leaf(1.0, "x"), []
    for _ in range(200):
        x = mg.tanh(x)
        kept.append(x)
    assert counted(mg.stack(kept).sum()) == []


def test_a_picture_tells_the_count():
    drawing = viz.draw(mg.mean(Residual(12)(data(3, 4))))
    assert "Residual.blocks.0–Residual.blocks.11 ×12" in drawing.source
    assert "Residual.blocks.0–Residual.blocks.11 ×12 (168 operations · 3,552 parameters)" in str(drawing)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6),
    st.integers(3, 9),
)
def test_any_block_repeated_is_counted(steps, count):
    """Whatever a block is, that many of them are one box, or a multiple where the block repeats something itself."""
    x = mg.tensor(np.asarray(1.0), name="x")
    shared = leaf(2.0, "shared")
    for number in range(count):
        with module_scope(f"Net.{number}.start"):
            values = [x * leaf(1.0)]
        for place, (operation, back, other) in enumerate(steps):
            with module_scope(f"Net.{number}.{place}"):
                one = values[max(-1 - back, -len(values))]
                second = [shared, leaf(1.0), values[0], values[-1]][other]
                values.append(OPERATIONS[operation](one) if operation < 2 else OPERATIONS[operation](one, second))
        with module_scope(f"Net.{number}.end"):
            x = mg.tanh(values[-2] * shared - values[-1])
    graph = build(x)
    short = collapsed(graph)
    check_fold(graph, short)
    runs = [node for node in short.nodes if node.repeats > 1]
    assert len(runs) == 1
    assert runs[0].repeats % count == 0
