"""What a script calls its tensors: the variables of the function that calls ``backward()``."""

from __future__ import annotations

import inspect
import sys
from types import FrameType
from typing import Any

import numpy as np

from minigrad.engine.node import Node
from minigrad.engine.tensor import Tensor
from minigrad.engine.values import values_of
from minigrad.viz.graph import node_ids


def variable_names(root: Node, frame: FrameType | None) -> dict[Node, str]:
    """Return the variable that holds a node's tensor, or its array, for nodes that have no name of their own.

    Args:
        root: the node that is differentiated.
        frame: the call whose variables to look at: its own first, then its module's.
    """
    nodes = node_ids(root)
    arrays = {id(array): node for node, array in values_of(root).items() if isinstance(array, np.ndarray)}
    arrays |= {id(node.tensor()): node for node in nodes if node.tensor is not None}  # a graph has copies of the user's
    names: dict[Node, str] = {}
    for name, value in _variables(frame):
        # the type is asked, and not the value: looking at a lazy object may run the script's own code
        node = value.node if issubclass(type(value), Tensor) else arrays.get(id(value))
        if node in nodes and node.name is None and not name.startswith("_"):
            names.setdefault(node, name)
    return names


def _variables(frame: FrameType | None) -> list[tuple[str, Any]]:
    if frame is None:
        return []
    variables = frame.f_locals
    found = [*variables.items(), *frame.f_globals.items()]
    # before Python 3.13 this is a copy that the frame keeps, and with it what the script lets go of later
    is_copy = sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if is_copy and _WORK_ON_THE_COPY.isdisjoint(frame.f_code.co_names):
        variables.clear()
    return found


# a function that calls one of these may have the copy too, and still need it
_WORK_ON_THE_COPY = frozenset({"locals", "vars", "dir", "exec", "eval"})
