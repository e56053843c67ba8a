"""Node: the place of a tensor in a computation graph."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

# the kinds of nodes: an array that needs no gradient; a number; a leaf that needs a gradient; and the result of a
# recorded operation, which can be computed again
CONSTANT, NUMBER, LEAF, RESULT = range(4)


class Node:
    """One recorded operation, or a leaf: a tensor that no recorded operation made.

    References run one way, from a result to what it was made of, and a node never holds a ``Tensor``:
    a graph is freed with its last tensor. Arguments that need a gradient are older than the result, and have smaller
    serial numbers.

    Attributes:
        shape: the shape of the output.
        dtype: the dtype of the output.
        kind: CONSTANT, NUMBER, LEAF or RESULT; the last two need a gradient.
        primitive: the operation; None for a leaf.
        inputs: the arguments, in order: their nodes, and numbers as they are. An argument used twice appears twice.
        rules: for each input that a gradient flows to, its position and its derivative rule.
        saved: what these rules need, by name; None for a leaf, and once a backward pass has released it.
        operands: one entry for each input: the array of a leaf or a constant, as it was used, or None for a number
            and for a result that can be computed again. A result that was exported may have been written into, so its
            array is here, too. Empty if every entry would be None. Released with ``saved``.
        options: the keyword arguments of the operation, such as ``axis``.
        scope: the path of the module in whose call it was recorded, such as ``"MLP.layers.0"``.
        name: what the user calls it, if anything.
        line: the line of the user's script that made it, where an observer noted it.
        tensor: a weak reference to the tensor whose ``.grad`` receives this node's gradient. For an argument that is
            an ndarray, to the array, from which drawings find its variable's name.
        serial: counts the nodes.
    """

    __slots__ = (
        "dtype",
        "inputs",
        "kind",
        "line",
        "name",
        "operands",
        "options",
        "primitive",
        "rules",
        "saved",
        "scope",
        "serial",
        "shape",
        "tensor",
    )

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kind: int,
        primitive: Any = None,
        inputs: tuple[Any, ...] = (),
        rules: tuple[tuple[int, Any], ...] = (),
        saved: dict[str, Any] | None = None,
        operands: tuple[Any, ...] | None = None,
        options: dict[str, Any] | None = None,
        scope: str = "",
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.kind = kind
        self.primitive = primitive
        self.inputs = inputs
        self.rules = rules
        self.saved = saved
        self.operands = operands
        self.options = options or _NO_OPTIONS
        self.scope = scope
        self.name: str | None = None
        self.line: Any = None
        self.tensor: weakref.ref[Any] | None = None
        self.serial = _next_serial()

    @property
    def parents(self) -> tuple[Node, ...]:
        """The nodes of all arguments; a number gets one when it is first asked for."""
        if not all(isinstance(value, Node) for value in self.inputs):
            self.inputs = tuple([value if isinstance(value, Node) else Number(value) for value in self.inputs])
        return self.inputs

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient has to reach this node."""
        return self.kind >= LEAF

    @property
    def operation(self) -> str:
        """The name of the operation; empty for a leaf."""
        return "" if self.primitive is None else self.primitive.name

    @property
    def released(self) -> bool:
        """Whether a backward pass has freed the values that this node's rules need."""
        return self.saved is None and self.primitive is not None

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<Node {self.operation or 'leaf'}{name}, shape {self.shape}, {self.dtype}>"


class Number(Node):
    """An argument that is a number, or None where an optional argument was omitted.

    Attributes:
        value: the number.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__((), _DTYPES.get(type(value)) or np.asarray(value).dtype, NUMBER)
        self.value = value


_NO_OPTIONS: dict[str, Any] = {}  # shared by all nodes without options
_DTYPES = {float: np.dtype(np.float64), int: np.dtype(np.int64), bool: np.dtype(np.bool_)}
_next_serial = itertools.count().__next__


def constant_of_array(array: np.ndarray[Any, Any]) -> Node:
    """Return a node for an argument that is an array and not a tensor."""
    node = Node(array.shape, array.dtype, CONSTANT)
    node.tensor = weakref.ref(array)
    return node


def backward_order(roots: Iterable[Node]) -> list[Node]:
    """Return the nodes that need a gradient and that the roots depend on, the youngest first.

    A result has a larger serial number than each argument that needs a gradient, so a node comes after all nodes that
    send it a gradient.
    """
    found = list(roots)
    seen = set(found)
    for node in found:  # the list grows while it is read
        for position, _ in node.rules:
            parent = node.inputs[position]
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    found.sort(key=attrgetter("serial"), reverse=True)
    return found


def ancestors(root: Node) -> list[Node]:
    """Return a node and everything that it was computed from, constants too, each before what it was made of."""
    found = {root: None}
    for node in (waiting := [root]):
        for parent in node.parents:
            if parent not in found:
                found[parent] = None
                waiting.append(parent)
    # leaves come last: the node of a number may be younger than the result that uses it
    return sorted(found, key=lambda node: node.serial if node.primitive is not None else -1, reverse=True)
