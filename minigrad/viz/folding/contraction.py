"""Several nodes of a graph as one: what folding modules and folding repeated blocks have in common."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from minigrad.viz.folding.groups import group
from minigrad.viz.graph import Graph, GraphEdge, GraphNode


@dataclass(frozen=True)
class Bundle:
    """Nodes that become one.

    Attributes:
        name: what the one is called.
        scope: the path of the module whose box it stands in.
        members: the ids of the nodes, inputs first.
        repeats: how many blocks, all alike, they are.
    """

    name: str
    scope: str
    members: tuple[str, ...]
    repeats: int = 1


def leaf(node: GraphNode) -> bool:
    """Whether a node is a parameter, an input or a constant."""
    return node.kind in ("parameter", "input", "constant")


def arranged(arguments: Mapping[str, Sequence[str]], output: str) -> list[str]:
    """Return what an output depends on, arguments first, so that what belongs together stands together.

    Of an operation's arguments the one with the longest history comes first, the short ones right before their use.

    >>> arranged({"add": ["w", "exp"], "exp": ["x"]}, "add")
    ['x', 'exp', 'w', 'add']
    """
    depth: dict[str, int] = {}
    for id in _postorder(arguments, output):
        depth[id] = 1 + max((depth.get(source, 0) for source in arguments.get(id, ())), default=0)
    deepest_first = {id: sorted(sources, key=lambda source: -depth[source]) for id, sources in arguments.items()}
    return _postorder(deepest_first, output)


def _postorder(arguments: Mapping[str, Sequence[str]], output: str) -> list[str]:
    order = []
    seen = {output}
    path = [(output, iter(arguments.get(output, ())))]
    while path:
        id, waiting = path[-1]
        following = next((source for source in waiting if source not in seen), None)
        if following is None:
            order.append(id)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(arguments.get(following, ()))))
    return order


def on_cycles(edges: Iterable[tuple[str, str]]) -> set[str]:
    """Return the nodes that stand on a cycle, or on a path from one cycle to another.

    >>> sorted(on_cycles([("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]))
    ['b', 'c']
    """
    left = dict.fromkeys(edges)
    forward = _unreached(left)
    return forward & _unreached([(target, source) for source, target in left if source in forward])


def _unreached(edges: Collection[tuple[str, str]]) -> set[str]:
    """Return the nodes that peeling off those without sources never comes to (Kahn's algorithm)."""
    targets: dict[str, list[str]] = {}
    waiting: dict[str, int] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
        waiting[target] = waiting.get(target, 0) + 1
    free = [source for source in targets if source not in waiting]
    while free:
        for target in targets.get(free.pop(), ()):
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    return {id for id, count in waiting.items() if count}


def contract(graph: Graph, bundles: Sequence[Bundle], scopes: Mapping[str, str] | None = None) -> Graph:
    """Return the graph with each bundle as one node, in topological order.

    Args:
        graph: any graph, folded or not.
        bundles: disjoint, and such that no cycle arises.
        scopes: new scopes for nodes outside of the bundles.
    """
    numbers = (int(node.id[1:]) for node in graph.nodes if node.kind == "module")
    ids = [f"m{number}" for number in itertools.islice(itertools.count(max(numbers, default=-1) + 1), len(bundles))]
    home = {member: id for id, bundle in zip(ids, bundles, strict=True) for member in bundle.members}
    outside = {edge.source for edge in graph.edges if home.get(edge.source) != home.get(edge.target)} | {graph.output}
    nodes = {node.id: node for node in graph.nodes if node.id not in home}
    nodes |= {id: replace(nodes[id], scope=scope) for id, scope in (scopes or {}).items() if id in nodes}
    nodes |= {id: _folded(graph, id, bundle, outside) for id, bundle in zip(ids, bundles, strict=True)}
    edges = _moved(graph, home)
    arguments: dict[str, list[str]] = {}
    for edge in edges:
        arguments.setdefault(edge.target, []).append(edge.source)
    output = home.get(graph.output, graph.output)
    order = arranged(arguments, output)
    place = {id: position for position, id in enumerate(order)}
    return replace(
        graph,
        nodes=tuple(nodes[id] for id in order),
        edges=tuple(sorted(edges, key=lambda edge: place[edge.target])),
        groups=group((id, nodes[id].scope) for id in order),
        output=output,
    )


def _moved(graph: Graph, home: Mapping[str, str]) -> list[GraphEdge]:
    """Return the edges between what is left; into a bundle leads one line, whatever it is used for inside."""
    edges: dict[tuple[str, str, int], GraphEdge] = {}
    for edge in graph.edges:
        source, target = home.get(edge.source, edge.source), home.get(edge.target, edge.target)
        if source == target:
            continue
        if target == edge.target:
            edges[source, target, edge.position] = replace(edge, source=source)
        else:
            moved = replace(edge, source=source, target=target, position=0, argument="", ordered=False)
            known = edges.get((source, target, -1))
            gradient = edge.carries_gradient or (known is not None and known.carries_gradient)
            edges[source, target, -1] = replace(moved, carries_gradient=gradient)
    return list(edges.values())


def _folded(graph: Graph, id: str, bundle: Bundle, outside: Collection[str]) -> GraphNode:
    """Return one node for a bundle; it has the value and gradient of what it gives on, if that is one node."""
    members = [graph.index[member] for member in bundle.members]
    given = [node for node in members if node.id in outside and node.kind != "parameter"] or members
    face = given[-1]
    single = len(given) == 1
    parameters = [node for node in members if node.kind == "parameter"]
    return replace(
        face,
        id=id,
        kind="module",
        name=bundle.name,
        operation="",
        options={},
        scope=bundle.scope,
        released=single and face.released,
        value=face.value if single else None,
        gradient=face.gradient if single else None,
        members=tuple(inner for node in members for inner in (node.members or (node.id,))),
        operations=sum(node.operations + (node.operation != "") for node in members),
        parameters=sum(node.parameters for node in members) + sum(math.prod(node.shape) for node in parameters),
        repeats=bundle.repeats,
        line=None,
    )
