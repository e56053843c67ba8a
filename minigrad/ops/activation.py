"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.arrays import as_real
from minigrad.errors import ArgumentError
from minigrad.ops.define import primitive
from minigrad.ops.piecewise import masked

# Python floats, not NumPy's: these do not turn float32 into float64
_SQRT_HALF = math.sqrt(0.5)
_SQRT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_FAR = 100  # beyond it, the normal distribution function is 0 or 1 and its density 0, and no power may overflow


@primitive()
def relu(x: Any) -> Any:
    """Return ``max(x, 0)``; its derivative at 0 is 0.

    >>> import minigrad as mg
    >>> mg.relu(mg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return np.maximum(x, 0)


relu.derivatives(lambda g, out: masked.dispatch(g, out > 0))


@primitive()
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """Return ``x`` where it is positive and ``negative_slope * x`` elsewhere; the derivative at 0 is the slope.

    >>> import minigrad as mg
    >>> mg.leaky_relu(mg.tensor([-1.0, 2.0]))
    tensor([-0.01,  2.  ])
    """
    return np.where(x > 0, x, negative_slope * x)


leaky_relu.derivatives(lambda g, x, negative_slope: np.where(x > 0, g, negative_slope * g))


@primitive()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return ``x`` where it is positive and ``alpha * (exp(x) - 1)`` elsewhere (Clevert et al., 2015).

    >>> import minigrad as mg
    >>> mg.elu(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


elu.derivatives(lambda g, x, alpha: np.where(x > 0, g, g * (alpha * np.exp(np.where(x > 0, 0, x)))))


@primitive()
def sigmoid(x: Any) -> Any:
    """Return ``1 / (1 + exp(-x))``, computed so that nothing overflows and small results keep their digits.

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.tensor([-10000.0, 0.0, 10000.0]))
    tensor([0. , 0.5, 1. ])
    """
    x = as_real(x)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


sigmoid.derivatives(lambda g, x, out: g * (out * sigmoid.dispatch(-x)))  # 1 - sigmoid(x) = sigmoid(-x), to every digit


@primitive()
def softplus(x: Any) -> Any:
    """Return ``log(1 + exp(x))``, exact for ``x`` of any size.

    >>> import minigrad as mg
    >>> mg.softplus(mg.tensor([-10000.0, 0.0, 10000.0]))
    tensor([0.0000e+00, 6.9315e-01, 1.0000e+04])
    """
    x = as_real(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus.derivatives(lambda g, x: g * sigmoid.dispatch(x))


@primitive()
def silu(x: Any) -> Any:
    """Return ``x * sigmoid(x)``, also called swish; 0 at -inf, as the limit is.

    >>> import minigrad as mg
    >>> mg.silu(mg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.    ,  0.7311])
    """
    x = as_real(x)
    return np.where(x == -np.inf, 0, x) * sigmoid.forward(x)


def _silu_rule(g: Any, x: Any) -> Any:
    bounded = np.where(np.isfinite(x), x, 0)
    return g * (sigmoid.dispatch(x) * (1 + bounded * sigmoid.dispatch(-x)))


silu.derivatives(_silu_rule)


@primitive()
def _erf(x: Any) -> Any:
    return np.asanyarray(_vectorised_erf(x)).astype(x.dtype)


_vectorised_erf = np.frompyfunc(math.erf, 1, 1)
_erf.derivatives(lambda g, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x)))


@primitive()
def gelu(x: Any, approximate: str = "none") -> Any:
    """Return ``x * Phi(x)`` with the standard normal distribution function (Hendrycks and Gimpel, 2016).

    Args:
        x: a tensor.
        approximate: ``"none"``, or ``"tanh"`` for the faster approximation.

    Raises:
        ArgumentError: when ``approximate`` is something else.

    >>> import minigrad as mg
    >>> mg.gelu(mg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.    ,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    x = as_real(x)
    return np.where(x == -np.inf, 0, x) * _normal(x, approximate)


def _normal(x: Any, approximate: str) -> Any:
    """Return Phi(x) of an array or a tensor."""
    if approximate == "tanh":
        x = np.clip(x, -_FAR, _FAR)
        return 0.5 * (1 + np.tanh(_SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x)))
    return 0.5 * (1 + _erf.dispatch(_SQRT_HALF * x))


def _gelu_rule(g: Any, x: Any, approximate: str) -> Any:
    normal = _normal(x, approximate)
    bounded = np.clip(x, -_FAR, _FAR)
    if approximate == "tanh":
        inner = _SQRT_TWO_OVER_PI * (1 + 3 * 0.044715 * bounded * bounded)
        return g * (normal + bounded * 2 * normal * (1 - normal) * inner)
    density = np.exp(-0.5 * bounded * bounded) * (1 / math.sqrt(2 * math.pi))
    return g * (normal + bounded * density)


gelu.derivatives(_gelu_rule)
