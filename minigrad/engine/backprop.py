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
    seeds = {differentiable_node(output): seed(output, gradient, lifted=create_graph)}
    steps = _deliver(walk(seeds, lift=Tensor if create_graph else None, release=not (retain_graph or create_graph)))
    listener = current_listener()
    return steps if listener is None else listener.backward(output, steps)


def _deliver(steps: Iterator[Step]) -> Iterator[Step]:
    delivered: set[int] = set()
    for step in steps:
        reference = step.node.tensor
        if reference is not None:
            tensor = reference()
            if tensor is not None:
                _accumulate(tensor, step.gradient, delivered)
        yield step


def _accumulate(tensor: Tensor, gradient: Any, delivered: set[int]) -> None:
    if isinstance(gradient, Tensor):
        with Recording(True):
            tensor._grad = own(gradient) if tensor._grad is None else tensor._grad + gradient
        return
    array = gradient if tensor._grad is None else tensor._grad._data + gradient
    if not isinstance(array, np.ndarray):
        array = np.asarray(array)
    # rules may pass one array on to several inputs: two tensors must not share a gradient
    if (array.base is not None and not getattr(array, "alone", False)) or id(array) in delivered:
        array = array.copy()
    delivered.add(id(array))
    tensor._grad = Tensor(array)


def own(gradient: Tensor) -> Tensor:
    """Return a recorded gradient at its place in the graph, in memory that it shares with nothing else."""
    return Tensor(gradient._data.copy(), gradient.node)


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


def seed(output: Tensor, gradient: Any, *, lifted: bool = False) -> Any:
    """Return the gradient that a backward pass starts from: an array, or a tensor if the pass is recorded."""
    if gradient is None:
        if output.size != 1:
            raise GraphError(
                f"backward() needs a scalar, {output.describe()} has {output.size} elements; reduce it with .sum() "
                f"or .mean(), or pass gradient= of shape {output.shape}"
            )
        array = np.ones_like(output._data)
        return Tensor(array) if lifted else array
    if lifted and isinstance(gradient, Tensor) and gradient.dtype == output.dtype:
        start = gradient
    else:
        array = as_array(gradient._data if isinstance(gradient, Tensor) else gradient, output.dtype)
        start = Tensor(array.copy())  # it may become a leaf's .grad
    if start.shape != output.shape:
        raise ShapeError(f"gradient= must have the output's shape {output.shape}, got {start.shape}")
    return start if lifted else start._data


operations["backprop"] = backprop  # what Tensor.backward looks up
