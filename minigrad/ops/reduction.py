"""Functions that combine the elements along axes: sums, means, extremes and their like.

``axis`` is an integer, a tuple, or None for all axes; ``keepdims`` keeps them with length 1. What follows the
axis is keyword-only: in NumPy's own signatures other things stand there.

Half precision is summed in single: NumPy adds float16 numbers in float16 along every axis but a contiguous one, where
256 + 0.1 is 256, and a square of more than 65504 is infinite although the mean is small. Results are float16 again.
"""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.arrays import as_real
from minigrad.engine.primitive import primitive
from minigrad.errors import ArgumentError

Axis = int | tuple[int, ...] | None
_add: Any = np.add.reduce  # np.sum without its layer of Python


def restore(value: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Give a reduced value the axes back, with length 1, so that it broadcasts against ``x``."""
    if keepdims or x.ndim == 0:
        return value
    if axis is None:
        return value.reshape((1,) * x.ndim)
    return np.expand_dims(value, axis)


def widened(x: Any) -> Any:
    """Return half-precision numbers in single precision; others as they are."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def narrowed(value: Any, x: Any) -> Any:
    """Return what was computed of ``widened(x)`` in the precision of ``x``; beyond 65504 that is inf."""
    return value.astype(np.float16) if x.dtype.char == "e" else value


def in_single(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Let a rule compute half precision in single, where ``1 / count`` keeps its digits, and round its result once."""

    @functools.wraps(rule)
    def wrapper(g: Any, *arguments: Any, **options: Any) -> Any:
        if g.dtype.char != "e":
            return rule(g, *arguments, **options)
        wide = [widened(argument) if hasattr(argument, "dtype") else argument for argument in arguments]
        return narrowed(rule(widened(g), *wide, **options), g)

    return wrapper


def _count(x: Any, axis: Axis) -> int:
    """Return how many elements go into each element of the result."""
    if axis is None:
        return int(x.size)
    return math.prod(x.shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


@primitive(numpy=np.sum)
def sum(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the sum along ``axis``.

    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    if x.dtype.char == "e":
        return narrowed(_add(x, axis=axis, dtype=np.float32, keepdims=keepdims), x)
    return np.sum(x, axis=axis, keepdims=keepdims)


sum.derivatives(
    lambda g, out, x, axis=None, keepdims=False: np.broadcast_to(restore(g, x, axis, keepdims), x.shape),
)


@primitive(numpy=np.mean)
def mean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the mean along ``axis``; of nothing it is nan, and without a gradient to pass on.

    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([1.5, 3.5])
    """
    if x.dtype.char == "e":
        return np.mean(x, axis=axis, keepdims=keepdims)  # adds in float32
    return _add(x, axis=axis, keepdims=keepdims) / _count(x, axis)


mean.derivatives(
    in_single(
        lambda g, out, x, axis=None, keepdims=False: np.broadcast_to(
            restore(g * (1 / builtins.max(_count(x, axis), 1)), x, axis, keepdims), x.shape
        )
    ),
)


def _share_among_ties(g: Any, out: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    highest = restore(out, x, axis, keepdims)
    chosen = (x == highest) | (np.isnan(x) & np.isnan(highest))  # nan wins, and gets the gradient
    ties = restore(np.sum(chosen, axis=axis), x, axis, keepdims=False)
    return np.where(chosen, restore(g, x, axis, keepdims) / ties.astype(x.dtype), 0)


@primitive(numpy=np.max)
def max(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the largest element along ``axis``; equal ones share the gradient equally.

    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([2., 4.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


max.derivatives(in_single(_share_among_ties))


@primitive(numpy=np.min)
def min(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the smallest element along ``axis``; equal ones share the gradient equally.

    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([1., 3.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


min.derivatives(in_single(_share_among_ties))


@primitive(numpy=np.prod)
def prod(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the product along ``axis``; its gradient is right where factors are 0 too.

    >>> import minigrad as mg
    >>> mg.prod(mg.tensor([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    return narrowed(np.prod(widened(x), axis=axis, keepdims=keepdims), x)


def _prod_rule(g: Any, out: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    g = restore(g, x, axis, keepdims)
    if np.all(x != 0):
        return g * restore(out, x, axis, keepdims) / x
    # by a factor of 0 one cannot divide: multiply all factors but one, for each one in turn
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    rows = moved.reshape((*moved.shape[: -len(axes)], 1, -1))
    others = np.where(np.eye(rows.shape[-1], dtype=bool), 1, rows)
    return g * np.moveaxis(np.prod(others, axis=-1).reshape(moved.shape), last, axes)


prod.derivatives(_prod_rule)


def _check_ddof(name: str, x: Any, axis: Axis, ddof: int) -> None:
    count = _count(x, None if axis is None else normalize_axis_tuple(axis, x.ndim))
    if ddof >= count:
        raise ArgumentError(f"{name}: needs more than ddof={ddof} elements along axis {axis}, got {count}")


def _deviation(x: Any, axis: Axis) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


@primitive(numpy=np.var)
def var(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the variance along ``axis``: squared deviations summed and divided by ``N - ddof``, as NumPy does.

    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.25)
    """
    _check_ddof("var", x, axis, ddof)
    return narrowed(np.var(widened(x), axis=axis, ddof=ddof, keepdims=keepdims), x)


var.derivatives(
    in_single(
        lambda g, out, x, axis=None, ddof=0, keepdims=False: (
            restore(g, x, axis, keepdims) * (2 / (_count(x, axis) - ddof)) * _deviation(x, axis)
        )
    ),
)


@primitive(numpy=np.std)
def std(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the standard deviation along ``axis``, the root of ``var``; where it is 0, so is its derivative.

    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    _check_ddof("std", x, axis, ddof)
    return narrowed(np.std(widened(x), axis=axis, ddof=ddof, keepdims=keepdims), x)


def _std_rule(g: Any, out: Any, x: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    spread = restore(np.where(out == 0, 1, out), x, axis, keepdims)
    return restore(g, x, axis, keepdims) / spread * (_deviation(x, axis) / (_count(x, axis) - ddof))


std.derivatives(in_single(_std_rule))


@primitive(numpy=np.linalg.norm)
def norm(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the Euclidean length along ``axis`` (of all elements, if None); its derivative at 0 is 0.

    >>> import minigrad as mg
    >>> mg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return narrowed(np.sqrt(np.sum(np.square(widened(as_real(x))), axis=axis, keepdims=keepdims)), x)


def _norm_rule(g: Any, out: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    length = restore(np.where(out == 0, 1, out), x, axis, keepdims)
    return restore(g, x, axis, keepdims) * (x / length)


norm.derivatives(_norm_rule)


@primitive(numpy=np.cumsum)
def cumsum(x: Any, axis: int | None = None) -> Any:
    """Return the running sums along ``axis``; of all elements in a row, if None.

    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    return narrowed(np.cumsum(widened(x), axis=axis), x)


cumsum.derivatives(
    in_single(lambda g, out, x, axis=None: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(x.shape)),
)


@primitive(numpy=np.argmax)
def argmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Return the index of the largest element along ``axis`` (of all in a row, if None), the first of equals.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    tensor([1, 0])
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


argmax.derivatives(None)


@primitive(numpy=np.argmin)
def argmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Return the index of the smallest element along ``axis`` (of all in a row, if None), the first of equals.

    >>> import minigrad as mg
    >>> mg.argmin(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    tensor([0, 1])
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


argmin.derivatives(None)


@primitive(numpy=np.any)
def any(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return whether any element along ``axis`` is true.

    >>> import minigrad as mg
    >>> mg.any(mg.tensor([False, True]))
    tensor(True)
    """
    return np.any(x, axis=axis, keepdims=keepdims)


any.derivatives(None)


@primitive(numpy=np.all)
def all(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return whether every element along ``axis`` is true.

    >>> import minigrad as mg
    >>> mg.all(mg.tensor([False, True]))
    tensor(False)
    """
    return np.all(x, axis=axis, keepdims=keepdims)


all.derivatives(None)
