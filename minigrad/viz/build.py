"""From a tensor to the graph that pictures of it are made from."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigrad.engine.node import Node, Number, ancestors
from minigrad.engine.recompute import values_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import walk
from minigrad.errors import DtypeError, GraphError
from minigrad.viz.folding.groups import common_scope, group
from minigrad.viz.graph import Graph, GraphEdge, GraphNode, Kind, ScriptLine
from minigrad.viz.summary import summarise
from minigrad.viz.text import number, shorten


def build(output: Tensor, *, values: bool = True, gradients: bool = True) -> Graph:
    """Return the graph of everything that ``output`` was computed from; changes nothing, no ``.grad`` either.

    Args:
        output: the tensor to draw.
        values: keep what the arrays hold.
        gradients: compute the gradient of the output, or of its sum, at each node.

    Raises:
        DtypeError: when the output is not a tensor.
        GraphError: when no graph was recorded.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> graph = build(x * x)
    >>> [(node.id, node.kind, node.name or node.operation) for node in graph.nodes]
    [('n0', 'parameter', 'x'), ('n1', 'output', 'multiply')]
    >>> [(edge.source, edge.target, edge.position) for edge in graph.edges]
    [('n0', 'n1', 0), ('n0', 'n1', 1)]
    """
    root = root_of(output)
    ids = node_ids(root)
    order = list(ids)
    released = any(node.released for node in order)
    arrays = values_of(root) | {root: output._array} if values else {}
    lost = {node for node in order if values and node.primitive is not None and node not in arrays}
    slopes = {} if not gradients else _accumulated(order) if released else _gradients(root)
    scopes = _scopes(order)
    nodes = tuple(
        GraphNode(
            id=ids[node],
            kind=_kind(node, root),
            name=node.name,
            operation=node.operation,
            options=_options(node),
            shape=node.shape,
            dtype=str(node.dtype),
            scope=scopes[node],
            requires_grad=node.requires_grad,
            released=node in lost or (node.released and node is not root),
            value=summarise(arrays[node]) if node in arrays else None,
            gradient=summarise(slopes[node]) if node in slopes else None,
            line=_script_line(node),
        )
        for node in order
    )
    edges = tuple(edge for node in order for edge in _edges(node, ids))
    return Graph(
        nodes=nodes,
        edges=edges,
        groups=group((node.id, node.scope) for node in nodes),
        output=ids[root],
        summed=gradients and not released and output.size != 1,
        released=released,
        accumulated=gradients and released,
    )


def node_ids(root: Node) -> dict[Node, str]:
    """Return the nodes that ``root`` depends on, inputs first, each with its id.

    Of an operation's arguments the one with the longest history comes first, then from left to right: the order in
    which a loop over layers or over time computes them.
    """
    depth: dict[Node, int] = {}
    for node in reversed(ancestors(root)):
        depth[node] = 1 + max((depth[parent] for parent in node.parents), default=0)
    order: dict[Node, None] = {}
    path = [(root, _longest_first(root, depth))]
    entered = {root}
    while path:
        node, waiting = path[-1]
        parent = next((parent for parent in waiting if parent not in entered), None)
        if parent is None:
            order[node] = None
            path.pop()
        else:
            entered.add(parent)
            path.append((parent, _longest_first(parent, depth)))
    return {node: f"n{position}" for position, node in enumerate(node for node in order if not _absent(node))}


def _longest_first(node: Node, depth: dict[Node, int]) -> Iterator[Node]:
    return iter(sorted(node.parents, key=lambda parent: -depth[parent]))


def root_of(output: Any) -> Node:
    """Return the node of a tensor whose graph is to be shown, or say why there is none."""
    if not isinstance(output, Tensor):
        raise DtypeError(f"a picture of a graph needs a tensor, such as a loss; got {type(output).__name__}")
    if output.node is None or not output.node.requires_grad:
        raise GraphError(
            f"there is no graph to draw: {output.describe()} depends on no tensor that requires a gradient; create "
            "the inputs with requires_grad=True, and compute outside of no_grad()"
        )
    return output.node


def _absent(node: Node) -> bool:
    """Whether a node stands for an argument that was not given: ``linear(x, weight, None)``."""
    return isinstance(node, Number) and node.value is None


def _kind(node: Node, root: Node) -> Kind:
    if node.primitive is not None:
        return "output" if node is root else "operation"
    if node.requires_grad:
        return "parameter"
    return "constant" if isinstance(node, Number) else "input"


def _gradients(root: Node) -> dict[Node, Any]:
    """Run the engine's own backward walk: it delivers nothing and releases nothing."""
    seed = np.ones(root.shape, root.dtype)
    with np.errstate(all="ignore"):  # what overflows is seen in the picture
        return {node: gradient for node, gradient, _ in walk({root: seed})}


def _accumulated(order: Iterable[Node]) -> dict[Node, Any]:
    """Return the gradients that tensors still alive have in their ``.grad``."""
    found: dict[Node, Any] = {}
    for node in order:
        tensor = node.tensor() if node.tensor is not None and node.requires_grad else None
        if tensor is not None and tensor.grad is not None:
            found[node] = tensor.grad._array
    return found


def _scopes(order: list[Node]) -> dict[Node, str]:
    """Return the scope of each node: parameters and constants stand with the operations that use them."""
    scopes = {node: node.scope for node in order}
    used: dict[Node, str] = {}
    for node in order:
        for parent in node.parents:
            if parent.primitive is None and (parent.requires_grad or isinstance(parent, Number)):
                used[parent] = common_scope(used[parent], node.scope) if parent in used else node.scope
    return scopes | {node: scope for node, scope in used.items() if node in scopes}


def _script_line(node: Node) -> ScriptLine | None:
    if node.line is None:
        return None
    file, number, function = node.line
    return ScriptLine(os.path.basename(file), number, function, linecache.getline(file, number).strip())


def _options(node: Node) -> dict[str, str]:
    """Return the keyword arguments that differ from the primitive's defaults, as short text."""
    if node.primitive is None:
        return {}
    defaults = {parameter.name: parameter.default for parameter in node.primitive.parameters}
    return {
        name: _option(value)
        for name, value in node.options.items()
        if not (value is defaults.get(name) or (isinstance(value, (int, float, str)) and value == defaults.get(name)))
    }


def _option(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array {value.shape}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_option, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop, value.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if value is ...:
        return "..."
    if isinstance(value, (set, frozenset)):  # in an order that is the same in the next run
        return f"{{{', '.join(sorted(map(_option, value)))}}}" if value else "set()"
    return shorten(re.sub(" at 0x[0-9a-fA-F]+", "", repr(value)), 32)  # an address would differ from run to run


def _edges(node: Node, ids: dict[Node, str]) -> Iterable[GraphEdge]:
    if node.primitive is None:
        return
    names = ["" if p.kind is p.VAR_POSITIONAL else p.name for p in node.primitive.parameters]
    for position, parent in enumerate(node.parents):
        if parent in ids:
            yield GraphEdge(
                source=ids[parent],
                target=ids[node],
                position=position,
                argument="" if node.primitive.variadic or position >= len(names) else names[position],
                ordered=len(node.parents) > 1 and node.primitive.name not in _COMMUTATIVE,
                carries_gradient=parent.requires_grad,
            )


_COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum"})
