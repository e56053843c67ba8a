"""Functions of each element, and their derivatives.

A rule is a VJP rule: it gets ``g``, the gradient of the output, and what else it names, such as an input or the output
``out``, and returns the gradient of its input. The walk sums over axes that were broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.arrays import check_dtype
from minigrad.ops.define import of_ufunc, primitive

# --- arithmetic

add = of_ufunc(np.add, "``x + y``", lambda g: g, lambda g: g)
subtract = of_ufunc(np.subtract, "``x - y``", lambda g: g, lambda g: -g)
multiply = of_ufunc(np.multiply, "``x * y``", lambda g, y: g * y, lambda g, x: g * x)
divide = of_ufunc(np.divide, "``x / y``", lambda g, y: g / y, lambda g, out, y: -g * out / y)
negative = of_ufunc(np.negative, "``-x``", lambda g: -g)
remainder = of_ufunc(
    np.remainder,
    "``x % y``, which has the sign of ``y``; where it jumps, its derivative is that of the right side",
    lambda g: g,
    lambda g, x, y: -g * np.floor_divide(x, y),
)


@primitive(numpy=np.positive)
def identity(x: Any) -> Any:
    """Return ``x`` itself, as a new node of the graph.

    >>> import minigrad as mg
    >>> mg.identity(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    return x


identity.derivatives(lambda g: g)


@primitive(numpy=np.astype)
def astype(x: Any, dtype: npt.DTypeLike) -> Any:
    """Return ``x`` in another dtype; the gradient comes back in the dtype of ``x``.

    >>> import minigrad as mg, numpy as np
    >>> mg.astype(mg.tensor([1.5, -2.5]), np.int64)
    tensor([ 1, -2])
    """
    return x.astype(check_dtype(dtype))


astype.derivatives(lambda g: g)  # the walk converts it


@primitive()
def by_convention(values: Any, mask: Any) -> Any:
    """Return ``values``, a first derivative; where the mask is true it does not exist, and its value is a convention.

    Differentiated again, it gives nan there, so that second derivatives are not made up.

    >>> import minigrad as mg, numpy as np
    >>> slope = mg.tensor([0.0, 1.0], requires_grad=True)
    >>> mg.grad(mg.ops.elementwise.by_convention(slope, np.array([True, False])).sum(), slope)
    (tensor([nan,  1.]),)
    """
    return values


by_convention.derivatives(lambda g, mask: g * np.where(mask, np.nan, np.ones_like(g)), None)

# --- powers

square = of_ufunc(np.square, "``x * x``", lambda g, x: g * (2 * x))


def _sqrt_rule(g: Any, out: Any) -> Any:
    with np.errstate(divide="ignore"):  # at 0, infinite on purpose
        return g * (0.5 / out)


sqrt = of_ufunc(
    np.sqrt,
    "the square root; its derivative at 0 is infinite, as the limit is; see ``norm`` for a safe length",
    _sqrt_rule,
)


@primitive(broadcasts=True, numpy=np.power)
def power(x: Any, y: Any) -> Any:
    """Return ``x ** y``.

    At ``x = 0`` the derivatives are the limits from the right where these are finite:
    0 for ``x`` if ``y = 0``, and 0 for ``y`` if ``y >= 0`` (as PyTorch's). The derivative
    with respect to the exponent is nan where ``x`` is negative. Second derivatives are limits
    from the right, too, or nan where these are infinite.

    >>> import minigrad as mg
    >>> mg.power(mg.tensor([2.0, 3.0]), 2)
    tensor([4., 9.])
    """
    return x**y


@primitive(broadcasts=True)
def _power_log(x: Any, y: Any, k: int) -> Any:
    """Return ``x**y * log(x)**k``, the derivatives of a power with respect to its exponent; at 0 the limit."""
    value = x**y
    if k == 0:
        return value
    return np.where((x == 0) & (y > 0), 0, value * (np.log(x) ** k).astype(value.dtype))


def _power_base(g: Any, x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 to a negative power is infinite on purpose
        if isinstance(y, (int, float)):  # such as x**2, the common case
            if y == 0:
                return np.zeros_like(x)
            return g * (y * x ** (y - 1))
        corner = (x == 0) & (y == 0)  # a power of 0 is 1 for every x, but not for the next y
        y = by_convention.dispatch(np.broadcast_to(y, corner.shape), corner)
        return g * (y * _power_log.dispatch(x, np.where(corner, 1, y - 1), k=0))


def _power_exponent(g: Any, x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of 0 is infinite, that of -1 nan
        corner = ((x == 0) & (y == 0)).astype(g.dtype)
        return g * by_convention.dispatch(_power_log.dispatch(x + corner, y, k=1), corner)


def _power_log_base(g: Any, x: Any, y: Any, k: int) -> Any:
    if k == 0:
        return _power_base(g, x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * (y * _power_log.dispatch(x, y - 1, k=k) + k * _power_log.dispatch(x, y - 1, k=k - 1))


def _power_log_exponent(g: Any, x: Any, y: Any, k: int) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * _power_log.dispatch(x, y, k=k + 1)


power.derivatives(_power_base, _power_exponent)
_power_log.derivatives(_power_log_base, _power_log_exponent)

# --- exponentials and logarithms

exp = of_ufunc(np.exp, "e to the power of ``x``", lambda g, out: g * out)
expm1 = of_ufunc(np.expm1, "``exp(x) - 1``, exact for small ``x``", lambda g, out: g * (out + 1))
log = of_ufunc(np.log, "the natural logarithm", lambda g, x: g / x)
log1p = of_ufunc(np.log1p, "``log(1 + x)``, exact for small ``x``", lambda g, x: g / (1 + x))

# --- trigonometric and hyperbolic functions; angles are in radians

sin = of_ufunc(np.sin, "the sine", lambda g, x: g * np.cos(x))
cos = of_ufunc(np.cos, "the cosine", lambda g, x: -g * np.sin(x))
tan = of_ufunc(np.tan, "the tangent", lambda g, out: g * (1 + out * out))
arctan = of_ufunc(np.arctan, "the angle whose tangent is ``x``", lambda g, x: g / (1 + x * x))
sinh = of_ufunc(np.sinh, "the hyperbolic sine", lambda g, x: g * np.cosh(x))
cosh = of_ufunc(np.cosh, "the hyperbolic cosine", lambda g, x: g * np.sinh(x))
tanh = of_ufunc(np.tanh, "the hyperbolic tangent", lambda g, out: g * (1 - out * out))
