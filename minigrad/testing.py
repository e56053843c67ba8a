"""Check gradients against finite differences: for the library's tests, and for users' own primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import call
from minigrad.checks import as_float
from minigrad.engine.arrays import Array, as_array
from minigrad.engine.backward import grad
from minigrad.engine.tensor import Tensor
from minigrad.engine.transforms import variable, vjp
from minigrad.errors import ArgumentError, DtypeError, GradientCheckError

STEP = 1e-3  # near the fifth root of float64's epsilon, where truncation and rounding are of one size
FLOOR = 1e-3  # an element this much smaller than the largest, or than 1, is measured against that


def gradcheck(f: Callable[..., Tensor], *inputs: Any, order: int = 1, tolerance: float = 1e-6) -> bool:
    """Compare the gradients of a function with five-point finite differences, in float64.

    The output is weighted by random numbers, always the same ones, so that one backward pass checks
    all of its elements (M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 25.3.6).
    Choose inputs away from kinks and singularities, and functions with values of moderate size.

    Args:
        f: takes the inputs as tensors, and returns a tensor; a float32 function is checked in float64
            because its inputs are.
        inputs: tensors, arrays or numbers; those of a floating-point dtype are differentiated.
        order: 2 checks the gradient of the gradient too, mixed second derivatives included, and so on.
        tolerance: the relative error to allow.

    Returns:
        True.

    Raises:
        GradientCheckError: when a gradient differs; names the input, the index and both numbers.
        ArgumentError: when ``order`` is not a positive integer, or ``tolerance`` no number of at least 0.
        DtypeError: when ``f`` is no function or returns no tensor, or no input is floating-point.
        UnknownArgumentError: when ``f`` takes another number of inputs.

    >>> import minigrad as mg
    >>> mg.testing.gradcheck(lambda x, y: x * mg.sin(y), mg.tensor([1.0, 2.0]), mg.tensor(0.5), order=2)
    True
    """
    if not callable(f):
        raise DtypeError(f"gradcheck: expected a function of tensors, got {type(f).__name__}")
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"gradcheck: order must be 1, 2, ..., got {order!r}")
    allowed = as_float(tolerance)
    if not allowed >= 0:
        raise ArgumentError(f"gradcheck: tolerance must be a number of at least 0, got {tolerance!r}")
    values = [as_array(x._array if isinstance(x, Tensor) else x) for x in inputs]
    places = [position for position, value in enumerate(values) if value.dtype.kind == "f"]
    if not places:
        raise DtypeError("gradcheck: needs at least one floating-point input to differentiate")
    points = [values[place].astype(np.float64) for place in places]

    def function(*points: Any) -> Tensor:
        arguments: list[Any] = list(inputs)
        for place, point in zip(places, points, strict=True):
            arguments[place] = point
        result: Tensor = call("gradcheck: f must be a function of the inputs given", f, *arguments)
        return result

    named = [getattr(inputs[place], "name", None) for place in places]
    labels = [f"input {place}{f' {name!r}' if name else ''}" for place, name in zip(places, named, strict=True)]
    for reached in range(1, order + 1):
        weights = _check(function, points, f"gradcheck, order {reached}", labels, allowed)
        function, points = _gradient_of(function), [*points, weights]
        labels = [*labels, f"the weights of order {reached}"]
    return True


def _check(
    function: Callable[..., Tensor], points: list[Array], title: str, labels: list[str], tolerance: float
) -> Array:
    """Compare the gradient with respect to each input, and return the weights that the output had."""
    value, pullback = vjp(function, *points)
    weights = _weights(value.shape)
    pulled = pullback(weights)
    for position, gradient in enumerate(pulled if isinstance(pulled, tuple) else (pulled,)):
        numeric = _stencil(function, points, position, weights)
        _compare(gradient.numpy(), numeric, f"{title}: the gradient of {labels[position]}", tolerance)
    return weights


def _weights(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Return numbers from 0.5 to 1.5, of either sign, the same at each call."""
    rng = np.random.default_rng(seed)
    weights: Array = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    return np.asarray(weights)


def _gradient_of(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the function of the inputs and weights in which each element of each gradient has a part."""

    def gradient(*arguments: Any) -> Tensor:
        *inputs, weights = [variable(argument) for argument in arguments]
        total: Tensor = (weights * 0.0).sum()
        value = function(*inputs)
        if value.requires_grad:
            parts = grad(value, inputs, gradient=weights, create_graph=True, allow_unused=True)
            for position, part in enumerate(parts):
                total = total if part is None else total + (part * _weights(part.shape, position)).sum()
        return total

    return gradient


def _stencil(function: Callable[..., Tensor], points: list[Array], position: int, weights: Array) -> Array:
    """Return the derivative of the weighted output with respect to each element of one input."""
    point = points[position]
    numeric = np.empty_like(point)
    for index in np.ndindex(point.shape):
        step = STEP * max(1.0, float(np.abs(point[index])))

        def at(offset: float, index: tuple[int, ...] = index) -> Array:
            moved = point.copy()
            moved[index] += offset
            return function(*[Tensor(moved if i == position else p) for i, p in enumerate(points)]).numpy()

        near, far = at(step) - at(-step), at(2 * step) - at(-2 * step)
        numeric[index] = np.sum(weights * (8 * near - far)) / (12 * step)
    return numeric


def _compare(gradient: Array, numeric: Array, what: str, tolerance: float) -> None:
    scale = np.maximum(np.abs(gradient), np.abs(numeric))
    error = np.abs(gradient - numeric) / np.maximum(scale, FLOOR * scale.max(initial=1))
    if (error <= tolerance).all():
        return
    index = tuple(int(i) for i in np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), error.shape))
    raise GradientCheckError(
        f"{what} is wrong at index {index}: backward gives {gradient[index]:.10g}, finite differences give "
        f"{numeric[index]:.10g}, a relative error of {error[index]:.1e} where {tolerance:.0e} is allowed; "
        "look at the rule, or move the input away from a kink"
    )
