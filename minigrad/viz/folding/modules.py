"""Modules as single boxes, when a graph is large or when that is asked for."""

from __future__ import annotations

from minigrad.viz.folding.calls import Wiring, calls, homes, names
from minigrad.viz.folding.contraction import Bundle, contract
from minigrad.viz.folding.groups import boxes
from minigrad.viz.folding.repeats import fold_repeats
from minigrad.viz.graph import Graph

READABLE = 150  # with more nodes than this, modules fold by themselves


def fold(graph: Graph, collapse: bool | str) -> Graph:
    """Return the graph with modules folded into one node for each call, the innermost first.

    Args:
        graph: what ``build`` made.
        collapse: True folds each module that has no modules inside; ``"auto"`` folds a graph of more than
            ``READABLE`` nodes as ``collapsed`` does, if it has modules; False folds none.
    """
    if collapse == "auto":
        return collapsed(graph) if len(graph.nodes) > READABLE and graph.groups else graph
    return _fold_innermost(graph) if collapse else graph


def collapsed(graph: Graph) -> Graph:
    """Return the graph in short: modules folded into one node for each call, then repeated blocks into one node.

    Modules fold level by level, once at least, while more than ``READABLE`` nodes are left. Repeated operations
    outside of modules fold where a graph has more nodes than that.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> from minigrad.viz.build import build
    >>> model = nn.MLP([2, 8, 8, 8, 8, 1])
    >>> graph = collapsed(build(model(mg.ones((3, 2)))))
    >>> [(node.name or node.kind, node.repeats) for node in graph.nodes]
    [('input', 1), ('MLP.0', 1), ('MLP.1', 1), ('MLP.2–MLP.7', 3), ('MLP.8', 1)]
    """
    level = _fold_innermost(graph)
    while True:
        short = fold_repeats(level, graph, operations=len(level.nodes) > READABLE)
        if len(short.nodes) <= READABLE or not level.groups:
            return short
        level = _fold_innermost(level)


def _fold_innermost(graph: Graph) -> Graph:
    """Fold each module without modules inside, one node for each call; parameters that calls share stay outside."""
    if not graph.groups:
        return graph
    modules = {box.path: box.nodes for box in boxes(graph.groups) if not box.groups}
    parents = {inner.path: box.path for box in boxes(graph.groups) for inner in box.groups}
    wiring = Wiring(graph)
    found = calls(wiring, modules)
    home = homes(wiring, found, (id for nodes in modules.values() for id in nodes))
    inside: list[list[str]] = [[] for _ in found]
    for node in graph.nodes:
        if node.id in home:
            inside[home[node.id]].append(node.id)
    scopes = {id: parents.get(path, "") for path, nodes in modules.items() for id in nodes if id not in home}
    bundles = [
        Bundle(name, parents.get(path, ""), tuple(members))
        for name, (path, _), members in zip(names(found), found, inside, strict=True)
    ]
    return contract(graph, bundles, scopes)
