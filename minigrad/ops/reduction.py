"""Functions that combine the elements along axes: sums, means, extremes and their like.

``axis`` is an integer, a tuple, or None for all axes; ``keepdims`` keeps them with length 1. What follows the
axis is keyword-only, since NumPy has other arguments in those positions.

Half precision is accumulated in single (``in_single``): NumPy adds float16 numbers in float16 along every axis but a
contiguous one, where 256 + 0.1 is 256, and a square of more than 65504 is infinite although the mean is small.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.arrays import as_real
from minigrad.errors import ArgumentError
from minigrad.ops.define import primitive
from minigrad.ops.elementwise import by_convention

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]
_add: Any = np.add.reduce  # np.sum without its layer of Python


def restore(value: Any, shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """Give a reduced value its axes back, with length 1, so that it broadcasts against ``shape``."""
    if keepdims or not shape:
        return value
    if axis is None:
        return value.reshape((1,) * len(shape))
    return np.expand_dims(value, axis)


def _count(shape: Shape, axis: Axis) -> int:
    """Return how many elements go into each element of the result."""
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


@primitive(numpy=np.sum, in_single=True)
def sum(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the sum along ``axis``.

    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    return _add(x, axis=axis, keepdims=keepdims)


sum.derivatives(
    lambda g, x_shape, axis, keepdims: np.broadcast_to(restore(g, x_shape, axis, keepdims), x_shape),
)


@primitive(numpy=np.mean, in_single=True)
def mean(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the mean along ``axis``; of nothing it is nan, and without a gradient to pass on.

    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([1.5, 3.5])
    """
    return _add(x, axis=axis, keepdims=keepdims) / _count(x.shape, axis)


def _mean_rule(g: Any, x_shape: Shape, axis: Axis, keepdims: bool) -> Any:
    share = g * (1 / builtins.max(_count(x_shape, axis), 1))
    return np.broadcast_to(restore(share, x_shape, axis, keepdims), x_shape)


mean.derivatives(_mean_rule)


def _share_among_ties(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    highest = restore(out, x.shape, axis, keepdims)
    chosen = (x == highest) | (np.isnan(x) & np.isnan(highest))  # nan wins, and gets the gradient
    ties = np.sum(chosen, axis=axis, keepdims=True)
    return np.where(chosen, restore(g, x.shape, axis, keepdims) / ties.astype(x.dtype), 0)


@primitive(numpy=np.max, in_single=True)
def max(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the largest element along ``axis``; equal ones share the gradient equally.

    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([2., 4.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


max.derivatives(_share_among_ties)


@primitive(numpy=np.min, in_single=True)
def min(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the smallest element along ``axis``; equal ones share the gradient equally.

    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([1., 3.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


min.derivatives(_share_among_ties)


@primitive(numpy=np.prod, in_single=True)
def prod(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return the product along ``axis``; its gradient is right where factors are 0 too.

    >>> import minigrad as mg
    >>> mg.prod(mg.tensor([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


def _prod_rule(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    g = restore(g, x.shape, axis, keepdims)
    if np.all(x != 0):
        return g * restore(out, x.shape, axis, keepdims) / x
    # by a factor of 0 one cannot divide: multiply all factors but one, for each one in turn
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    rows = moved.reshape((*moved.shape[: -len(axes)], 1, -1))
    others = np.where(np.eye(rows.shape[-1], dtype=bool), 1, rows)
    return g * np.moveaxis(np.prod(others, axis=-1).reshape(moved.shape), last, axes)


prod.derivatives(_prod_rule)


def _check_ddof(name: str, x: Any, axis: Axis, ddof: int) -> None:
    count = _count(x.shape, None if axis is None else normalize_axis_tuple(axis, x.ndim))
    if ddof >= count:
        raise ArgumentError(f"{name}: needs more than ddof={ddof} elements along axis {axis}, got {count}")


def _deviation(x: Any, axis: Axis) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


@primitive(numpy=np.var, in_single=True)
def var(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the variance along ``axis``: squared deviations summed and divided by ``N - ddof``, as NumPy does.

    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.25)
    """
    _check_ddof("var", x, axis, ddof)
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


var.derivatives(
    lambda g, x, axis, ddof, keepdims: (
        restore(g, x.shape, axis, keepdims) * (2 / (_count(x.shape, axis) - ddof)) * _deviation(x, axis)
    ),
)


@primitive(numpy=np.std, in_single=True)
def std(x: Any, axis: Axis = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """Return the standard deviation along ``axis``, the root of ``var``.

    Where it is 0, so is its derivative, and its second derivative is nan: for its square take ``var``.

    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    _check_ddof("std", x, axis, ddof)
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _std_rule(g: Any, out: Any, x: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    count = _count(x.shape, axis)
    g, out = restore(g, x.shape, axis, keepdims), restore(out, x.shape, axis, keepdims)
    slope = _deviation(x, axis) / ((out + (out == 0)) * (count - ddof))  # divided by 1 where it is 0
    return g * by_convention.dispatch(slope, (out == 0) & (count > 1))  # a single element never deviates


std.derivatives(_std_rule)


@primitive(numpy=np.linalg.norm, in_single=True)
def norm(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the Euclidean length along ``axis`` (of all elements, if None).

    Its derivative at 0 is 0, and its second derivative nan: for a squared length write ``sum(x * x)``.

    >>> import minigrad as mg
    >>> mg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return np.sqrt(np.sum(np.square(as_real(x)), axis=axis, keepdims=keepdims))


def _norm_rule(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    g, out = restore(g, x.shape, axis, keepdims), restore(out, x.shape, axis, keepdims)
    return g * by_convention.dispatch(x / (out + (out == 0)), out == 0)  # divided by 1 where it is 0


norm.derivatives(_norm_rule)


@primitive(numpy=np.cumsum, in_single=True)
def cumsum(x: Any, axis: int | None = None) -> Any:
    """Return the running sums along ``axis``; of the flattened tensor, if None.

    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    return np.cumsum(x, axis=axis)


cumsum.derivatives(lambda g, x_shape, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(x_shape))


@primitive(numpy=np.argmax)
def argmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Return the index of the largest element along ``axis`` (of the flattened tensor, if None), the first of equals.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    tensor([1, 0])
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


argmax.derivatives(None)


@primitive(numpy=np.argmin)
def argmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Return the index of the smallest element along ``axis`` (of the flattened tensor, if None), the first of equals.

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
