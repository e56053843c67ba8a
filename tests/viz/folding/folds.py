"""What the tests of folding have in common: graphs, and what holds for every fold."""

import numpy as np

import minigrad as mg
from minigrad.viz.folding.groups import boxes
from minigrad.viz.text import heading

OPERATIONS = [mg.sin, mg.tanh, mg.add, mg.minimum]


def leaf(value, name=None):
    return mg.tensor(np.asarray(value, float), requires_grad=True, name=name)


def data(*shape, name="x"):
    return mg.tensor(np.ones(shape, np.float32), name=name)


def named(graph):
    return [heading(node) for node in graph.nodes if node.kind == "module"]


def wires(graph):
    names = {node.id: heading(node) for node in graph.nodes}
    return [(names[edge.source], names[edge.target]) for edge in graph.edges]


def check_fold(graph, folded):
    """Each node is in one box, in order, and the boxes are a graph in topological order."""
    inside = [id for node in folded.nodes for id in (node.members or (node.id,))]
    assert sorted(inside) == sorted(node.id for node in graph.nodes)
    place = {node.id: position for position, node in enumerate(folded.nodes)}
    assert len(place) == len(folded.nodes)
    assert all(place[edge.source] < place[edge.target] for edge in folded.edges)
    targets = [place[edge.target] for edge in folded.edges]
    assert targets == sorted(targets)
    assert folded.output == folded.nodes[-1].id
    home = {id: node.id for node in folded.nodes for id in (node.members or (node.id,))}
    expected = {(home[e.source], home[e.target]) for e in graph.edges if home[e.source] != home[e.target]}
    assert {(edge.source, edge.target) for edge in folded.edges} == expected
    for node in folded.nodes:
        members = [graph.index[id] for id in node.members]
        assert not members or node.operations == sum(member.operation != "" for member in members)
        order = {id: position for position, id in enumerate(node.members)}
        assert all(order[e.source] < order[e.target] for e in graph.edges if e.source in order and e.target in order)
    assert {node.scope for node in folded.nodes} <= {"", *(box.path for box in boxes(folded.groups))}
