"""``backprop``: the walk that ``backward()`` exhausts, and how gradients reach the tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.engine.arrays import as_array
from minigrad.engine.listener import current_listener
from minigrad.engine.mode import Recording
from minigrad.engine.node import Node
from minigrad.engine.operators import operations
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import Step, walk
from minigrad.errors import DtypeError, GraphError, ShapeError, checked_arguments


@checked_arguments
def backprop(
    output: Tensor, gradient: Any = None, *, retain_graph: bool = False, create_graph: bool = False
) -> Iterator[Step]:
    """Run a backward pass step by step: a generator of ``Step``s, outermost first.

    Exhausting it is what ``output.backward()`` does: each leaf's gradient is added to its
    ``.grad`` when the walk reaches the leaf, and saved arrays are released on the way.

    Args:
        output: the tensor to differentiate.
        gradient: the gradient to start from, in the output's shape; 1 if the output is a scalar.
        retain_graph: keep the saved arrays, so that another backward pass can run; ``create_graph`` does too.
        create_graph: record the backward pass itself, so that gradients can be differentiated.

    Raises:
        GraphError: when nothing requires a gradient, the graph was released, or the output is
            not a scalar and no gradient is given.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> for step in mg.backprop(x * x + x):
    ...     print(step.node.operation or step.node.name, step.gradient)
    add 1.0
    multiply 1.0
    x 7.0
    """
    return _steps(output, gradient, retain_graph, create_graph, watched=True)


def backward(output: Tensor, gradient: Any, retain_graph: bool, create_graph: bool) -> None:
    """Exhaust ``backprop``: what ``Tensor.backward`` looks up, and describes."""
    for _ in _steps(output, gradient, retain_graph, create_graph, watched=False):
        pass


def _steps(output: Tensor, gradient: Any, retain_graph: bool, create_graph: bool, watched: bool) -> Iterator[Step]:
    seeds = {differentiable_node(output): seed(output, gradient, lifted=create_graph)}
    listener = current_listener()
    steps = walk(
        seeds,
        lift=placed if create_graph else None,
        release=not (retain_graph or create_graph),
        deliver=Delivery().accumulate,
        watched=watched or listener is not None,
    )
    return steps if listener is None else listener.backward(output, steps)


class Delivery:
    """Brings gradients to the tensors; two tensors never share an array."""

    def __init__(self) -> None:
        self.delivered: set[int] = set()

    def accumulate(self, node: Node, gradient: Any) -> None:
        """Add a node's gradient to its tensor's ``.grad``, if the tensor is still there."""
        tensor = node.tensor() if node.tensor is not None else None
        if tensor is None:
            return
        before = tensor._grad
        if isinstance(gradient, Tensor):
            with Recording(True):
                tensor._grad = own(gradient) if before is None else before + gradient
            return
        array = gradient if before is None else before._data + gradient
        if not isinstance(array, np.ndarray):
            array = np.asarray(array)
        # rules may pass one array on to several inputs
        if array.base is not None or id(array) in self.delivered:
            array = array.copy()
        self.delivered.add(id(array))
        tensor._grad = Tensor(array, None, False)


def placed(array: Any, node: Node) -> Tensor:
    """Return a saved array at its place in the graph, for rules that are recorded themselves."""
    return Tensor(array, node, False)


def own(gradient: Tensor) -> Tensor:
    """Return a recorded gradient at its place in the graph, in memory that it shares with nothing else."""
    return Tensor(gradient._data.copy(), gradient.node, False)


def differentiable_node(output: Any) -> Node:
    """Return the output's node.

    Raises:
        DtypeError: when the output is no tensor.
        GraphError: when no gradient can flow from it.
    """
    if not isinstance(output, Tensor):
        raise DtypeError(f"expected a tensor to differentiate, got {type(output).__name__}")
    if output.node is None or not output.node.requires_grad:
        raise GraphError(
            f"nothing to differentiate: {output.describe()} depends on no tensor that requires a gradient; create "
            "the inputs with requires_grad=True, and compute outside of no_grad()"
        )
    return output.node


def seed(output: Tensor, gradient: Any, *, lifted: bool) -> Any:
    """Return the gradient that a backward pass starts from: an array, or a tensor if the pass is recorded."""
    if gradient is None:
        if output.size != 1:
            raise GraphError(
                f"backward() needs a scalar, {output.describe()} has {output.size} elements; reduce it with .sum() "
                f"or .mean(), or pass gradient= of shape {output.shape}"
            )
        data = output._data
        array = np.ones_like(data) if data.ndim else np.array(1, data.dtype)
        return Tensor(array, None, False) if lifted else array
    if lifted and isinstance(gradient, Tensor) and gradient.dtype == output.dtype:
        start = gradient
    else:
        array = as_array(gradient._data if isinstance(gradient, Tensor) else gradient, output.dtype)
        start = Tensor(array.copy(), None, False)  # it may become a leaf's .grad
    if start.shape != output.shape:
        raise ShapeError(f"gradient= must have the output's shape {output.shape}, got {start.shape}")
    return start if lifted else start._data


operations["backward"] = backward
