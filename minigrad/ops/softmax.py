"""The softmax family: logsumexp, softmax and log_softmax, exact for logits of any size.

``axis`` is an integer, a tuple, or None for all axes. Where a logit is +inf the limits hold:
softmax is 1 there and 0 elsewhere. Two such, or nothing but -inf, have no limit and give nan.
Half precision is computed in single, and rounded once, at the end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.arrays import as_real
from minigrad.ops.define import primitive
from minigrad.ops.reduction import Axis, restore


def shifted(x: Any, axis: Axis) -> Any:
    """Return ``x`` less its maximum, so that no exponential overflows."""
    x = as_real(x)
    if axis == -1 and x.ndim == 2 and x.shape[1] < 64:
        x = x.copy(order="F")  # NumPy is slow along a short last axis: laid out column by column, a tenth to a half
    highest = np.maximum.reduce(x, axis=axis, keepdims=True)
    if math.isfinite(np.vdot(highest, highest)):  # one number, finite only if all are
        return x - highest
    with np.errstate(invalid="ignore"):
        difference = x - highest  # inf - inf is nan
    alone = (highest == np.inf) & (np.sum(x == highest, axis=axis, keepdims=True) == 1)
    return np.where(alone, np.where(x == highest, 0, -np.inf), difference).astype(difference.dtype)


def total_of(weights: Any, axis: Axis) -> Any:
    """Return the sum along ``axis``, which stays as an axis of length 1."""
    if axis == -1 and weights.ndim == 2 and weights.dtype.char in "fd":
        ones = np.empty((weights.shape[1], 1), weights.dtype)
        ones.fill(1)
        return weights.dot(ones)  # the same sum, and quicker: a matrix product
    return np.add.reduce(weights, axis=axis, keepdims=True)


@primitive(in_single=True)
def logsumexp(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Return ``log(sum(exp(x)))`` along ``axis``.

    >>> import minigrad as mg
    >>> mg.logsumexp(mg.tensor([0.0, 10000.0]))
    tensor(10000.)
    """
    x = as_real(x)
    highest = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(highest), highest, 0)
    with np.errstate(divide="ignore", over="ignore"):  # log(0) and exp(inf) mean what they say
        total = np.log(np.add.reduce(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis)


@primitive(in_single=True)
def softmax(x: Any, axis: Axis = -1) -> Any:
    """Return ``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that sum to 1.

    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0, -10000.0]))
    tensor([0.5, 0.5, 0. ])
    """
    weights = np.exp(shifted(x, axis))
    return weights / total_of(weights, axis)


@primitive(in_single=True)
def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """Return ``log(softmax(x))`` along ``axis``, exact where the softmax underflows.

    >>> import minigrad as mg
    >>> mg.log_softmax(mg.tensor([0.0, -10000.0]))
    tensor([     0., -10000.])
    """
    value = shifted(x, axis)
    return value - np.log(total_of(np.exp(value), axis))


logsumexp.derivatives(
    lambda g, x, axis, keepdims: restore(g, x.shape, axis, keepdims) * softmax.dispatch(x, axis=axis),
)
softmax.derivatives(
    lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
)
log_softmax.derivatives(
    lambda g, out, axis: g - np.exp(out) * np.add.reduce(g, axis=axis, keepdims=True),
)
