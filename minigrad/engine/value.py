"""Value: an array and its place in the graph, and who may write into the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.arrays import Array
from minigrad.engine.node import CONSTANT, Node


class Value:
    """What a tensor is to the engine: an array, and its node in the graph.

    **Copy on conflict.** An array is never both *exported* (given to code outside of the library, which may write into
    it at any time) and *captured* (held by a graph or by another tensor, which read it later). A graph captures a copy
    of an exported array, and a tensor whose array is captured exports a copy, which from then on is its own array. So
    code outside may write as it likes, and every gradient is that of the values at the time of the forward pass.

    Attributes:
        node: the place in the graph; None until a recorded operation, a name or ``requires_grad`` needs one.
    """

    __slots__ = ("_array", "_captured", "_exported", "node")

    _array: Array
    _captured: bool
    _exported: bool
    node: Node | None

    def ensure_node(self) -> Node:
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
        """Return the array for the library to write into; copied first, if a graph or another tensor may hold it."""
        if self._captured or self._array.base is not None or not self._array.flags.writeable:
            self.assign(self._array.copy("K"))
        return self._array

    def export(self) -> Array:
        """Return the array for code outside of the library; copied first, if a graph or another tensor may hold it."""
        if self._captured or self._array.base is not None:  # of a view, the base may be held elsewhere
            self.assign(self._array.copy("K"))
        self._exported = True
        return self._array

    def assign(self, array: Array) -> None:
        """Replace the array by one that nobody else holds; whoever holds the old one keeps its values."""
        self._array = array
        self._captured = False
        # a result that was assigned no longer equals what its node computes: it counts as exported, so that graphs
        # copy it instead of computing it again
        self._exported = self.node is not None and self.node.primitive is not None

    def put_back(self, array: Array, exported: bool) -> None:
        """Undo ``assign``: give the tensor back an earlier array, which counts as captured unless it was exported."""
        self._array = array
        self._exported, self._captured = exported, not exported


def of_parts(function: Callable[[Any], Any], value: Any) -> Any:
    """Return a tuple, list or dict with a function applied to each part; anything else as it is."""
    if isinstance(value, dict):
        return {key: function(part) for key, part in value.items()}
    if isinstance(value, list):
        return [function(part) for part in value]
    if isinstance(value, tuple):
        return type(value)(*map(function, value)) if hasattr(value, "_fields") else tuple(map(function, value))
    return value


def read_only(value: Any) -> Any:
    """Return views of an array, or of those in a tuple, list or dict, that cannot be written into."""
    if not isinstance(value, np.ndarray):
        return of_parts(read_only, value)
    view = value.view()
    view.flags.writeable = False
    return view


def copy_if_shared(value: Any, exported: list[Array]) -> Any:
    """Return a result, copied if it is a view or one of the exported arrays."""
    shared = value.base is not None or any(value is each for each in exported)
    return value.copy("K") if shared else value
