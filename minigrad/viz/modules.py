"""Modules as nested boxes, and as single boxes when a graph is large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minigrad.viz.graph import Graph, GraphNode

READABLE = 150  # with more nodes than this, modules fold by themselves


@dataclass(frozen=True)
class Group:
    """A module's box.

    Attributes:
        path: the module's path, such as ``"MLP.layers.0"``.
        nodes: the ids of the nodes that stand in it and in no inner box.
        groups: the boxes inside.
    """

    path: str
    nodes: tuple[str, ...]
    groups: tuple[Group, ...]


def common_scope(one: str, other: str) -> str:
    """Return the innermost module that holds both.

    >>> common_scope("MLP.layers.0", "MLP.layers.10")
    'MLP.layers'
    """
    shared = []
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        shared.append(left)
    return ".".join(shared)


def group(scoped: Iterable[tuple[str, str]]) -> tuple[Group, ...]:
    """Return the boxes of nodes, given as pairs of id and scope.

    >>> boxes = group([("n0", ""), ("n1", "MLP.layers.0"), ("n2", "MLP.layers.1")])
    >>> [(box.path, [inner.path for inner in box.groups]) for box in boxes]
    [('MLP', ['MLP.layers.0', 'MLP.layers.1'])]
    """
    inside: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    for node, scope in scoped:
        path = scope
        while path and path not in inside:
            inside[path] = []
            parent = path.rpartition(".")[0]
            children.setdefault(parent, []).append(path)
            path = parent
        if scope:
            inside[scope].append(node)
    made: dict[str, Group] = {}
    for path in sorted(inside, key=lambda path: -path.count(".")):  # inner boxes first
        members = tuple(made[child] for child in children.get(path, ()))
        if len(members) == 1 and not inside[path] and not members[0].nodes:
            members = members[0].groups  # a container alone in its parent, such as a list of layers
        made[path] = Group(path, tuple(inside[path]), members)
    return tuple(made[path] for path in children.get("", ()))


def fold(graph: Graph, collapse: bool | str) -> Graph:
    """Return the graph with modules folded into one node each, the innermost first.

    Args:
        graph: what ``build`` made.
        collapse: True folds each module that has no modules inside; ``"auto"`` folds level by level, while
            there are more than ``READABLE`` nodes; False folds none.
    """
    if collapse == "auto":
        while len(graph.nodes) > READABLE and graph.groups:
            graph = _fold_innermost(graph)
        return graph
    return _fold_innermost(graph) if collapse else graph


def _fold_innermost(graph: Graph) -> Graph:
    folded = list(_innermost(graph.groups))
    parents = {inner.path: box.path for box in _boxes(graph.groups) for inner in box.groups}
    count = sum(node.kind == "module" for node in graph.nodes)
    home: dict[str, str] = {}
    for number, box in enumerate(folded, start=count):
        home |= dict.fromkeys(box.nodes, f"m{number}")
    outside = {edge.source for edge in graph.edges if home.get(edge.source) != home.get(edge.target)} | {graph.output}
    nodes: dict[str, GraphNode] = {}
    for box in folded:
        members = [graph.index[member] for member in box.nodes]
        nodes[home[box.nodes[0]]] = _module(home[box.nodes[0]], box, parents.get(box.path, ""), members, outside)
    kept = {node.id: nodes.get(home.get(node.id, ""), node) for node in reversed(graph.nodes)}
    ordered = tuple(dict.fromkeys(node.id for node in kept.values()))[::-1]
    index = {node.id: node for node in kept.values()}
    edges = {}
    for edge in graph.edges:
        source, target = home.get(edge.source, edge.source), home.get(edge.target, edge.target)
        if source == target:
            continue
        if target == edge.target:
            moved = replace(edge, source=source)
            edges[source, target, edge.position] = moved
        else:  # into a box: one line, whatever it is used for inside
            moved = replace(edge, source=source, target=target, position=0, argument="", ordered=False)
            known = edges.get((source, target, -1))
            gradient = edge.carries_gradient or (known is not None and known.carries_gradient)
            edges[source, target, -1] = replace(moved, carries_gradient=gradient)
    return replace(
        graph,
        nodes=tuple(index[id] for id in ordered),
        edges=tuple(edges.values()),
        groups=group((id, index[id].scope) for id in ordered),
        output=home.get(graph.output, graph.output),
    )


def _innermost(groups: Iterable[Group]) -> Iterable[Group]:
    return (box for box in _boxes(groups) if not box.groups)


def _boxes(groups: Iterable[Group]) -> Iterable[Group]:
    waiting = list(groups)[::-1]
    while waiting:
        box = waiting.pop()
        yield box
        waiting += box.groups[::-1]


def _module(id: str, box: Group, scope: str, members: list[GraphNode], outside: set[str]) -> GraphNode:
    """Return one node for a module; it has the value and gradient of what it gives on, if that is one node."""
    given = [node for node in members if node.id in outside and node.kind != "parameter"] or members
    face = given[-1]
    single = len(given) == 1
    parameters = [node for node in members if node.kind == "parameter"]
    return replace(
        face,
        id=id,
        kind="module",
        name=box.path,
        operation="",
        options={},
        scope=scope,
        released=single and face.released,
        value=face.value if single else None,
        gradient=face.gradient if single else None,
        members=tuple(inner for node in members for inner in (node.members or (node.id,))),
        operations=sum(node.operations + (node.operation != "") for node in members),
        parameters=sum(node.parameters for node in members) + sum(_size(node) for node in parameters),
    )


def _size(node: GraphNode) -> int:
    size = 1
    for length in node.shape:
        size *= length
    return size
