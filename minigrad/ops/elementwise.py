"""Functions of each element, and their derivatives.

A rule gets ``g``, the gradient of the output; ``out``, the output; and the inputs. It
returns the gradient of its input. Axes that were broadcast are summed out by the walk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.arrays import check_dtype
from minigrad.engine.primitive import primitive

# --- arithmetic


@primitive(broadcasts=True, numpy=np.add)
def add(x: Any, y: Any) -> Any:
    """Return ``x + y``.

    >>> import minigrad as mg
    >>> mg.add(mg.tensor([1.0, 2.0]), 3.0)
    tensor([4., 5.])
    """
    return np.add(x, y)


add.derivatives(
    lambda g, out, x, y: g,
    lambda g, out, x, y: g,
)


@primitive(broadcasts=True, numpy=np.subtract)
def subtract(x: Any, y: Any) -> Any:
    """Return ``x - y``.

    >>> import minigrad as mg
    >>> mg.subtract(mg.tensor([1.0, 2.0]), 3.0)
    tensor([-2., -1.])
    """
    return np.subtract(x, y)


subtract.derivatives(
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g,
)


@primitive(broadcasts=True, numpy=np.multiply)
def multiply(x: Any, y: Any) -> Any:
    """Return ``x * y``.

    >>> import minigrad as mg
    >>> mg.multiply(mg.tensor([1.0, 2.0]), 3.0)
    tensor([3., 6.])
    """
    return np.multiply(x, y)


multiply.derivatives(
    lambda g, out, x, y: g * y,
    lambda g, out, x, y: g * x,
)


@primitive(broadcasts=True, numpy=np.divide)
def divide(x: Any, y: Any) -> Any:
    """Return ``x / y``.

    >>> import minigrad as mg
    >>> mg.divide(mg.tensor([1.0, 2.0]), 4.0)
    tensor([0.25, 0.5 ])
    """
    return np.divide(x, y)


divide.derivatives(
    lambda g, out, x, y: g / y,
    lambda g, out, x, y: -g * out / y,
)


@primitive(broadcasts=True, numpy=np.remainder)
def remainder(x: Any, y: Any) -> Any:
    """Return ``x % y``, which has the sign of ``y``; where it jumps, its derivative is that of the right side.

    >>> import minigrad as mg
    >>> mg.remainder(mg.tensor([5.0, -5.0]), 3.0)
    tensor([2., 1.])
    """
    return np.remainder(x, y)


remainder.derivatives(
    lambda g, out, x, y: g,
    lambda g, out, x, y: -g * np.floor_divide(x, y),
)


@primitive(numpy=np.negative)
def negative(x: Any) -> Any:
    """Return ``-x``.

    >>> import minigrad as mg
    >>> mg.negative(mg.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return np.negative(x)


negative.derivatives(lambda g, out, x: -g)


@primitive(numpy=np.positive)
def identity(x: Any) -> Any:
    """Return ``x`` itself, as a new node of the graph.

    >>> import minigrad as mg
    >>> mg.identity(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    return x


identity.derivatives(lambda g, out, x: g)


@primitive(numpy=np.astype)
def astype(x: Any, dtype: npt.DTypeLike) -> Any:
    """Return ``x`` in another dtype; the gradient comes back in the dtype of ``x``.

    >>> import minigrad as mg, numpy as np
    >>> mg.astype(mg.tensor([1.5, -2.5]), np.int64)
    tensor([ 1, -2])
    """
    return np.asanyarray(x).astype(check_dtype(dtype))


astype.derivatives(lambda g, out, x, dtype: g)  # the walk converts it


# --- powers


@primitive(numpy=np.square)
def square(x: Any) -> Any:
    """Return ``x * x``.

    >>> import minigrad as mg
    >>> mg.square(mg.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    return np.square(x)


square.derivatives(lambda g, out, x: g * (2 * x))


@primitive(numpy=np.sqrt)
def sqrt(x: Any) -> Any:
    """Return the square root. Its derivative at 0 is infinite, as the limit is; see ``norm`` for a safe length.

    >>> import minigrad as mg
    >>> mg.sqrt(mg.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return np.sqrt(x)


def _sqrt_rule(g: Any, out: Any, x: Any) -> Any:
    with np.errstate(divide="ignore"):  # at 0, infinite on purpose
        return g * (0.5 / out)


sqrt.derivatives(_sqrt_rule)


@primitive(broadcasts=True, numpy=np.power)
def power(x: Any, y: Any) -> Any:
    """Return ``x ** y``.

    At ``x = 0`` the derivatives are the limits from the right where these are finite:
    0 for ``x`` if ``y = 0``, and 0 for ``y`` if ``y >= 0`` (as PyTorch's). The derivative
    with respect to the exponent is nan where ``x`` is negative.

    >>> import minigrad as mg
    >>> mg.power(mg.tensor([2.0, 3.0]), 2)
    tensor([4., 9.])
    """
    return x**y


def _power_base(g: Any, out: Any, x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore"):  # 0 to a negative power is infinite on purpose
        if isinstance(y, (int, float)):
            return g * (y * x ** (y - 1)) if y else np.zeros_like(x)
        return g * (y * x ** np.where((x == 0) & (y == 0), 1, y - 1))


def _power_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    zero = (x == 0) & (y >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(zero, 0, g * out * np.log(np.where(zero, np.ones_like(out), x)))


power.derivatives(_power_base, _power_exponent)

# --- exponentials and logarithms


@primitive(numpy=np.exp)
def exp(x: Any) -> Any:
    """Return e to the power of ``x``.

    >>> import minigrad as mg
    >>> mg.exp(mg.tensor([0.0, 1.0]))
    tensor([1.    , 2.7183])
    """
    return np.exp(x)


exp.derivatives(lambda g, out, x: g * out)


@primitive(numpy=np.expm1)
def expm1(x: Any) -> Any:
    """Return ``exp(x) - 1``, exact for small ``x``.

    >>> import minigrad as mg
    >>> mg.expm1(mg.tensor([0.0, 1e-8]))
    tensor([0.e+00, 1.e-08])
    """
    return np.expm1(x)


expm1.derivatives(lambda g, out, x: g * (out + 1))


@primitive(numpy=np.log)
def log(x: Any) -> Any:
    """Return the natural logarithm.

    >>> import minigrad as mg
    >>> mg.log(mg.tensor([1.0, 10.0]))
    tensor([0.    , 2.3026])
    """
    return np.log(x)


log.derivatives(lambda g, out, x: g / x)


@primitive(numpy=np.log1p)
def log1p(x: Any) -> Any:
    """Return ``log(1 + x)``, exact for small ``x``.

    >>> import minigrad as mg
    >>> mg.log1p(mg.tensor([0.0, 1e-8]))
    tensor([0.e+00, 1.e-08])
    """
    return np.log1p(x)


log1p.derivatives(lambda g, out, x: g / (1 + x))
