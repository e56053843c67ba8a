"""``grad`` and ``value_and_grad``: gradients returned, with every ``.grad`` left alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.backprop import differentiable_node, own, placed, seed
from minigrad.engine.creation import tensor
from minigrad.engine.mode import Recording
from minigrad.engine.tensor import Tensor, check_differentiable
from minigrad.engine.walk import walk
from minigrad.errors import DtypeError, GraphError, checked_arguments


@checked_arguments
def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    *,
    gradient: Any = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """Return the gradient of ``output`` with respect to each input, and accumulate nothing.

    Args:
        output: the tensor to differentiate.
        inputs: a tensor, or several; intermediate results count too.
        gradient: the gradient to start from, in the output's shape; 1 if the output is a scalar.
        create_graph: record the backward pass itself, so that the gradients can be differentiated.
        retain_graph: keep the saved arrays for another pass; by default as ``create_graph``.
        allow_unused: return None for an input on which the output does not depend.

    Returns:
        One tensor for one input, else a tuple; each in its input's shape and dtype.

    Raises:
        GraphError: when an input requires no gradient or does not lead to the output, the graph was
            released, or the output is not a scalar and no gradient is given.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> slope = mg.grad(x ** 3, x, create_graph=True)
    >>> slope, mg.grad(slope, x)
    (tensor(12., from=multiply), tensor(12.))
    """
    single = isinstance(inputs, Tensor)
    wanted: Sequence[Any] = inputs if isinstance(inputs, Sequence) else (inputs,)
    for position, x in enumerate(wanted):
        if not isinstance(x, Tensor):
            raise DtypeError(f"inputs must be tensors in a list or tuple, input {position} is: {type(x).__name__}")
        if not x.requires_grad:
            raise GraphError(
                f"input {position}, {x.describe()}, requires no gradient; create it with requires_grad=True"
            )
    root = differentiable_node(output)
    nodes = {x.node for x in wanted}
    start = {root: seed(output, gradient, lifted=create_graph)}
    release = not (create_graph if retain_graph is None else retain_graph)
    steps = walk(start, targets=nodes, lift=placed if create_graph else None, release=release)
    found = {step.node: step.gradient for step in steps if step.node in nodes}
    gradients = []
    for position, x in enumerate(wanted):
        if x.node not in found and not allow_unused:
            raise GraphError(
                f"the output does not depend on input {position}, {x.describe()}; "
                "pass allow_unused=True to get None for it"
            )
        gradients.append(_own(found.get(x.node)))
    return gradients[0] if single else tuple(gradients)


def _own(gradient: Any) -> Tensor | None:
    """Return a gradient as a tensor that shares memory with nothing else."""
    if gradient is None:
        return None
    return own(gradient) if isinstance(gradient, Tensor) else Tensor(np.array(gradient))


@checked_arguments
def value_and_grad(f: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Any]]:
    """Return a function that gives ``f``'s value and its gradients with respect to its arguments.

    Arguments that are tensors or arrays of a floating-point dtype, or Python floats, are
    differentiated; others are passed on. Keyword arguments are never differentiated.

    Returns:
        A function that returns ``(value, gradient)``: one tensor for one differentiated argument,
        else a tuple.

    Raises:
        GraphError: from the returned function, when ``f`` does not return a scalar.

    >>> import minigrad as mg
    >>> f = mg.value_and_grad(lambda w: (w * w).sum())
    >>> f(mg.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    if not callable(f):
        raise DtypeError(f"value_and_grad needs a function, got {type(f).__name__}")

    @functools.wraps(f)
    def with_gradient(*args: Any, **options: Any) -> tuple[Tensor, Any]:
        with Recording(True):
            values = [watched(value) if differentiable(value) else value for value in args]
            inputs = [new for new, old in zip(values, args, strict=True) if new is not old]
            if not inputs:
                raise DtypeError("value_and_grad needs at least one floating-point argument")
            value = f(*values, **options)
        gradients = grad(value, inputs, allow_unused=True)
        zeros = tuple(
            Tensor(np.zeros_like(x._data)) if g is None else g for g, x in zip(gradients, inputs, strict=True)
        )
        return value.detach(), zeros[0] if len(zeros) == 1 else zeros

    return with_gradient


def differentiable(value: Any) -> bool:
    """Whether an argument is real-valued, so that a derivative with respect to it means something."""
    if isinstance(value, float):
        return True
    return isinstance(value, (Tensor, np.ndarray, np.floating)) and value.dtype.kind == "f"


def watched(value: Any) -> Tensor:
    """Return a new tensor of the same value, to differentiate with respect to.

    Where ``value`` is part of a graph the new tensor is too, so that transforms can be nested;
    other uses of ``value`` inside a function count as constants.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        alias: Tensor = +value
        return alias
    made = tensor(value)
    check_differentiable(made.dtype, "a derivative")
    made.requires_grad = True
    if isinstance(value, Tensor):
        made.name = value.name
    return made
