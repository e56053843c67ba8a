"""Functions of functions: vjp, jvp, hvp, jacobian and hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.arrays import as_array
from minigrad.engine.gradients import grad, watched
from minigrad.engine.mode import Recording
from minigrad.engine.tensor import Tensor
from minigrad.errors import DtypeError, GraphError, ShapeError, checked_arguments

Function = Callable[..., Tensor]


@checked_arguments
def vjp(f: Function, *x: Any) -> tuple[Tensor, Callable[[Any], Any]]:
    """Return ``f(*x)`` and its vector-Jacobian product: the pullback ``v -> v @ J``.

    Args:
        f: takes tensors and returns one.
        x: its arguments, floating-point.

    Returns:
        The value, and a function of ``v`` (in the value's shape) that returns one tensor for each
        argument: a tensor for one, else a tuple. It can be called any number of times.

    Raises:
        DtypeError: when an argument is not floating-point, or ``f`` returns no tensor.

    >>> import minigrad as mg
    >>> value, pullback = mg.vjp(lambda x: x * x, mg.tensor([1.0, 2.0]))
    >>> pullback([1.0, 10.0])
    tensor([ 2., 40.])
    """
    inputs, value = _evaluate(f, x)

    def pullback(v: Any) -> Any:
        pulled = _pull(value, inputs, v)
        return pulled[0] if len(pulled) == 1 else tuple(pulled)

    return value.detach(), pullback


@checked_arguments
def jvp(f: Function, x: Any, v: Any, *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """Return ``f(x)`` and its Jacobian-vector product ``J @ v``: the directional derivative along ``v``.

    Computed by differentiating the pullback, which is linear in its argument, a second time
    (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).

    Args:
        f: takes tensors and returns one.
        x: its argument, or a tuple of arguments.
        v: the direction, in the shape of ``x``; a tuple if ``x`` is one.
        create_graph: let the results be differentiated further.

    Raises:
        ShapeError: when ``v`` has not the shape of ``x``.

    >>> import minigrad as mg
    >>> mg.jvp(lambda x: x * x, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.5]))
    (tensor([1., 4.]), tensor([2., 2.]))
    """
    inputs, value = _evaluate(f, _pack(x))
    directions = _directions(v, x, inputs)
    cotangent = Tensor(np.zeros_like(value._data))
    cotangent.requires_grad = True
    pulled = _pull(value, inputs, cotangent, create_graph=True)
    total = Tensor(np.zeros_like(value._data))
    for gradient, direction in zip(pulled, directions, strict=True):
        if gradient.requires_grad:
            part = grad(
                gradient,
                cotangent,
                gradient=direction,
                create_graph=create_graph,
                retain_graph=True,
                allow_unused=True,
            )
            total = total if part is None else total + part
    return value if create_graph else value.detach(), total


@checked_arguments
def hvp(f: Function, x: Any, v: Any, *, create_graph: bool = False) -> Any:
    """Return the Hessian-vector product ``H @ v`` of a scalar function, without forming the Hessian.

    Computed as the gradient of ``gradient . v`` (B. Pearlmutter, "Fast exact multiplication by the
    Hessian", 1994).

    Args:
        f: takes tensors and returns a scalar tensor.
        x: its argument, or a tuple of arguments.
        v: the vector, in the shape of ``x``; a tuple if ``x`` is one.
        create_graph: let the result be differentiated further.

    Raises:
        GraphError: when ``f`` does not return a scalar.
        ShapeError: when ``v`` has not the shape of ``x``.

    >>> import minigrad as mg
    >>> mg.hvp(lambda x: (x ** 3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
    tensor([ 6., 12.])
    """
    inputs, value = _evaluate(f, _pack(x), scalar="hvp")
    directions = _directions(v, x, inputs)
    gradients = _pull(value, inputs, None, create_graph=True)
    with Recording(True):
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g.requires_grad)
    return _unpack(_pull(slope, inputs, None, create_graph=create_graph), x)


@checked_arguments
def jacobian(f: Function, x: Any, *, create_graph: bool = False) -> Any:
    """Return the Jacobian of ``f`` at ``x``: shape ``f(x).shape + x.shape``, a tuple of these if ``x`` is a tuple.

    One backward pass for each element of the output.

    Args:
        f: takes tensors and returns one.
        x: its argument, or a tuple of arguments.
        create_graph: let the result be differentiated further.

    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x, mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    inputs, value = _evaluate(f, _pack(x))
    return _unpack(_rows(value, inputs, create_graph), x)


@checked_arguments
def hessian(f: Function, x: Any, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar function at ``x``: shape ``x.shape + x.shape``.

    For a tuple of arguments, a tuple of tuples: entry ``[i][j]`` of shape ``x[i].shape + x[j].shape``.

    Args:
        f: takes tensors and returns a scalar tensor.
        x: its argument, or a tuple of arguments.
        create_graph: let the result be differentiated further.

    Raises:
        GraphError: when ``f`` does not return a scalar.

    >>> import minigrad as mg
    >>> mg.hessian(lambda x: x[0] * x[1], mg.tensor([3.0, 5.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    inputs, value = _evaluate(f, _pack(x), scalar="hessian")
    gradients = _pull(value, inputs, None, create_graph=True)
    return _unpack([_unpack(_rows(gradient, inputs, create_graph), x) for gradient in gradients], x)


def _pack(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _unpack(values: Any, x: Any) -> Any:
    """Return one value where the user gave one argument, and a tuple where they gave a tuple."""
    return tuple(values) if isinstance(x, tuple) else values[0]


def _evaluate(f: Function, x: tuple[Any, ...], scalar: str = "") -> tuple[list[Tensor], Tensor]:
    if not callable(f):
        raise DtypeError(f"expected a function of tensors to differentiate, got {type(f).__name__}")
    with Recording(True):
        inputs = [watched(value) for value in x]
        value = f(*inputs)
    if not isinstance(value, Tensor):
        raise DtypeError(f"the function must return a tensor, it returned {type(value).__name__}")
    if scalar and value.size != 1:
        raise GraphError(f"{scalar}() needs a function that returns a scalar, it returned shape {value.shape}")
    return inputs, value


def _pull(value: Tensor, inputs: list[Tensor], v: Any, *, create_graph: bool = False) -> list[Tensor]:
    """Return the gradients with respect to the inputs, zeros where there is no dependence."""
    if isinstance(value, Tensor) and value.requires_grad:
        found = grad(value, inputs, gradient=v, create_graph=create_graph, retain_graph=True, allow_unused=True)
    else:
        found = [None] * len(inputs)
    return [Tensor(np.zeros_like(x._data)) if g is None else g for g, x in zip(found, inputs, strict=True)]


def _rows(value: Tensor, inputs: list[Tensor], create_graph: bool) -> list[Tensor]:
    """Return the Jacobian with respect to each input, one backward pass for each element of ``value``."""
    basis = np.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
    rows = [_pull(value, inputs, direction, create_graph=create_graph) for direction in basis]
    blocks: list[Tensor] = []
    for position, x in enumerate(inputs):
        column = [row[position] for row in rows]
        if create_graph and column:
            stacked: Any = np.stack(column)
        else:
            stacked = Tensor(np.array([row._data for row in column], x.dtype))
        blocks.append(stacked.reshape(value.shape + x.shape))
    return blocks


def _directions(v: Any, x: Any, inputs: list[Tensor]) -> list[Tensor]:
    directions = _pack(v) if isinstance(x, tuple) else (v,)
    if len(directions) != len(inputs):
        raise ShapeError(f"v must have one direction for each argument: {len(inputs)} expected, got {len(directions)}")
    made = []
    for position, (direction, tensor) in enumerate(zip(directions, inputs, strict=True)):
        if not isinstance(direction, Tensor):
            direction = Tensor(as_array(direction, tensor.dtype))
        if direction.shape != tensor.shape:
            raise ShapeError(
                f"v must have the shape of x: for argument {position} {tensor.shape} expected, got {direction.shape}"
            )
        made.append(direction)
    return made
