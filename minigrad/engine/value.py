"""Value: an array and its place in the graph, and who may write into the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.node import CONSTANT, Node

Array = npt.NDArray[Any]


class Value:
    """What a tensor is to the engine: an array, and its node in the graph.

    **Copy on conflict.** An array is never both *exported* (given to code outside of the library, which may write into
    it at any time) and *captured* (held by a graph or by another tensor, which read it later). The second of the
    two gets a copy: a graph captures a copy of an exported array, and a tensor whose array is captured exports a copy,
    which from then on is its own array. So code outside may write as it likes, and every gradient is that of the
    values at the time of the forward pass.

    Attributes:
        node: the place in the graph; None while nothing recorded has used the tensor.
    """

    __slots__ = ("_array", "_captured", "_exported", "node")

    def __init__(self, data: Array, node: Node | None, captured: bool = False) -> None:
        self._array = data
        self._captured = captured
        self._exported = False
        self.node = node

    def place(self) -> Node:
        """Return the node, made now if this is the first time that a graph needs it."""
        if self.node is None:
            self.node = Node(self._array.shape, self._array.dtype, CONSTANT)
        return self.node

    def capture(self) -> Array:
        """Return the array for a graph or another tensor to hold: a copy, if it has been exported."""
        if self._exported:
            return self._array.copy("K")
        self._captured = True
        return self._array

    def writable(self) -> Array:
        """Return the array for the library to write into: made a copy first, if something else may hold it."""
        if self._captured or self._array.base is not None or not self._array.flags.writeable:
            self.assign(self._array.copy("K"))
        return self._array

    def export(self) -> Array:
        """Return the array for code outside of the library, which may write into it: made a copy first, likewise."""
        if self._captured or self._array.base is not None:
            self.assign(self._array.copy("K"))
        self._exported = True
        return self._array

    def assign(self, array: Array) -> None:
        """Replace the array by one that nobody else holds; whoever holds the old one keeps its values."""
        self._array = array
        self._captured = False
        # the function that made a result gives other values now: graphs that use it hold copies of the new ones
        self._exported = self.node is not None and self.node.primitive is not None

    def put_back(self, array: Array, exported: bool) -> None:
        """Give the tensor an array back that it had before, with what was known of it."""
        self._array = array
        self._exported, self._captured = exported, not exported


def of_parts(function: Callable[[Any], Any], value: Any) -> Any:
    """Return a tuple, list or dict with a function applied to each part; anything else as it is."""
    if isinstance(value, dict):
        return {key: function(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [function(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)  # a named tuple, or not
    return value


def read_only(value: Any) -> Any:
    """Return views of an array, or of those in a tuple, list or dict, that cannot be written into."""
    if not isinstance(value, np.ndarray):
        return of_parts(read_only, value)
    view = value.view()
    view.flags.writeable = False
    return view


def copy_if_shared(value: Any, exported: list[Array]) -> Any:
    """Return a result as a copy where it may be a view of an exported array."""
    shared = value.base is not None or any(value is each for each in exported)
    return value.copy("K") if shared else value
