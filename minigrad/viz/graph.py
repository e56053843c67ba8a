"""A computation graph as plain data: what every picture of it is made from.

Nothing here knows how a picture looks, and nothing here holds a tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from minigrad.viz.folding.groups import Group
from minigrad.viz.summary import Summary

Kind = Literal["parameter", "input", "constant", "operation", "output", "module"]


@dataclass(frozen=True)
class ScriptLine:
    """A line of the user's script.

    Attributes:
        file: the file's name, without its folder.
        number: the line in it, from 1.
        function: the function that the line stands in; ``"<module>"`` outside of all.
        text: the line itself, without its indent.
    """

    file: str
    number: int
    function: str
    text: str


@dataclass(frozen=True)
class GraphNode:
    """One value in the graph: a leaf, the result of an operation, or a module folded into one box.

    Attributes:
        id: ``"n0"``, ``"n1"``, ... in topological order, inputs first; ``"m0"``, ... for a folded module.
        kind: what it is. A parameter is a leaf that requires a gradient, an input a leaf that does not,
            a constant a number, the output the operation that is drawn.
        name: what the user calls it, if anything; the path, for a module.
        operation: the name of the operation; empty for a leaf.
        options: the operation's arguments that are not arrays, as text, where they are not the default.
        shape: the shape of the value.
        dtype: its dtype.
        scope: the path of the module whose box it stands in.
        requires_grad: whether a gradient reaches it.
        released: whether a backward pass has freed its value, or what it was computed from.
        value: the value, if it is wanted and known.
        gradient: the gradient of the output at this node, if it is wanted and known.
        members: for a folded module, the ids of the nodes inside.
        operations: for a folded module, how many operations are inside.
        parameters: for a folded module, how many numbers its parameters have.
        repeats: how many blocks, all alike and each the next one's input, are folded into this one.
        line: the line of the script that made it, where that was recorded.
    """

    id: str
    kind: Kind
    name: str | None
    operation: str
    options: dict[str, str]
    shape: tuple[int, ...]
    dtype: str
    scope: str
    requires_grad: bool
    released: bool = False
    value: Summary | None = None
    gradient: Summary | None = None
    members: tuple[str, ...] = ()
    operations: int = 0
    parameters: int = 0
    repeats: int = 1
    line: ScriptLine | None = None


@dataclass(frozen=True)
class GraphEdge:
    """One use of a value as an argument; ``x * x`` has two edges from x.

    Attributes:
        source: the id of the node whose value is used.
        target: the id of the operation that uses it.
        position: which argument it is, from 0.
        argument: what the operation calls it, such as ``"weight"``; empty if it has no name for it.
        ordered: whether exchanging the operation's arguments would change the result.
        carries_gradient: whether the value needs a gradient, so that one may flow back along it.
    """

    source: str
    target: str
    position: int
    argument: str
    ordered: bool
    carries_gradient: bool


@dataclass(frozen=True)
class Graph:
    """A computation graph.

    Attributes:
        nodes: in topological order, inputs first.
        edges: in the order of their targets, then of the arguments.
        groups: the modules' boxes, nested.
        output: the id of the node that is drawn.
        summed: whether the gradients are those of the output's sum, since the output is not a scalar.
        released: whether a backward pass has freed values that belong here.
        accumulated: whether the gradients are the tensors' own ``.grad``.
        index: each node by its id.
        arguments: the edges into each operation, by its id, in the order of the arguments.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    groups: tuple[Group, ...]
    output: str
    summed: bool = False
    released: bool = False
    accumulated: bool = False
    index: dict[str, GraphNode] = field(init=False, repr=False, compare=False)
    arguments: dict[str, list[GraphEdge]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {node.id: node for node in self.nodes})
        arguments: dict[str, list[GraphEdge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            arguments[edge.target].append(edge)
        object.__setattr__(self, "arguments", arguments)
