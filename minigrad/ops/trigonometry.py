"""Trigonometric and hyperbolic functions of each element, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive


@primitive(numpy=np.sin)
def sin(x: Any) -> Any:
    """Return the sine of ``x``, in radians.

    >>> import minigrad as mg
    >>> mg.sin(mg.tensor(0.0))
    tensor(0.)
    """
    return np.sin(x)


sin.derivatives(lambda g, out, x: g * np.cos(x))


@primitive(numpy=np.cos)
def cos(x: Any) -> Any:
    """Return the cosine of ``x``, in radians.

    >>> import minigrad as mg
    >>> mg.cos(mg.tensor(0.0))
    tensor(1.)
    """
    return np.cos(x)


cos.derivatives(lambda g, out, x: -g * np.sin(x))


@primitive(numpy=np.tan)
def tan(x: Any) -> Any:
    """Return the tangent of ``x``, in radians.

    >>> import minigrad as mg
    >>> mg.tan(mg.tensor(0.0))
    tensor(0.)
    """
    return np.tan(x)


tan.derivatives(lambda g, out, x: g * (1 + out * out))


@primitive(numpy=np.arctan)
def arctan(x: Any) -> Any:
    """Return the angle in radians whose tangent is ``x``.

    >>> import minigrad as mg
    >>> mg.arctan(mg.tensor(1.0))
    tensor(0.7854)
    """
    return np.arctan(x)


arctan.derivatives(lambda g, out, x: g / (1 + x * x))


@primitive(numpy=np.sinh)
def sinh(x: Any) -> Any:
    """Return the hyperbolic sine.

    >>> import minigrad as mg
    >>> mg.sinh(mg.tensor(0.0))
    tensor(0.)
    """
    return np.sinh(x)


sinh.derivatives(lambda g, out, x: g * np.cosh(x))


@primitive(numpy=np.cosh)
def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine.

    >>> import minigrad as mg
    >>> mg.cosh(mg.tensor(0.0))
    tensor(1.)
    """
    return np.cosh(x)


cosh.derivatives(lambda g, out, x: g * np.sinh(x))


@primitive(numpy=np.tanh)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent.

    >>> import minigrad as mg
    >>> mg.tanh(mg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.7616,  0.    ,  0.7616])
    """
    return np.tanh(x)


tanh.derivatives(lambda g, out, x: g * (1 - out * out))
