"""Points where the gradient vanishes: minimum, maximum or saddle, and the way out of a saddle."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad.analysis.calls import call
from minigrad.analysis.lanczos import Floats
from minigrad.analysis.points import finite_point
from minigrad.analysis.second_derivatives import (
    TOLERANCE,
    CriticalPoint,
    check_hessian_fits,
    check_zero_tolerance,
    second_derivative_test,
)
from minigrad.checks import check_positive
from minigrad.engine.arrays import Array, as_array
from minigrad.engine.mode import no_grad
from minigrad.engine.tensor import Tensor, check_differentiable
from minigrad.engine.transforms import hessian, vjp
from minigrad.errors import ArgumentError, DtypeError, GraphError

Function = Callable[[Tensor], Tensor]


def classify_critical_point(f: Function, x: Any, *, tolerance: float = TOLERANCE) -> CriticalPoint:
    """Say whether a point is a minimum, a maximum or a saddle, by the second derivative test.

    Computed in float64, whatever the dtype of ``x``. An eigenvalue counts as zero up to ``tolerance`` times the largest
    in magnitude. With negative and positive ones the point is a saddle; else, if one counts as zero, it is degenerate.

    The gradient counts as zero while its norm, divided by the largest eigenvalue in magnitude, is at most ``tolerance *
    max(1, norm of x)``: that quotient is the distance to the critical point along the steepest axis. The scale of ``f``
    plays no part. A point that is not critical has its eigenvalues reported all the same.

    Args:
        f: takes one tensor and returns a scalar tensor.
        x: the point, a floating-point tensor or array of any shape.
        tolerance: what counts as zero; raise it for a point that an optimizer came close to in float32.

    Raises:
        DtypeError: when ``x`` is not floating-point, or ``f`` returns no tensor.
        GraphError: when ``f`` does not return a scalar.
        ArgumentError: when ``x``, or ``f`` or a derivative of it there, is not finite, or ``x`` has more than 4096
            elements.

    >>> import minigrad as mg
    >>> from minigrad.analysis import classify_critical_point
    >>> classify_critical_point(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2))
    saddle: some directions lead up, others down
      gradient norm  0
      eigenvalues    [-2.  2.]
      minimum ratio  0.5 (1 of 2 positive)
    """
    check_zero_tolerance("classify_critical_point", tolerance)
    return _classify("classify_critical_point", f, _point("classify_critical_point", x), tolerance)


def minimum_ratio(f: Function, x: Any) -> float:
    """Return the share of the Hessian's eigenvalues that are positive: 1 at a minimum, 0 at a maximum.

    The share of negative ones is the index of a critical point (Y. Dauphin et al., "Identifying and attacking the
    saddle point problem in high-dimensional non-convex optimization", 2014). Arguments and errors are those of
    ``classify_critical_point``.

    >>> import minigrad as mg
    >>> from minigrad.analysis import minimum_ratio
    >>> minimum_ratio(lambda x: x[0] ** 2 + x[1] ** 2 - x[2] ** 2 - x[3] ** 2, mg.zeros(4))
    0.5
    """
    return _classify("minimum_ratio", f, _point("minimum_ratio", x), TOLERANCE).minimum_ratio


def escape_direction(f: Function, x: Any) -> Tensor:
    """Return the direction of the most negative curvature: along it a saddle falls off fastest.

    It is a unit eigenvector of the smallest eigenvalue. Both signs are as good; of the elements that are largest in
    magnitude, the first is made positive. Where the smallest eigenvalue is a repeated one, any of its directions may
    come. Other arguments and errors are those of ``classify_critical_point``.

    Returns:
        A tensor of the shape and dtype of ``x``.

    Raises:
        ArgumentError: also when no eigenvalue is negative.

    >>> import minigrad as mg
    >>> from minigrad.analysis import escape_direction
    >>> escape_direction(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2))
    tensor([0.7071, 0.7071])
    """
    point = _point("escape_direction", x)
    return Tensor(_downward("escape_direction", f, point).astype(point.dtype))


def escape(f: Function, x: Any, *, step: float | None = None) -> Tensor:
    """Return a lower point: one step from ``x`` along the direction of the most negative curvature.

    The step is tried both ways, and the lower of the two points taken if ``f`` is lower there; else the step is halved,
    and so on. Where the gradient vanishes gradient descent stands still, and this does not. Other arguments and errors
    are those of ``classify_critical_point``.

    Args:
        f: takes one tensor and returns a scalar tensor.
        x: the point to leave.
        step: the length to try first; 1 if None.

    Returns:
        A tensor of the shape and dtype of ``x``.

    Raises:
        ArgumentError: also when no eigenvalue is negative, the step is not a positive finite number, or no step leads
            to a lower point.

    >>> import minigrad as mg
    >>> from minigrad.analysis import escape
    >>> escape(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2), step=2 ** 0.5)
    tensor([1., 1.])
    """
    length = check_positive("escape: step", 1.0 if step is None else step)
    point = _point("escape", x)
    direction = _downward("escape", f, point)
    here = _value(f, point)
    while True:
        with np.errstate(over="ignore"):  # a step may leave the dtype's range, and is halved then
            ways = [(point + sign * length * direction).astype(point.dtype) for sign in (1, -1)]
        if all((way == point).all() for way in ways):
            raise ArgumentError(
                f"escape: f is nowhere below {here:.6g} along the direction of negative curvature, down to steps that "
                f"vanish in {point.dtype}; see that f returns the same value for the same point"
            )
        # a value that is not a number counts as high
        values = [value if np.isfinite(value) else np.inf for value in (_value(f, way) for way in ways)]
        if min(values) < here:
            return Tensor(ways[int(np.argmin(values))])
        length /= 2


def _classify(owner: str, f: Function, point: Array, tolerance: float) -> CriticalPoint:
    gradient, matrix = _derivatives(owner, f, point)
    return second_derivative_test(gradient, matrix, float(np.linalg.norm(point)), tolerance)


def _downward(owner: str, f: Function, point: Array) -> Floats:
    found = _classify(owner, f, point, TOLERANCE)
    lowest, largest = found.eigenvalues[0], np.abs(found.eigenvalues).max()
    if not lowest < -TOLERANCE * largest:
        raise ArgumentError(
            f"{owner}: no direction of negative curvature leads away from this point: the smallest eigenvalue of the "
            f"Hessian is {lowest:.3g}, the largest in magnitude {largest:.3g}; where the gradient does not vanish, "
            "follow that"
        )
    direction: Floats = found.eigenvectors[:, 0].reshape(point.shape)
    return direction


def _derivatives(owner: str, f: Function, point: Array) -> tuple[Floats, Floats]:
    """Return the gradient, ``(n,)``, and the Hessian, ``(n, n)``, in float64."""
    check_hessian_fits(owner, point.size)
    if not callable(f):
        raise DtypeError(f"{owner}: f must be a function of one tensor, got {type(f).__name__}")
    start = Tensor(point.astype(np.float64))
    function = partial(call, f"{owner}: f must be a function of one tensor", f)
    value, pullback = vjp(function, start)
    if value.size != 1:
        raise GraphError(
            f"{owner}: f must return a scalar, it returned shape {value.shape}; reduce it with .sum() or .mean()"
        )
    _check_finite(owner, "f", value)
    gradient = pullback(np.ones(value.shape))
    _check_finite(owner, "the gradient of f", gradient)
    found = hessian(function, start)
    _check_finite(owner, "the Hessian of f", found)
    matrix = found.numpy().reshape(point.size, point.size)
    return gradient.numpy().ravel(), (matrix + matrix.T) / 2


def _check_finite(owner: str, name: str, found: Tensor) -> None:
    if not np.isfinite(found.numpy()).all():
        raise ArgumentError(f"{owner}: {name} is not finite at x; choose a point where f is smooth")


def _point(owner: str, x: Any) -> Array:
    point = as_array(x.numpy() if isinstance(x, Tensor) else x)
    check_differentiable(point.dtype, f"{owner}: x")
    if not point.size:
        raise ArgumentError(f"{owner}: x must have at least one element, got shape {point.shape}")
    return finite_point(owner, point)


def _value(f: Function, point: Array) -> float:
    with no_grad(), np.errstate(all="ignore"):
        return float(f(Tensor(point.astype(np.float64))).item())
