"""What a script calls its tensors: the variables of the function that calls ``backward()``."""

from __future__ import annotations

from types import FrameType
from typing import Any

from minigrad.engine.node import Node
from minigrad.engine.tensor import Tensor
from minigrad.viz.build import node_ids


def variable_names(root: Node, frame: FrameType | None) -> dict[Node, str]:
    """Return the variable that holds a node's tensor, or its array, for nodes that have no name of their own.

    Args:
        root: the node that is differentiated.
        frame: the call whose variables to look at: its own first, then its module's.
    """
    nodes = node_ids(root)
    arrays = {id(node.tensor()): node for node in nodes if node.tensor is not None}  # the user's own, and tensors
    names: dict[Node, str] = {}
    for name, value in _variables(frame):
        # the type is asked, and not the value: looking at a lazy object may run the script's own code
        node = value.node if issubclass(type(value), Tensor) else arrays.get(id(value))
        if node in nodes and node.name is None and not name.startswith("_"):
            names.setdefault(node, name)
    return names


def _variables(frame: FrameType | None) -> list[tuple[str, Any]]:
    return [] if frame is None else [*frame.f_locals.items(), *frame.f_globals.items()]
