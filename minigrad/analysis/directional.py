"""Directional derivatives: how fast a function changes along a direction, and along which one it grows fastest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.analysis.calls import call
from minigrad.analysis.points import finite_point
from minigrad.engine.arrays import as_array
from minigrad.engine.tensor import Tensor
from minigrad.engine.transforms import vjp
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError

Floats = npt.NDArray[np.float64]
Function = Callable[[Tensor], Tensor]


def directional_derivative(f: Function, x: Any, direction: Any) -> Tensor:
    """Return the slope of ``f`` at ``x`` along a direction: the gradient's product with the unit vector along it.

    For a function that is differentiable at ``x`` this is the limit of ``(f(x + h u) - f(x)) / h`` as ``h`` tends to
    0, with ``u = direction / |direction|`` (Nocedal and Wright, "Numerical Optimization", appendix A.2).

    Args:
        f: takes a tensor and returns a scalar tensor.
        x: the point, floating-point, of any shape; Python floats become float32.
        direction: in the shape of ``x``, of any length but 0; only where it points counts.

    Returns:
        A scalar tensor, in the dtype of ``x``, outside of any graph.

    Raises:
        ArgumentError: when the direction is zero, or it, ``x`` or the gradient is not finite.
        DtypeError: when ``x`` is not floating-point, or ``f`` is no function or returns no tensor.
        GraphError: when ``f`` does not return a scalar.
        ShapeError: when the direction has not the shape of ``x``.

    >>> import minigrad as mg
    >>> from minigrad import analysis
    >>> analysis.directional_derivative(lambda p: p[0] ** 2 + p[1], mg.tensor([2.0, 0.0]), [3.0, 4.0])
    tensor(3.2)
    """
    gradient, dtype = _gradient("directional_derivative", f, x)
    along = _numbers(direction)
    if along.shape != gradient.shape:
        raise ShapeError(f"direction must have the shape of x, {gradient.shape}, got {along.shape}")
    if not np.all(np.isfinite(along)):
        raise ArgumentError(f"direction must be finite, got {along}")
    if not np.any(along):
        raise ArgumentError("direction is zero, and points nowhere: give one with an element that is not 0")
    return Tensor(np.array(np.sum(gradient * _unit(along)), dtype))


def steepest_direction(f: Function, x: Any) -> Tensor:
    """Return the direction along which ``f`` grows fastest at ``x``: the gradient, divided by its length.

    The slope along it is the gradient's length; along its opposite, the direction of steepest descent, it is minus
    that (Nocedal and Wright, "Numerical Optimization", section 2.2).

    Args:
        f: takes a tensor and returns a scalar tensor.
        x: the point, floating-point, of any shape; Python floats become float32.

    Returns:
        A tensor of length 1, in the shape and dtype of ``x``, outside of any graph.

    Raises:
        ArgumentError: when the gradient is zero, so that there is no such direction, or it or ``x`` is not finite.
        DtypeError: when ``x`` is not floating-point, or ``f`` is no function or returns no tensor.
        GraphError: when ``f`` does not return a scalar.

    >>> import minigrad as mg
    >>> from minigrad import analysis
    >>> analysis.steepest_direction(lambda p: 3 * p[0] + 4 * p[1], mg.tensor([0.0, 0.0]))
    tensor([0.6, 0.8])
    """
    gradient, dtype = _gradient("steepest_direction", f, x)
    if not np.any(gradient):
        raise ArgumentError(
            "the gradient is zero at x, a critical point: no direction is steepest there; "
            "classify_critical_point(f, x) says what it is"
        )
    return Tensor(_unit(gradient).astype(dtype))


def directional_derivatives(f: Function, x: Any, angles: Any) -> Floats:
    """Return the slopes of ``f`` at a point of the plane, along the unit vectors at some angles.

    Args:
        f: takes a tensor of shape ``(2,)`` and returns a scalar tensor.
        x: the point, floating-point, of shape ``(2,)``; Python floats become float32.
        angles: in radians, from the first axis towards the second; a number, or an array of any shape.

    Returns:
        ``g[0] cos(angle) + g[1] sin(angle)`` for the gradient ``g``: float64, in the shape of ``angles``.

    Raises:
        ArgumentError: when an angle, ``x`` or the gradient is not finite.
        DtypeError: when ``x`` is not floating-point, or ``f`` is no function or returns no tensor.
        GraphError: when ``f`` does not return a scalar.
        ShapeError: when ``x`` is no point of the plane.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad import analysis
    >>> slopes = analysis.directional_derivatives(lambda p: p[0] * p[1], mg.tensor([2.0, 1.0]), [0, np.pi / 2, np.pi])
    >>> slopes.round(6)
    array([ 1.,  2., -1.])
    """
    shape = _numbers(x).shape
    if shape != (2,):
        raise ShapeError(f"directional_derivatives needs a point x of the plane, of shape (2,), got {shape}")
    radians = _numbers(angles)
    if not np.all(np.isfinite(radians)):
        raise ArgumentError(f"angles must be finite numbers of radians, got {radians}")
    gradient, _ = _gradient("directional_derivatives", f, x)
    return np.asarray(gradient[0] * np.cos(radians) + gradient[1] * np.sin(radians))


def _gradient(function: str, f: Function, x: Any) -> tuple[Floats, np.dtype[Any]]:
    """Return the gradient of ``f`` at ``x`` in double precision, and the dtype of ``x``."""
    if not callable(f):
        raise DtypeError(f"{function} needs a function f of a tensor, got {type(f).__name__}")
    finite_point(function, _numbers(x))
    value, pullback = vjp(partial(call, f"{function}: f must be a function of one tensor", f), x)
    if value.size != 1:
        raise GraphError(f"{function} needs a function that returns a scalar, it returned shape {value.shape}")
    found = pullback(np.ones(value.shape, value.dtype))
    if not np.all(np.isfinite(found._array)):
        raise ArgumentError(f"the gradient of f is not finite at x: {found._array}; choose a point where f has a slope")
    return found._array.astype(np.float64), found.dtype


def _numbers(value: Any) -> Floats:
    """Return a user's real numbers in double precision, lists too."""
    given = value._array if isinstance(value, Tensor) else value
    as_array(given)  # raises for what holds no real numbers
    return np.array(given, np.float64)


def _unit(vector: Floats) -> Floats:
    """Return a vector divided by its length, which may be beyond what squares can hold."""
    scaled = vector / np.max(np.abs(vector))
    return np.asarray(scaled / np.sqrt(np.sum(scaled * scaled)))
