"""What the nodes of a graph hold: leaves as they were used, results computed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.engine.node import Node, Number, ancestors
from minigrad.engine.value import read_only


def values_of(root: Node) -> dict[Node, Any]:
    """Return the value of a node and of each node that it was computed from, bit for bit as in the forward pass.

    A graph holds the arrays of leaves and constants, and of results only what the derivative rules need; the other
    results are computed again, by the functions themselves. A node that a backward pass has released has no value any
    more, unless an operation that uses it holds it, and neither has what needs it. The arrays cannot be written into.
    """
    nodes = ancestors(root)[::-1]  # the oldest first
    values: dict[Node, Any] = {}
    held: dict[Node, Any] = {}  # of results, by the operations that use them
    for node in nodes:
        if isinstance(node, Number):
            values[node] = node.value
        elif node.operands is not None:
            for parent, array in _operands(node):
                (values if parent.primitive is None else held).setdefault(parent, read_only(array))
    with np.errstate(all="ignore"):  # the forward pass has given NumPy's warnings already
        for node in nodes:
            if node.primitive is None:
                continue
            if node.saved is not None and "out" in node.saved:
                values[node] = read_only(node.saved["out"])
            elif node.operands is not None and all(parent in values for parent in node.parents):
                values[node] = read_only(_computed(node, values))
            elif node in held:
                values[node] = held[node]
    return values


def _computed(node: Node, values: dict[Node, Any]) -> Any:
    """Compute an operation again, with the values of its arguments, or what it holds of them."""
    operands = node.operands or [None] * len(node.parents)
    pairs = zip(node.parents, operands, strict=True)
    arrays = [values[parent] if operand is None else operand for parent, operand in pairs]
    return np.asanyarray(node.primitive.dispatch(*arrays, **node.options))


def _operands(node: Node) -> Iterator[tuple[Node, Any]]:
    """Yield what an operation holds of its arguments, as operands or for its rules."""
    primitive, saved = node.primitive, node.saved or {}
    names = [parameter.name for parameter in primitive.parameters[: len(node.inputs)]]
    named = saved.get(names[0], ()) if primitive.variadic else [saved.get(name) for name in names]
    for arrays in filter(None, (node.operands, named)):
        for parent, array in zip(node.parents, arrays, strict=True):
            if array is not None and not isinstance(parent, Number):
                yield parent, array
