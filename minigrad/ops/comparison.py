"""Comparisons, tests and roundings: functions whose result carries no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.creation import ones_like, zeros_like
from minigrad.engine.numpy_protocol import implements
from minigrad.engine.primitive import Primitive, primitive
from minigrad.engine.tensor import Tensor


def _without_gradient(function: Any, inputs: int, what: str) -> Primitive[Any]:
    """Make a primitive of a ufunc through which no gradient flows."""
    if inputs == 2:

        def forward(x: Any, y: Any) -> Any:
            return function(x, y)
    else:

        def forward(x: Any) -> Any:  # type: ignore[misc]
            return function(x)

    forward.__name__ = forward.__qualname__ = function.__name__
    forward.__doc__ = f"Return {what}; no gradient flows through it."
    made: Primitive[Any] = primitive(broadcasts=True, numpy=function)(forward)
    made.derivatives(*[None] * inputs)
    return made


equal = _without_gradient(np.equal, 2, "whether ``x == y``, element by element")
not_equal = _without_gradient(np.not_equal, 2, "whether ``x != y``, element by element")
less = _without_gradient(np.less, 2, "whether ``x < y``, element by element")
less_equal = _without_gradient(np.less_equal, 2, "whether ``x <= y``, element by element")
greater = _without_gradient(np.greater, 2, "whether ``x > y``, element by element")
greater_equal = _without_gradient(np.greater_equal, 2, "whether ``x >= y``, element by element")

logical_and = _without_gradient(np.logical_and, 2, "whether both are true")
logical_or = _without_gradient(np.logical_or, 2, "whether one of both is true")
logical_xor = _without_gradient(np.logical_xor, 2, "whether exactly one of both is true")
logical_not = _without_gradient(np.logical_not, 1, "whether ``x`` is false")
bitwise_and = _without_gradient(np.bitwise_and, 2, "``x & y`` of booleans or integers")
bitwise_or = _without_gradient(np.bitwise_or, 2, "``x | y`` of booleans or integers")
bitwise_xor = _without_gradient(np.bitwise_xor, 2, "``x ^ y`` of booleans or integers")
invert = _without_gradient(np.invert, 1, "``~x`` of booleans or integers")

isnan = _without_gradient(np.isnan, 1, "where ``x`` is not a number")
isinf = _without_gradient(np.isinf, 1, "where ``x`` is infinite")
isfinite = _without_gradient(np.isfinite, 1, "where ``x`` is neither infinite nor nan")
floor = _without_gradient(np.floor, 1, "the largest integer not above ``x``")
ceil = _without_gradient(np.ceil, 1, "the smallest integer not below ``x``")
rint = _without_gradient(np.rint, 1, "the nearest integer, halves to the even one")
floor_divide = _without_gradient(np.floor_divide, 2, "``x // y``, rounded down")


@primitive(numpy=np.round)
def round(x: Any, decimals: int = 0) -> Any:
    """Return ``x`` rounded to a number of decimals; no gradient flows through it.

    >>> import minigrad as mg
    >>> mg.round(mg.tensor([0.127, 1.5]), 2)
    tensor([0.13, 1.5 ])
    """
    return np.round(x, decimals)


round.derivatives(None)


# --- questions about tensors as a whole: plain answers


@implements(np.shape)
def _shape(x: Tensor) -> tuple[int, ...]:
    return x.shape


@implements(np.ndim)
def _ndim(x: Tensor) -> int:
    return x.ndim


@implements(np.size)
def _size(x: Tensor, axis: int | None = None) -> int:
    return x.size if axis is None else x.shape[axis]


def _answer(function: Callable[..., Any]) -> None:
    """Let a NumPy function that compares whole arrays work on tensors by their values."""

    def compare(*args: Any, **options: Any) -> Any:
        return function(*[a._data if isinstance(a, Tensor) else a for a in args], **options)

    implements(function)(compare)


for _function in (np.allclose, np.array_equal, np.isclose, np.array2string, np.array_repr, np.array_str):
    _answer(_function)
implements(np.zeros_like)(zeros_like)
implements(np.ones_like)(ones_like)
