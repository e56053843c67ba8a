"""Functions with a kink or a branch: what the derivative is there is a convention, written beside it.

The rules are of the same kind as those of ``elementwise``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.errors import ArgumentError


@primitive(numpy=np.absolute)
def abs(x: Any) -> Any:
    """Return the absolute value; its derivative at 0 is 0.

    >>> import minigrad as mg
    >>> mg.abs(mg.tensor([-2.0, 3.0]))
    tensor([2., 3.])
    """
    return np.abs(x)


abs.derivatives(lambda g, out, x: g * np.sign(x))


@primitive(numpy=np.sign)
def sign(x: Any) -> Any:
    """Return -1, 0 or 1; its derivative is 0 everywhere.

    >>> import minigrad as mg
    >>> mg.sign(mg.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    return np.sign(x)


sign.derivatives(lambda g, out, x: np.zeros_like(x))


@primitive(broadcasts=True, numpy=np.maximum)
def maximum(x: Any, y: Any) -> Any:
    """Return the larger of ``x`` and ``y``; where they are equal each gets half of the gradient.

    >>> import minigrad as mg
    >>> mg.maximum(mg.tensor([1.0, 5.0]), 3.0)
    tensor([3., 5.])
    """
    return np.maximum(x, y)


maximum.derivatives(
    lambda g, out, x, y: np.where(x < y, 0, np.where(x == y, g / 2, g)),
    lambda g, out, x, y: np.where(y < x, 0, np.where(x == y, g / 2, g)),
)


@primitive(broadcasts=True, numpy=np.minimum)
def minimum(x: Any, y: Any) -> Any:
    """Return the smaller of ``x`` and ``y``; where they are equal each gets half of the gradient.

    >>> import minigrad as mg
    >>> mg.minimum(mg.tensor([1.0, 5.0]), 3.0)
    tensor([1., 3.])
    """
    return np.minimum(x, y)


minimum.derivatives(
    lambda g, out, x, y: np.where(x > y, 0, np.where(x == y, g / 2, g)),
    lambda g, out, x, y: np.where(y > x, 0, np.where(x == y, g / 2, g)),
)


_BITS: dict[int, Any] = {2: np.int16, 4: np.int32, 8: np.int64}


@primitive(broadcasts=True)
def masked(values: Any, mask: Any) -> Any:
    """Return ``values`` where the mask, of booleans, is true, and 0 elsewhere: a gradient at a branch.

    >>> import minigrad as mg, numpy as np
    >>> mg.ops.piecewise.masked(mg.tensor([1.0, np.inf]), np.array([True, False]))
    tensor([1., 0.])
    """
    # 1 or 0 times the bits, taken as an integer: exact for inf and nan too, and ten times as fast as np.where,
    # which branches at every element
    bits = _BITS[values.itemsize]
    return np.multiply(values.view(bits), mask.astype(bits)).view(values.dtype)


masked.derivatives(lambda g, out, values, mask: masked.dispatch(g, mask), None)


@primitive(broadcasts=True, numpy=np.clip)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Return ``x`` limited to the interval from ``min`` to ``max``; None sets no limit.

    On the bounds themselves the gradient goes to ``x``.

    >>> import minigrad as mg
    >>> mg.clip(mg.tensor([-2.0, 0.5, 2.0]), 0, 1)
    tensor([0. , 0.5, 1. ])
    """
    if min is None and max is None:
        raise ArgumentError("clip: needs min, max or both; with neither there is nothing to do")
    return np.clip(x, min, max)


def _below(x: Any, min: Any) -> Any:
    return False if min is None else x < min


def _above(x: Any, max: Any) -> Any:
    return False if max is None else x > max


clip.derivatives(
    lambda g, out, x, min=None, max=None: masked.dispatch(g, ~(_below(x, min) | _above(x, max))),
    lambda g, out, x, min=None, max=None: np.where(_below(x, min) & (out == min), g, 0),
    lambda g, out, x, min=None, max=None: np.where(_above(x if min is None else np.maximum(x, min), max), g, 0),
)


@primitive(broadcasts=True, numpy=np.where)
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return ``x`` where the condition holds and ``y`` elsewhere.

    The branch that is not taken gets a gradient of exactly 0, finite or not. That 0 is then
    multiplied by the derivatives inside the branch, and 0 times infinity is nan: where a branch
    is not finite, make its *input* safe too, as in ``where(x > 0, log(where(x > 0, x, 1)), 0)``.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, -2.0])
    >>> mg.where(x > 0, x, 0.0)
    tensor([1., 0.])
    """
    return np.where(condition, x, y)


where.derivatives(
    None,
    lambda g, out, condition, x, y: masked.dispatch(g, np.not_equal(condition, 0)),
    lambda g, out, condition, x, y: masked.dispatch(g, np.equal(condition, 0)),
)
