"""Where everything in a picture of a graph stands, in pixels, for pictures that are not drawn by Graphviz."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.errors import ArgumentError, RenderError
from minigrad.viz.dot import check_direction
from minigrad.viz.folding.calls import groups_by_call
from minigrad.viz.folding.groups import Group
from minigrad.viz.graph import Graph
from minigrad.viz.layout.curves import Box as Box
from minigrad.viz.layout.curves import Curve, Point, at_border, own_curves, spread
from minigrad.viz.layout.layers import depths, in_layers, latest_layers
from minigrad.viz.render import render

SECONDS = 300.0  # a net, should Graphviz never end: size alone decides, so that every machine makes the same picture
SLOW = 2_000  # from so many nodes, bends of edges included, Graphviz is told to hurry
BENDS, MOST_BENDS = 3_000, 12_000  # it routes edges of so many bends in all; longer ones are drawn straight across
MOST = 17_000  # Graphviz is not asked to lay out more nodes than this, bends of edges included
LOOK = "newrank=true nodesep=0.28 ranksep=0.5"  # newrank: without it edges into modules may point backwards
HURRIED = " nslimit=2 nslimit1=2 mclimit=0.2"
MARGIN = 8  # pixels around the picture
TITLE_HEIGHT, TITLE_LETTER = 12, 7  # pixels that the title of a group takes, beside Graphviz's own 16 and 12


@dataclass(frozen=True)
class GroupBox:
    """A module's box.

    Attributes:
        path: the module's path, and which call of it, from the second on.
        box: where it is.
        depth: how many boxes it stands in.
    """

    path: str
    box: Box
    depth: int


@dataclass(frozen=True)
class Layout:
    """Where the parts of a graph stand.

    Attributes:
        width: of the whole, in pixels.
        height: of the whole.
        nodes: the box of each node, by its id.
        edges: for each edge of the graph the control points of a cubic Bezier spline, 1 + 3k of them, from the border
            of the source's box to the border of the target's.
        groups: the modules' boxes, outer ones first; none if the graph is too large for Graphviz.
    """

    width: int
    height: int
    nodes: dict[str, Box]
    edges: tuple[tuple[Point, ...], ...]
    groups: tuple[GroupBox, ...]


def lay_out(graph: Graph, sizes: Mapping[str, tuple[int, int]], *, direction: str = "LR") -> Layout:
    """Return where everything stands in a picture of the graph; the same graph gives the same layout.

    Graphviz lays it out, and plain layers where it is too large for Graphviz.

    Args:
        graph: what ``build`` made, folded or not.
        sizes: the width and height of each node's box in pixels, by its id.
        direction: where the edges point: ``"LR"``, ``"TB"``, ``"RL"`` or ``"BT"``.

    Raises:
        ArgumentError: when the direction is not one of these, or a size is missing.
        MissingExtraError: when no Graphviz is installed.
        RenderError: when Graphviz failed on a graph that is not large.

    >>> import minigrad as mg
    >>> from minigrad.viz.build import build
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> layout = lay_out(build(x * x), {"n0": (60, 30), "n1": (90, 30)})
    >>> layout.nodes["n0"]
    Box(x=8, y=8, width=60, height=30)
    >>> [len(points) for points in layout.edges]
    [4, 4]
    """
    check_direction(direction)
    missing = [node.id for node in graph.nodes if node.id not in sizes]
    if missing:
        raise ArgumentError(f"lay_out needs the size of every node; there is none of {', '.join(missing[:5])}")
    groups = list(_nested(groups_by_call(graph)))
    layer = latest_layers(list(graph.index), [(edge.source, edge.target) for edge in graph.edges])
    bends = [layer[edge.target] - layer[edge.source] - 1 for edge in graph.edges]
    routed = _affordable(bends, min(max(BENDS, 3 * len(graph.nodes)), MOST_BENDS))
    effort = len(graph.nodes) + sum(bends[number] for number in routed)
    if effort > MOST:
        return _in_layers(graph, sizes, direction)
    lines = [
        f"digraph {{ graph [rankdir={direction} {LOOK}{HURRIED if effort > SLOW else ''}]",
        'node [shape=box fixedsize=true label=""] edge [arrowhead=none]',
        *[
            f"{node.id} [width={sizes[node.id][0] / 72:.5f} height={sizes[node.id][1] / 72:.5f}]"
            for node in graph.nodes
        ],
        *_clusters(groups, direction),
        *_lines(graph, routed),
        "}",
    ]
    try:
        placed = json.loads(render("\n".join(lines), "json", seconds=SECONDS))
    except RenderError:
        if effort <= SLOW:
            raise
        return _in_layers(graph, sizes, direction)
    return _read(graph, groups, sizes, direction, placed)


def _affordable(bends: Sequence[int], most: int) -> list[int]:
    """Return the numbers of the edges that Graphviz shall route: the shortest ones, of so many bends in all."""
    total = 0
    numbers = []
    for number in sorted(range(len(bends)), key=bends.__getitem__):
        total += bends[number]
        if total > most:
            break
        numbers.append(number)
    return sorted(numbers)


def _clusters(groups: Sequence[tuple[Group, int]], direction: str) -> Iterator[str]:
    """Yield the modules' boxes in the DOT language, each with an empty title, so that no font plays a part."""
    side = "b" if direction == "BT" else "t"  # Graphviz turns the titles' sides with the rest
    opened = 0
    for number, (box, depth) in enumerate(groups):
        yield "}" * (opened - depth)
        opened = depth + 1
        title = f'FIXEDSIZE="TRUE" WIDTH="{TITLE_LETTER * min(len(box.path), 60)}" HEIGHT="{TITLE_HEIGHT}"'
        yield f'subgraph cluster_{number} {{ margin=10 labeljust=l labelloc={side} label=<<TABLE BORDER="0" {title}>'
        yield "<TR><TD></TD></TR></TABLE>>"
        yield " ".join(box.nodes)
    yield "}" * opened


def _lines(graph: Graph, routed: Iterable[int]) -> Iterator[str]:
    """Yield edges in the DOT language; what has come the longest way goes straight, data stand far out."""
    depth = depths(list(graph.index), [(edge.source, edge.target) for edge in graph.edges])
    main: dict[str, str] = {}
    for id, edges in graph.arguments.items():
        sources = [edge.source for edge in edges if graph.index[edge.source].kind in ("operation", "module")]
        if sources:
            main[id] = max(sources, key=depth.__getitem__)
    for number in routed:
        edge = graph.edges[number]
        kind = graph.index[edge.source].kind
        attributes = ""
        if kind in ("operation", "module"):
            attributes = "weight=8" if main[edge.target] == edge.source else "weight=2"
        elif kind == "input" and any(
            graph.index[other.source].kind == "parameter" for other in graph.arguments[edge.target]
        ):
            attributes = "minlen=2"
        yield f"{edge.source} -> {edge.target} [id={number} {attributes}]"


def _nested(groups: Iterable[Group]) -> Iterator[tuple[Group, int]]:
    """Yield the boxes with their depths, outer ones first."""
    waiting = [(box, 0) for box in groups][::-1]
    while waiting:
        box, depth = waiting.pop()
        yield box, depth
        waiting += [(inner, depth + 1) for inner in box.groups[::-1]]


def _read(
    graph: Graph,
    groups: Sequence[tuple[Group, int]],
    sizes: Mapping[str, tuple[int, int]],
    direction: str,
    placed: dict[str, Any],
) -> Layout:
    """Return what Graphviz has found; its y axis points up."""
    found = {item["name"]: _extent(_points(item, "pP")) for item in placed["objects"] if "_draw_" in item}
    nodes = {node.id: _around(*_middle(found[node.id]), *sizes[node.id]) for node in graph.nodes}
    group_boxes = []
    for number, (box, depth) in enumerate(groups):
        left, top, right, bottom = (round(side) for side in found[f"cluster_{number}"])
        group_boxes.append(GroupBox(box.path, Box(left, top, right - left, bottom - top), depth))
    curves = {int(item["id"]): _points(item, "b") for item in placed.get("edges", ()) if "_draw_" in item}
    return _finished(graph, nodes, group_boxes, curves, direction)


def _points(item: dict[str, Any], operations: str) -> Curve:
    """Return the points of what Graphviz draws; its ``pos`` has five digits alone, too few for a wide picture."""
    drawn = next(drawn["points"] for drawn in item["_draw_"] if drawn["op"] in operations)
    return [(x, -y) for x, y in drawn]


def _extent(points: Curve) -> tuple[float, float, float, float]:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _middle(extent: tuple[float, float, float, float]) -> tuple[float, float]:
    left, top, right, bottom = extent
    return (left + right) / 2, (top + bottom) / 2


def _around(x: float, y: float, width: int, height: int) -> Box:
    return Box(round(x - width / 2), round(y - height / 2), width, height)


def _in_layers(graph: Graph, sizes: Mapping[str, tuple[int, int]], direction: str) -> Layout:
    """Return a layout without Graphviz and without groups."""
    upright = direction in ("TB", "BT")
    lying = {id: (height, width) if upright else (width, height) for id, (width, height) in sizes.items()}
    edges = [(edge.source, edge.target) for edge in graph.edges]
    centres = in_layers(list(graph.index), edges, lying)
    sign = -1 if direction in ("RL", "BT") else 1
    turned = {
        id: (across, sign * along) if upright else (sign * along, across) for id, (along, across) in centres.items()
    }
    nodes = {id: _around(*centre, *sizes[id]) for id, centre in turned.items()}
    return _finished(graph, nodes, [], {}, direction)


def _finished(
    graph: Graph, nodes: dict[str, Box], groups: Sequence[GroupBox], curves: Mapping[int, Curve], direction: str
) -> Layout:
    """Return a layout whose corner is at 0, with curves of our own where there are none."""
    ends = [(edge.source, edge.target) for edge in graph.edges]
    if len(curves) < len(ends):
        curves = dict(enumerate(own_curves(nodes, ends, direction))) | dict(curves)
    parallel: dict[tuple[str, str], list[int]] = {}
    for number, end in enumerate(ends):
        parallel.setdefault(end, []).append(number)
    edges: list[tuple[Point, ...]] = [()] * len(ends)
    for (source, target), numbers in parallel.items():
        for number, curve in zip(numbers, spread([curves[number] for number in numbers]), strict=True):
            first, *inner, last = [(round(x), round(y)) for x, y in curve]
            edges[number] = (at_border(first, nodes[source]), *inner, at_border(last, nodes[target]))
    boxes = [*nodes.values(), *(group.box for group in groups)]
    corners = [(box.x, box.y) for box in boxes] + [(box.x + box.width, box.y + box.height) for box in boxes]
    left, top, right, bottom = (
        int(side) for side in _extent([*corners, *(point for points in edges for point in points)])
    )
    x, y = MARGIN - left, MARGIN - top

    def moved(box: Box) -> Box:
        return Box(box.x + x, box.y + y, box.width, box.height)

    return Layout(
        width=right + x + MARGIN,
        height=bottom + y + MARGIN,
        nodes={id: moved(box) for id, box in nodes.items()},
        edges=tuple(tuple((px + x, py + y) for px, py in points) for points in edges),
        groups=tuple(GroupBox(group.path, moved(group.box), group.depth) for group in groups),
    )
