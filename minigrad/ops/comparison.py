"""Comparisons, tests and roundings: functions whose result carries no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.creation import ones_like, zeros_like
from minigrad.engine.numpy_protocol import implements
from minigrad.engine.tensor import Tensor
from minigrad.ops.define import of_ufunc, primitive

equal = of_ufunc(np.equal, "whether ``x == y``, element by element")
not_equal = of_ufunc(np.not_equal, "whether ``x != y``, element by element")
equal.takes_none = not_equal.takes_none = True  # nothing equals None, which may be asked of any tensor
less = of_ufunc(np.less, "whether ``x < y``, element by element")
less_equal = of_ufunc(np.less_equal, "whether ``x <= y``, element by element")
greater = of_ufunc(np.greater, "whether ``x > y``, element by element")
greater_equal = of_ufunc(np.greater_equal, "whether ``x >= y``, element by element")

logical_and = of_ufunc(np.logical_and, "whether both are true")
logical_or = of_ufunc(np.logical_or, "whether one of both is true")
logical_xor = of_ufunc(np.logical_xor, "whether exactly one of both is true")
logical_not = of_ufunc(np.logical_not, "whether ``x`` is false")
bitwise_and = of_ufunc(np.bitwise_and, "``x & y`` of booleans or integers")
bitwise_or = of_ufunc(np.bitwise_or, "``x | y`` of booleans or integers")
bitwise_xor = of_ufunc(np.bitwise_xor, "``x ^ y`` of booleans or integers")
invert = of_ufunc(np.invert, "``~x`` of booleans or integers")

isnan = of_ufunc(np.isnan, "where ``x`` is not a number")
isinf = of_ufunc(np.isinf, "where ``x`` is infinite")
isfinite = of_ufunc(np.isfinite, "where ``x`` is neither infinite nor nan")
floor = of_ufunc(np.floor, "the largest integer not above ``x``")
ceil = of_ufunc(np.ceil, "the smallest integer not below ``x``")
rint = of_ufunc(np.rint, "the nearest integer, halves to the even one")
floor_divide = of_ufunc(np.floor_divide, "``x // y``, rounded down")


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
        return function(*[a._array if isinstance(a, Tensor) else a for a in args], **options)

    implements(function)(compare)


for _function in (np.allclose, np.array_equal, np.isclose, np.array2string, np.array_repr, np.array_str):
    _answer(_function)
implements(np.zeros_like)(zeros_like)
implements(np.ones_like)(ones_like)
