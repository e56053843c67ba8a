"""A plain layout in layers, for graphs that Graphviz cannot lay out in a reasonable time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

SWEEPS = 8
STRAIGHT = 1e6  # so much heavier than a leaf is what an operation has computed
LAYER_GAP, NODE_GAP = 48, 16  # pixels

Edge = tuple[str, str]
Centre = tuple[float, float]


def depths(nodes: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the length of the longest way to each node.

    >>> depths(["x", "exp", "w", "add"], [("x", "exp"), ("exp", "add"), ("w", "add")])
    {'x': 0, 'exp': 1, 'w': 0, 'add': 2}
    """
    sources: dict[str, list[str]] = {id: [] for id in nodes}
    for source, target in edges:
        sources[target].append(source)
    depth: dict[str, int] = {}
    for id in nodes:
        depth[id] = 1 + max((depth[source] for source in sources[id]), default=-1)
    return depth


def latest_layers(nodes: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the layer of each node, from 0: it stands right before its first use.

    >>> latest_layers(["x", "exp", "w", "add"], [("x", "exp"), ("exp", "add"), ("w", "add")])
    {'x': 0, 'exp': 1, 'w': 1, 'add': 2}
    """
    before_the_end = depths(nodes[::-1], ((target, source) for source, target in edges))
    last = max(before_the_end.values(), default=0)
    return {id: last - before_the_end[id] for id in nodes}


def in_layers(nodes: Sequence[str], edges: Sequence[Edge], sizes: Mapping[str, tuple[int, int]]) -> dict[str, Centre]:
    """Return the centres of boxes in columns, each node to the right of what it uses, and no two boxes overlap.

    In turns, each layer's nodes are moved as close as may be to the middle of what they use, and of what uses them.

    Args:
        nodes: in topological order.
        edges: pairs of source and target.
        sizes: each node's width and height.

    >>> in_layers(["x", "exp"], [("x", "exp")], {"x": (40, 20), "exp": (60, 20)})
    {'x': (20.0, 0.0), 'exp': (118.0, 0.0)}
    """
    layer = latest_layers(nodes, edges)
    members: dict[int, list[str]] = {}
    for id in nodes:
        members.setdefault(layer[id], []).append(id)
    columns = [_Column(members[number], sizes) for number in sorted(members)]
    before: dict[str, list[str]] = {id: [] for id in nodes}
    after: dict[str, list[str]] = {id: [] for id in nodes}
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    lines = {id for id in nodes if before[id]}  # these go straight, and leaves make room for them
    straight = {id: [source for source in before[id] if source in lines] or before[id] for id in nodes}
    middle = {id: float(place) for column in columns for place, id in enumerate(column.nodes)}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 1
        for column in columns if forward else columns[::-1]:
            column.settle(straight if forward else after, middle, lines)
    x = 0.0
    centres: dict[str, Centre] = {}
    for column in columns:
        width = max(sizes[id][0] for id in column.nodes)
        centres |= {id: (x + width / 2, middle[id]) for id in column.nodes}
        x += width + LAYER_GAP
    return {id: centres[id] for id in nodes}


class _Column:
    """The nodes of a layer, from top to bottom."""

    def __init__(self, nodes: list[str], sizes: Mapping[str, tuple[int, int]]) -> None:
        self.nodes = nodes
        self.heights = {id: sizes[id][1] for id in nodes}

    def settle(self, neighbours: Mapping[str, Sequence[str]], middle: dict[str, float], lines: Collection[str]) -> None:
        """Move the nodes to the mean of their neighbours, in the order of these means and one below the other.

        Nodes that want the same place form a block, which stands where it suits them best on the whole: this is
        isotonic regression by pooling adjacent violators (Barlow et al., 1972).
        """
        wanted = {
            id: sum(middle[other] for other in neighbours[id]) / len(neighbours[id]) if neighbours[id] else middle[id]
            for id in self.nodes
        }
        self.nodes.sort(key=wanted.__getitem__)
        offsets = [0.0]
        for upper, lower in pairwise(self.nodes):
            offsets.append(offsets[-1] + (self.heights[upper] + self.heights[lower]) / 2 + NODE_GAP)
        blocks: list[tuple[float, float, int]] = []  # where it would stand at offset 0, its weight, its nodes
        for id, offset in zip(self.nodes, offsets, strict=True):
            start, weight, count = wanted[id] - offset, STRAIGHT if id in lines else 1.0, 1
            while blocks and blocks[-1][0] >= start:
                earlier, heavier, others = blocks.pop()
                start = (earlier * heavier + start * weight) / (heavier + weight)
                weight, count = heavier + weight, count + others
            blocks.append((start, weight, count))
        starts = [start for start, _, count in blocks for _ in range(count)]
        middle |= {id: start + offset for id, start, offset in zip(self.nodes, starts, offsets, strict=True)}
