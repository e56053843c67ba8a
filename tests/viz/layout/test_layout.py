import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.errors import ArgumentError, MissingExtraError, RenderError
from minigrad.viz.build import build
from minigrad.viz.folding.calls import groups_by_call
from minigrad.viz.folding.groups import boxes
from minigrad.viz.folding.modules import collapsed
from minigrad.viz.layout import placement as layouts
from minigrad.viz.layout.layers import LAYER_GAP, in_layers
from minigrad.viz.layout.placement import Box, lay_out
from minigrad.viz.render import render

TITLE = 18  # pixels that a title needs
DIRECTIONS = ["LR", "TB", "RL", "BT"]


@pytest.fixture(params=["dot", "pygraphviz"])
def graphviz(request, monkeypatch):
    """Force one of the two ways to Graphviz."""
    if request.param == "dot":
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    else:
        pytest.importorskip("pygraphviz")
        monkeypatch.setenv("PATH", "")
    try:
        render("digraph {}", "json")
    except MissingExtraError:
        pytest.skip(f"{request.param} is not installed")


def leaf(value, name=None):
    return mg.tensor(np.asarray(value, float), requires_grad=True, name=name)


def square():
    x = leaf(3.0, "x")
    return build(x * x + x)


def classifier(*sizes):
    x = mg.tensor(np.ones((4, sizes[0]), np.float32), name="x")
    return build(nn.CrossEntropyLoss()(nn.MLP(list(sizes))(x), np.zeros(4, int)))


def loop(steps):
    cell = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    h = leaf(np.ones((3, 2)), "h")
    for _ in range(steps):
        h = cell(h).exp()
    return build(h.sum())


def chain(length):
    x = leaf(0.5, "x")
    for _ in range(length):
        x = mg.tanh(x)
    return build(x, values=False, gradients=False)


def sizes_of(graph):
    """Boxes of many sizes, the same each time."""
    return {node.id: (50 + 17 * (number % 7), 24 + 9 * (number % 4)) for number, node in enumerate(graph.nodes)}


def overlap(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def holds(outer, inner):
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def on_border(point, box):
    x, y = point
    inside = box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height
    return inside and (x in (box.x, box.x + box.width) or y in (box.y, box.y + box.height))


def check(graph, sizes, layout):
    """What holds for every layout."""
    assert list(layout.nodes) == [node.id for node in graph.nodes]
    picture = Box(0, 0, layout.width, layout.height)
    for id, box in layout.nodes.items():
        assert (box.width, box.height) == sizes[id]
        assert holds(picture, box)
    placed = sorted(layout.nodes.values(), key=lambda box: box.x)
    for number, one in enumerate(placed):
        following = itertools.takewhile(lambda other, one=one: other.x < one.x + one.width, placed[number + 1 :])
        assert not any(overlap(one, other) for other in following)
    assert len(layout.edges) == len(graph.edges)
    for edge, points in zip(graph.edges, layout.edges, strict=True):
        assert len(points) >= 4
        assert len(points) % 3 == 1
        assert on_border(points[0], layout.nodes[edge.source])
        assert on_border(points[-1], layout.nodes[edge.target])
        assert all(type(x) is int and type(y) is int for x, y in points)
        assert all(holds(picture, Box(x, y, 0, 0)) for x, y in points)
    for (one, first), (other, second) in itertools.combinations(zip(graph.edges, layout.edges, strict=True), 2):
        if (one.source, one.target) == (other.source, other.target):
            middles = [points[len(points) // 2] for points in (first, second)]
            assert max(abs(a - b) for a, b in zip(*middles, strict=True)) >= 5


def check_groups(graph, layout):
    """Each box holds its own and no others, below its title."""
    calls = list(boxes(groups_by_call(graph)))
    assert [group.path for group in layout.groups] == [call.path for call in calls]
    for call, group in zip(calls, layout.groups, strict=True):
        inside = {id for inner in boxes([call]) for id in inner.nodes}
        for id, box in layout.nodes.items():
            assert holds(group.box, box) if id in inside else not overlap(group.box, box)
        below = [layout.nodes[id] for id in call.nodes]
        for inner, other in zip(calls, layout.groups, strict=True):
            if inner in call.groups:
                assert other.depth == group.depth + 1
                assert holds(group.box, other.box)
                below.append(other.box)
        assert min(box.y for box in below) - group.box.y >= TITLE


def forward(direction, source, target):
    return {
        "LR": source.x + source.width < target.x,
        "RL": target.x + target.width < source.x,
        "TB": source.y + source.height < target.y,
        "BT": target.y + target.height < source.y,
    }[direction]


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("make", [square, lambda: classifier(8, 6, 6, 3), lambda: loop(12), lambda: chain(0)])
def test_boxes_edges_and_groups_stand_where_they_should(make, direction):
    graph = make()
    sizes = sizes_of(graph)
    layout = lay_out(graph, sizes, direction=direction)
    check(graph, sizes, layout)
    check_groups(graph, layout)
    for edge in graph.edges:
        assert forward(direction, layout.nodes[edge.source], layout.nodes[edge.target])


@pytest.mark.usefixtures("graphviz")
def test_a_folded_graph_is_laid_out_as_well():
    graph = collapsed(classifier(8, *[6] * 20, 3))
    sizes = sizes_of(graph)
    layout = lay_out(graph, sizes)
    check(graph, sizes, layout)
    check_groups(graph, layout)


@pytest.mark.usefixtures("graphviz")
def test_a_wide_picture_is_as_exact_as_a_narrow_one():
    graph = chain(1_500)
    layout = lay_out(graph, dict.fromkeys(graph.index, (90, 30)))
    assert layout.width > 100_000
    gaps = {b.x - a.x - a.width for a, b in itertools.pairwise(layout.nodes.values())}
    assert max(gaps) - min(gaps) <= 1
    ends = [b[0][0] - a[-1][0] for a, b in itertools.pairwise(layout.edges)]
    assert set(ends) == {90}
    for (x0, _), (x1, _), (x2, _), (x3, _) in layout.edges:
        assert abs(x1 - x0 - (x3 - x0) / 3) <= 3
        assert abs(x3 - x2 - (x3 - x0) / 3) <= 3


@pytest.mark.usefixtures("graphviz")
def test_what_passes_over_too_much_is_drawn_straight_across(monkeypatch):
    graph = loop(12)
    sizes = sizes_of(graph)
    routed = lay_out(graph, sizes)
    monkeypatch.setattr(layouts, "BENDS", 30)
    monkeypatch.setattr(layouts, "MOST_BENDS", 30)
    layout = lay_out(graph, sizes)
    check(graph, sizes, layout)
    check_groups(graph, layout)
    assert sum(map(len, layout.edges)) < sum(map(len, routed.edges))
    assert layout.height < routed.height


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("make", [square, lambda: classifier(8, 6, 6, 3), lambda: loop(4), lambda: chain(0)])
def test_the_plain_layout_needs_no_graphviz(make, direction, monkeypatch):
    monkeypatch.setattr(layouts, "MOST", 0)
    monkeypatch.setattr(layouts, "render", None)
    graph = make()
    sizes = sizes_of(graph)
    layout = lay_out(graph, sizes, direction=direction)
    check(graph, sizes, layout)
    assert layout.groups == ()
    for edge in graph.edges:
        assert forward(direction, layout.nodes[edge.source], layout.nodes[edge.target])


def test_two_edges_between_flat_boxes_are_apart(monkeypatch):
    monkeypatch.setattr(layouts, "MOST", 0)
    graph = square()
    sizes = dict.fromkeys(graph.index, (60, 6))
    check(graph, sizes, lay_out(graph, sizes))


def test_the_plain_layout_draws_a_long_chain_straight():
    x = leaf(1.0)
    for _ in range(150):
        x = x * 0.5 + leaf(1.0)
    graph = build(x, values=False, gradients=False)
    edges = [(edge.source, edge.target) for edge in graph.edges]
    centres = in_layers(list(graph.index), edges, sizes_of(graph))
    heights = [centres[node.id][1] for node in graph.nodes if node.operation]
    assert max(heights) - min(heights) < 1
    assert max(abs(y - heights[0]) for _, y in centres.values()) < 80


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_the_plain_layout_of_any_graph(pairs):
    nodes = [f"n{number}" for number in range(31)]
    edges = [(f"n{min(pair)}", f"n{max(pair)}") for pair in pairs if pair[0] != pair[1]]
    sizes = {id: (20 + number, 50 - number) for number, id in enumerate(nodes)}
    centres = in_layers(nodes, edges, sizes)
    placed = {id: (x - sizes[id][0] / 2, y - sizes[id][1] / 2, *sizes[id]) for id, (x, y) in centres.items()}
    assert not any(overlap(Box(*placed[one]), Box(*placed[other])) for one, other in itertools.combinations(nodes, 2))
    for source, target in edges:
        right = centres[source][0] + sizes[source][0] / 2
        assert right + LAYER_GAP <= centres[target][0] - sizes[target][0] / 2 + 1e-6


def program(folder, text):
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize("script", ["exec sleep 60", "kill -SEGV $$", "exit 1"])
def test_where_graphviz_fails_large_graphs_have_the_plain_layout_and_small_ones_an_error(script, tmp_path, monkeypatch):
    program(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(layouts, "SECONDS", 0.2)
    with pytest.raises(RenderError, match=r"dot (had not laid out the graph after 0\.2 seconds|ended with code)"):
        lay_out(square(), sizes_of(square()))
    monkeypatch.setattr(layouts, "SLOW", 30)
    graph = chain(40)
    sizes = sizes_of(graph)
    layout = lay_out(graph, sizes)
    check(graph, sizes, layout)


def test_without_graphviz_the_error_names_the_ways_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(MissingExtraError, match=r"pip install minigrad\[render\]"):
        lay_out(square(), sizes_of(square()))


def test_bad_arguments():
    graph = square()
    with pytest.raises(ArgumentError, match="direction must be one of LR, TB, RL, BT; got 'lr'"):
        lay_out(graph, sizes_of(graph), direction="lr")
    with pytest.raises(ArgumentError, match="none of n1, n2"):
        lay_out(graph, {"n0": (10, 10)})


CODE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, minigrad as mg
from minigrad import nn
from minigrad.viz.layout import placement as layout
from minigrad.viz.build import build
from minigrad.viz.folding.modules import collapsed
layout.MOST = int(sys.argv[2])
cell = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
h = mg.tensor(np.ones((3, 2), np.float32), requires_grad=True)
for _ in range(3):
    h = cell(h).exp() * h
for graph in (build(h.sum()), collapsed(build(h.sum()))):
    print(layout.lay_out(graph, {id: (60 + 10 * len(id), 30) for id in graph.index}))
"""


@pytest.mark.parametrize("most", ["0", "1000"])
def test_every_process_lays_a_graph_out_alike(most):
    said = [
        subprocess.run(
            [sys.executable, "-c", CODE, os.path.dirname(mg.__path__[0]), most],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(set(said)) == 1
    assert said[0].count("Layout(") == 2
