"""The place of a tensor in a computation graph."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.memory_changes import clock

if TYPE_CHECKING:
    from minigrad.engine.primitive import Primitive
    from minigrad.engine.source import SourceLine


class Node:
    """One recorded operation, or a leaf: a tensor that no recorded operation made.

    A node knows its parents and never holds a ``Tensor``, so references run one way,
    from a result to what it was made of: a graph is freed with its last tensor.

    Attributes:
        primitive: the operation; None for a leaf.
        inputs: the nodes of the arguments, in order; an argument used twice stands there twice. A number
            that is no tensor stands there itself.
        saved: the output's array and the arguments' arrays, for the derivative rules; None once
            a backward pass has released them. A constant number keeps itself here.
        options: the keyword arguments of the operation, such as ``axis``.
        shape: the shape of the output.
        dtype: the dtype of the output.
        requires_grad: whether a gradient has to reach this node.
        name: what the user calls it, if anything.
        scope: the path of the module in whose call it was recorded, such as ``"MLP.layers.0"``.
        line: the line of the user's script that made it, where that was recorded.
        made: when it was made, by the clock of changes in place.
        tensor: a weak reference to the tensor whose ``.grad`` receives this node's gradient; of a constant, to the
            user's array.
    """

    __slots__ = (
        "dtype",
        "inputs",
        "line",
        "made",
        "name",
        "options",
        "primitive",
        "requires_grad",
        "saved",
        "scope",
        "shape",
        "tensor",
    )

    def __init__(
        self,
        primitive: Primitive[Any] | None,
        inputs: tuple[Any, ...],
        saved: tuple[Any, ...] | None,
        options: dict[str, Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        requires_grad: bool,
        scope: str,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.saved = saved
        self.options = options
        self.shape = shape
        self.dtype = dtype
        self.requires_grad = requires_grad
        self.scope = scope
        self.made = clock.now
        self.line: SourceLine | None = None
        self.name: str | None = None
        self.tensor: weakref.ref[Any] | None = None

    @property
    def parents(self) -> tuple[Node, ...]:
        """The nodes of all arguments; numbers have none until somebody asks."""
        if not all(isinstance(value, Node) for value in self.inputs):
            self.inputs = tuple([value if isinstance(value, Node) else constant(value) for value in self.inputs])
        return self.inputs

    @property
    def operation(self) -> str:
        """The name of the operation; empty for a leaf."""
        return "" if self.primitive is None else self.primitive.name

    @property
    def released(self) -> bool:
        """Whether a backward pass has freed the values that this node's rules need."""
        return self.saved is None and self.primitive is not None

    def __repr__(self) -> str:
        what = self.operation or "leaf"
        name = f" {self.name!r}" if self.name else ""
        return f"<Node {what}{name}, shape {self.shape}, {self.dtype}>"


_NUMBERS = {float: np.dtype(np.float64), int: np.dtype(np.int64), bool: np.dtype(np.bool_)}


def leaf(shape: tuple[int, ...], dtype: np.dtype[Any], *, requires_grad: bool = False) -> Node:
    """Return the node of a tensor that no recorded operation made."""
    return Node(None, (), None, {}, shape, dtype, requires_grad, "")


def constant(value: Any) -> Node:
    """Return the node of an argument that is no tensor; a number keeps its value for the drawing."""
    if isinstance(value, np.ndarray):
        node = leaf(value.shape, value.dtype)
        node.tensor = weakref.ref(value)
        return node
    node = leaf((), _NUMBERS.get(type(value)) or np.asarray(value).dtype)
    node.saved = (value,)
    return node
