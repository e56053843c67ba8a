"""Functions of functions: value_and_grad, vjp, jvp, hvp, jacobian and hessian. All are made of ``grad``.

An argument is a tensor, or a tuple, list or dict of them, and what is returned for it has its structure. Transforms
nest to any depth: inside a function that is being transformed, every derivative is itself recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.calls import call
from minigrad.checks import check_flag
from minigrad.engine.backward import grad
from minigrad.engine.creation import tensor
from minigrad.engine.mode import GradMode, records_derivatives, transforming
from minigrad.engine.operators import operations
from minigrad.engine.structures import is_container, leaves, like, matched
from minigrad.engine.tensor import Tensor, check_differentiable, of_dtype
from minigrad.errors import DtypeError, GraphError, ShapeError

Function = Callable[..., Tensor]


def value_and_grad(f: Function) -> Callable[..., tuple[Tensor, Any]]:
    """Return a function that gives ``f``'s value and its gradients with respect to its arguments.

    Arguments that are tensors or arrays of a floating-point dtype, Python floats, or tuples, lists and dicts of
    tensors are differentiated; others are passed on. Keyword arguments are never differentiated.

    Returns:
        A function that returns ``(value, gradient)``: the gradient of the one differentiated argument, in its
        structure, else a tuple of them.

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
        chosen = {place: value for place, value in enumerate(args) if _is_differentiable(value)}
        for place, value in enumerate(args):
            if place not in chosen:
                _check_not_mixed(place, value)
        if not chosen:
            raise DtypeError("value_and_grad needs at least one floating-point argument")

        def of_chosen(*values: Any) -> Any:
            given = dict(zip(chosen, values, strict=True))
            return f(*[given.get(place, value) for place, value in enumerate(args)], **options)

        record = records_derivatives()
        inputs, value = _evaluate(of_chosen, tuple(chosen.values()), scalar="value_and_grad")
        found: Sequence[Any] = [None] * len(inputs)
        if value.requires_grad:
            found = grad(value, inputs, create_graph=record, allow_unused=True)
        pulled = like(tuple(chosen.values()), map(_or_zeros, found, inputs))
        return value if record else value.detach(), pulled[0] if len(pulled) == 1 else pulled

    return with_gradient


def vjp(f: Function, *x: Any) -> tuple[Tensor, Callable[[Any], Any]]:
    """Return ``f(*x)`` and its vector-Jacobian product: the pullback ``v -> v @ J``.

    Args:
        f: takes tensors and returns one.
        x: its arguments, floating-point; each a tensor, or a tuple, list or dict of them.

    Returns:
        The value and the pullback: a function of ``v`` (in the value's shape) that returns the product for the one
        argument, or a tuple of one for each. It can be called any number of times.

    Raises:
        DtypeError: when an argument is not floating-point, or ``f`` returns no tensor.

    >>> import minigrad as mg
    >>> value, pullback = mg.vjp(lambda x: x * x, mg.tensor([1.0, 2.0]))
    >>> pullback([1.0, 10.0])
    tensor([ 2., 40.])
    """
    record = records_derivatives()
    inputs, value = _evaluate(f, x)

    def pullback(v: Any) -> Any:
        pulled = like(x, _pull(value, inputs, v, record=record))
        return pulled[0] if len(pulled) == 1 else pulled

    return value if record else value.detach(), pullback


def jvp(f: Function, x: Any, v: Any, *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """Return ``f(x)`` and its Jacobian-vector product ``J @ v``: the directional derivative along ``v``.

    Computed by differentiating the pullback, which is linear in its argument, a second time
    (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).

    Args:
        f: takes tensors and returns one.
        x: its argument: a tensor, or a list or dict of them; or a tuple of arguments.
        v: the direction, in the structure and the shapes of ``x``.
        create_graph: let the results be differentiated further; within the function of a transform they always can.

    Raises:
        ShapeError: when ``v`` does not have the shape of ``x``.

    >>> import minigrad as mg
    >>> mg.jvp(lambda x: x * x, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.5]))
    (tensor([1., 4.]), tensor([2., 2.]))
    """
    record = check_flag("jvp: create_graph", create_graph) or records_derivatives()
    inputs, value = _evaluate(f, _packed(x))
    directions = _directions(v, x, inputs)
    cotangent = Tensor(np.ones_like(value._array), None)  # any will do: the pullback is linear
    cotangent.requires_grad = value.requires_grad
    total = Tensor(np.zeros_like(value._array), None)
    for pulled, direction in zip(_pull(value, inputs, cotangent, record=True), directions, strict=True):
        if pulled.requires_grad:
            (part,) = grad(
                pulled, cotangent, gradient=direction, create_graph=record, retain_graph=True, allow_unused=True
            )
            with GradMode(record):
                total = total if part is None else total + part
    return value if record else value.detach(), total


def hvp(f: Function, x: Any, v: Any, *, create_graph: bool = False) -> Any:
    """Return the Hessian-vector product ``H @ v`` of a scalar function, without forming the Hessian.

    Computed as the gradient of ``gradient . v`` (B. Pearlmutter, "Fast exact multiplication by the
    Hessian", 1994).

    Args:
        f: takes tensors and returns a scalar tensor.
        x: its argument: a tensor, or a list or dict of them; or a tuple of arguments.
        v: the vector, in the structure and the shapes of ``x``.
        create_graph: let the result be differentiated further; within the function of a transform it always can.

    Raises:
        GraphError: when ``f`` does not return a scalar.
        ShapeError: when ``v`` does not have the shape of ``x``.

    >>> import minigrad as mg
    >>> mg.hvp(lambda x: (x ** 3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
    tensor([ 6., 12.])
    """
    record = check_flag("hvp: create_graph", create_graph) or records_derivatives()
    inputs, value = _evaluate(f, _packed(x), scalar="hvp")
    directions = _directions(v, x, inputs)
    gradients = _pull(value, inputs, None, record=True)
    with GradMode(True):
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g.requires_grad)
    return like(x, _pull(slope, inputs, None, record=record))


def jacobian(f: Function, x: Any, *, create_graph: bool = False) -> Any:
    """Return the Jacobian of ``f`` at ``x``, of shape ``f(x).shape + x.shape``; one for each tensor in ``x``.

    One backward pass for each element of the output.

    Args:
        f: takes tensors and returns one.
        x: its argument: a tensor, or a list or dict of them; or a tuple of arguments.
        create_graph: let the result be differentiated further; within the function of a transform it always can.

    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x, mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    record = check_flag("jacobian: create_graph", create_graph) or records_derivatives()
    inputs, value = _evaluate(f, _packed(x))
    return like(x, _rows(value, inputs, record))


def hessian(f: Function, x: Any, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar function at ``x``: shape ``x.shape + x.shape``.

    For a structure of tensors, a structure of structures: entry ``[i][j]`` of shape ``x[i].shape + x[j].shape``.

    Args:
        f: takes tensors and returns a scalar tensor.
        x: its argument: a tensor, or a list or dict of them; or a tuple of arguments.
        create_graph: let the result be differentiated further; within the function of a transform it always can.

    Raises:
        GraphError: when ``f`` does not return a scalar.

    >>> import minigrad as mg
    >>> mg.hessian(lambda x: x[0] * x[1], mg.tensor([3.0, 5.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    record = check_flag("hessian: create_graph", create_graph) or records_derivatives()
    inputs, value = _evaluate(f, _packed(x), scalar="hessian")
    gradients = _pull(value, inputs, None, record=True)
    return like(x, [like(x, _rows(gradient, inputs, record)) for gradient in gradients])


# --- arguments


def _packed(x: Any) -> tuple[Any, ...]:
    """Return the arguments of the function."""
    return x if isinstance(x, tuple) else (x,)


def _is_differentiable(value: Any) -> bool:
    """Whether an argument is real-valued, so that a derivative with respect to it means something."""
    if is_container(value):
        parts = leaves(value)
        return bool(parts) and all(map(_is_differentiable, parts))
    return isinstance(value, float) or (
        isinstance(value, (Tensor, np.ndarray, np.floating)) and value.dtype.kind == "f"
    )


def _check_not_mixed(place: int, value: Any) -> None:
    """Raise where a structure holds something to differentiate beside something else."""
    parts = leaves(value) if is_container(value) else []
    if any(map(_is_differentiable, parts)):
        other = next(part for part in parts if not _is_differentiable(part))
        raise DtypeError(
            f"value_and_grad: argument {place} holds floating-point tensors and {other!r:.60}, so it cannot be "
            "differentiated as a whole; pass the other values as another argument"
        )


# --- evaluation


def _evaluate(f: Function, x: tuple[Any, ...], scalar: str = "") -> tuple[list[Tensor], Tensor]:
    """Return new tensors in the place of those of ``x``, and the value of ``f`` at them."""
    if not callable(f):
        raise DtypeError(f"expected a function of tensors to differentiate, got {type(f).__name__}")
    with transforming():
        inputs = [variable(leaf) for leaf in leaves(x)]
        value = call("f must be a function of the arguments given", f, *like(x, inputs))
    if not isinstance(value, Tensor):
        raise DtypeError(f"the function must return a tensor, it returned {type(value).__name__}")
    if scalar and value.size != 1:
        raise GraphError(f"{scalar}() needs a function that returns a scalar, it returned shape {value.shape}")
    return inputs, value


def variable(value: Any) -> Tensor:
    """Return a new tensor of the same value, to differentiate with respect to.

    Where ``value`` is part of a graph the new tensor is too, so that transforms can be nested;
    other uses of ``value`` inside a function count as constants.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        alias: Tensor = operations["identity"](value)
        return alias
    made = tensor(value)
    check_differentiable(made.dtype, "a derivative")
    made.requires_grad = True
    if isinstance(value, Tensor):
        made.name = value.name
    return made


def _pull(value: Any, inputs: list[Tensor], v: Any, *, record: bool) -> list[Tensor]:
    """Return the gradients with respect to the inputs, zeros where there is no dependence."""
    found: Sequence[Any] = [None] * len(inputs)
    if isinstance(value, Tensor) and value.requires_grad:
        found = grad(value, inputs, gradient=v, create_graph=record, retain_graph=True, allow_unused=True)
    return list(map(_or_zeros, found, inputs))


def _or_zeros(gradient: Tensor | None, x: Tensor) -> Tensor:
    return Tensor(np.zeros_like(x._array), None) if gradient is None else gradient


def _rows(value: Tensor, inputs: list[Tensor], record: bool) -> list[Tensor]:
    """Return the Jacobian with respect to each input, one backward pass for each element of ``value``."""
    basis = np.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
    rows = [_pull(value, inputs, direction, record=record) for direction in basis]
    blocks: list[Tensor] = []
    for position, x in enumerate(inputs):
        column = [row[position] for row in rows]
        with GradMode(record):
            if column:
                stacked: Any = operations["stack"](column)
            else:
                stacked = Tensor(np.empty(0, x.dtype), None)
            blocks.append(stacked.reshape(value.shape + x.shape))
    return blocks


def _directions(v: Any, x: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Return a direction for each input, in its shape."""
    directions = []
    for position, (direction, x_i) in enumerate(zip(matched(v, x), inputs, strict=True)):
        made = direction if isinstance(direction, Tensor) else of_dtype(direction, x_i.dtype)
        if made.shape != x_i.shape:
            raise ShapeError(
                f"v must have the shape of x: for argument {position} {x_i.shape} expected, got {made.shape}"
            )
        directions.append(made)
    return directions
